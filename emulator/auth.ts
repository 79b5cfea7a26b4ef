/**
 * Who calls the API: the vendor's token rules in the vendor's (inferred) order, one code for each
 * way to fail.
 */
import { sha256Hex, splitToken, type TokenParts, verifies } from './tokens.ts'
import type { ApiRequest } from './message.ts'
import type { ApiUser, EmulatorState, Instant } from './state.ts'

/** A refused token: always HTTP 401 (vendor: API error codes). */
export interface AuthRefusal {
  readonly code: number
  readonly message: string
}

/** Roles that may use the co-signer and user operations. */
const ADMIN_ROLES: ReadonlySet<string> = new Set(['ADMIN', 'NON_SIGNING_ADMIN'])

/** `iat` may be this much in the future before −12: clocks are never equal. Not documented. */
const FUTURE_LEEWAY_S = 5

/**
 * Hashes that clients send for a request without a body: of nothing, of `""` (legacy SDKs) and of
 * `{}`.
 */
const NO_BODY_HASHES: ReadonlySet<unknown> = new Set([
  undefined,
  sha256Hex(''),
  sha256Hex('""'),
  sha256Hex('{}'),
])

/**
 * The user behind the request, or why it is refused. `adminOnly` asks for the documented endpoint
 * permission.
 */
export function authenticate(
  request: ApiRequest,
  state: EmulatorState,
  now: Instant,
  adminOnly: boolean,
): ApiUser | AuthRefusal {
  const apiKey = request.headers['x-api-key']
  if (apiKey === undefined || apiKey === '') return refuse(-2, 'missing API key')
  const authorization = request.headers['authorization']
  if (authorization === undefined || authorization === '') return refuse(-3, 'missing JWT')
  const parts = splitToken(/^Bearer (\S+)$/.exec(authorization)?.[1] ?? '')
  if (parts?.header['alg'] !== 'RS256') return refuse(-5, 'invalid token format')
  const user = state.users.get(apiKey)
  if (user === undefined) return refuse(-7, 'token was not accepted: unknown API key')
  if (parts.claims['sub'] !== apiKey) return refuse(-6, 'wrong user in the JWT')
  if (!verifies(parts, user.publicKey)) return refuse(-1, 'invalid signature')
  return (
    checkTimes(parts, state, now) ??
    checkRequest(parts, request) ??
    checkNonce(parts, state, apiKey, now) ??
    (adminOnly && !ADMIN_ROLES.has(user.role)
      ? refuse(-8, 'insufficient permissions for the role')
      : user)
  )
}

function checkTimes({ claims }: TokenParts, state: EmulatorState, now: Instant) {
  const { iat, exp } = claims
  if (typeof iat !== 'number' || typeof exp !== 'number') {
    return refuse(-5, 'invalid token format: `iat` and `exp` must be numbers')
  }
  const seconds = now / 1000
  if (exp <= seconds) return refuse(-10, 'request expired')
  if (iat > seconds + FUTURE_LEEWAY_S) return refuse(-12, 'the token was issued in the future')
  const tooLong = state.chaos.knobs.JWT_LIFETIME === 'docs' ? exp - iat >= 30 : exp - iat > 55
  return tooLong ? refuse(-7, 'token was not accepted: it lives too long') : undefined
}

/** No code is documented for a wrong `bodyHash`; −7 covers a wrongly constructed JWT. */
function checkRequest({ claims }: TokenParts, request: ApiRequest): AuthRefusal | undefined {
  if (claims['uri'] !== request.target) return refuse(-4, 'wrong URL in the JWT')
  const bodyHash = claims['bodyHash']
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(request.method) || request.body.length > 0
  const right = hasBody ? bodyHash === sha256Hex(request.body) : NO_BODY_HASHES.has(bodyHash)
  return right ? undefined : refuse(-7, 'token was not accepted: wrong body hash')
}

function checkNonce(
  { claims }: TokenParts,
  state: EmulatorState,
  apiKey: string,
  now: Instant,
): AuthRefusal | undefined {
  const { nonce, exp } = claims
  if (typeof nonce !== 'string' && typeof nonce !== 'number') {
    return refuse(-5, 'invalid token format: `nonce` is missing')
  }
  for (const [known, until] of state.nonces) {
    if (until > now) break
    state.nonces.delete(known)
  }
  const id = `${apiKey} ${nonce}`
  if (state.chaos.knobs.NONCE_REPLAY_REFUSED && state.nonces.has(id)) {
    return refuse(-7, 'token was not accepted: the nonce was used before')
  }
  state.nonces.set(id, Number(exp) * 1000)
  return undefined
}

function refuse(code: number, message: string): AuthRefusal {
  return { code, message }
}
