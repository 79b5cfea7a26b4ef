/**
 * Compact JWS, RS256, as both remote parties make and check them: strict form first, then the
 * signature.
 */
import { constants, createHash, type KeyObject, sign, verify } from 'node:crypto'

/** The parts of a compact JWS before anything is verified. */
export interface TokenParts {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** `<header>.<payload>`, the text that is signed. */
  readonly signingInput: string
  readonly signature: Buffer
}

/**
 * Takes a token apart; undefined unless it is three canonical base64url parts with JSON objects in
 * the first two.
 */
export function splitToken(token: string): TokenParts | undefined {
  const match = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/.exec(token)
  if (match === null) return undefined
  const [, header = '', payload = '', signature = ''] = match
  const parts = [header, payload, signature].map((part) => Buffer.from(part, 'base64url'))
  if ([header, payload, signature].some((part, at) => parts[at]?.toString('base64url') !== part)) {
    return undefined
  }
  const [headerBytes, payloadBytes, signatureBytes] = parts
  const headerObject = jsonObject(headerBytes)
  const claims = jsonObject(payloadBytes)
  if (headerObject === undefined || claims === undefined || signatureBytes === undefined) {
    return undefined
  }
  return {
    header: headerObject,
    claims,
    signingInput: `${header}.${payload}`,
    signature: signatureBytes,
  }
}

/**
 * Whether the signature is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3) or ES256 by this key, as
 * the header says.
 */
export function verifies(parts: TokenParts, key: KeyObject): boolean {
  const expected = key.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256'
  if (parts.header['alg'] !== expected) return false
  if (expected === 'ES256' && key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false
  const input = Buffer.from(parts.signingInput)
  return expected === 'ES256'
    ? verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, parts.signature)
    : verify('sha256', input, { key, padding: constants.RSA_PKCS1_PADDING }, parts.signature)
}

/**
 * Signs the payload text as it stands, header exactly `{"typ":"JWT","alg":"RS256"}` as in the
 * published samples.
 */
export function signToken(payload: string, key: KeyObject): string {
  const input = `${encode('{"typ":"JWT","alg":"RS256"}')}.${encode(payload)}`
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

/** Base64url of the text's UTF-8 bytes. */
export function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** Lower-case hex SHA-256. */
export function sha256Hex(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}

function jsonObject(bytes: Buffer | undefined): Record<string, unknown> | undefined {
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined
  } catch {
    return undefined
  }
}
