/**
 * Signs one request of the custody API: the JWT is bound to the exact URI and body bytes that go on
 * the wire.
 */
import { createHash, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'

/** Seconds between `iat` and `exp`: the vendor documents less than 30. */
export const TOKEN_LIFETIME_SECONDS = 28

export interface RequestToSign {
  /** API user id: `X-API-Key` and `sub`. */
  readonly apiKey: string
  /** Path and query exactly as sent, with `/v1`, without host and fragment. */
  readonly uri: string
  /** The body as it goes on the wire; empty when there is none. */
  readonly body: string
  /** Unique per request. */
  readonly nonce: string
  readonly now: Date
}

/** Lower-case hex SHA-256 of the body's UTF-8 bytes. */
export function bodyHash(body: string): string {
  return createHash('sha256').update(body, 'utf8').digest('hex')
}

/** The claims of the vendor's "Signing a request" page. */
export function requestClaims(request: RequestToSign): {
  readonly uri: string
  readonly nonce: string
  readonly iat: number
  readonly exp: number
  readonly sub: string
  readonly bodyHash: string
} {
  const iat = Math.floor(request.now.getTime() / 1000)
  return {
    uri: request.uri,
    nonce: request.nonce,
    iat,
    exp: iat + TOKEN_LIFETIME_SECONDS,
    sub: request.apiKey,
    bodyHash: bodyHash(request.body),
  }
}

/** The compact JWS (RS256, no `kid`) for the `Authorization: Bearer` header. */
export function signRequest(request: RequestToSign, privateKey: KeyObject): Promise<string> {
  return new SignJWT({ ...requestClaims(request) })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .sign(privateKey)
}
