/** Stored tokens: reads again what a co-signer once signed, and what was verified before it was stored. */
import { malformedKey, requestKey } from './digest.ts'
import type { RequestKey } from './digest.ts'
import type { Endpoint } from './endpoints.ts'
import { isList, isObject } from './json-value.ts'
import type { JsonObject } from './json-value.ts'
import { decodePart, splitCompact } from './jws.ts'
import { parseRequest, provesStage, readRequest, usableIn } from './parse-request.ts'
import type { SigningOnly } from './parse-request.ts'
import type { CallbackRequest, Parsed } from './request.ts'
import { parseStrictJson, StrictJsonError } from './strict-json.ts'

/** What was asked, with its identity as it is computed now. */
export interface StoredRequest {
  readonly key: RequestKey
  /** Undefined when it cannot be read as a request. */
  readonly request: CallbackRequest | undefined
}

/**
 * The request in a token, or in the JSON body of `certificate` mode, with its identity as it is computed now; undefined
 * when there is none.
 */
export function readStored(
  endpoint: Endpoint,
  token: string,
  cosigner: string,
): StoredRequest | undefined {
  const claims = claimsOf(token)
  const parsed = claims && parsedOf(endpoint, claims)
  if (claims === undefined || parsed === undefined) return undefined
  const key = keyOf(endpoint, parsed, claims, cosigner)
  return { key, request: parsed.kind === 'request' ? parsed.request : undefined }
}

/** Tokens that were read last: one request is compared with the same few more than once. */
const recent = new Map<string, ReadAgain>()
const MAX_RECENT = 32
/** Longer ones are read again, in characters. */
const MAX_KEPT = 16_384

/**
 * Of requests that have more values than this, two are not compared: while one was read, which takes seconds, no other
 * decision could be recorded. A batch of a thousand destinations has 10,000.
 */
export const MAX_COMPARED_VALUES = 20_000

/** What was asked; undefined when it cannot be read as a request. */
type ReadAgain = CallbackRequest | 'too-large' | undefined

/** The request in a token, for what it asks. Takes a few hundredths of a second at most. */
export function readRecent(endpoint: Endpoint, token: string): ReadAgain {
  const name = `${endpoint} ${token}`
  if (recent.has(name)) return recent.get(name)
  const found = readAgain(endpoint, token)
  if (token.length > MAX_KEPT) return found
  const [oldest] = recent.keys()
  if (oldest !== undefined && recent.size >= MAX_RECENT) recent.delete(oldest)
  recent.set(name, found)
  return found
}

function readAgain(endpoint: Endpoint, token: string): ReadAgain {
  const claims = claimsIn(token, MAX_COMPARED_VALUES)
  if (claims === 'too-large') return claims
  const parsed = claims && parsedOf(endpoint, claims)
  return parsed?.kind === 'request' ? parsed.request : undefined
}

/** The identity of what was read from claims, as it is computed now. */
function keyOf(
  endpoint: Endpoint,
  parsed: Parsed,
  claims: JsonObject,
  cosigner: string,
): RequestKey {
  return parsed.kind === 'request'
    ? requestKey(parsed.request, cosigner)
    : malformedKey(
        parsed.kind === 'malformed' ? parsed.malformed : usableIn(endpoint, claims),
        claims,
      )
}

/** What a record says of how its identity was computed. */
export interface Recorded {
  readonly endpoint: Endpoint
  /** `IDENTITY_VERSION` of the program that wrote it. */
  readonly version: number
  /** It was refused as malformed. */
  readonly isMalformed: boolean
  /** Signers of which the policy said that they only sign. */
  readonly signingOnly?: SigningOnly | undefined
}

/**
 * The identity of recorded claims, as the version of the program that recorded them computed it. Throws
 * `ERR_REQUEST_UNIDENTIFIED`.
 */
export function recordedKey(
  { endpoint, version, isMalformed, signingOnly }: Recorded,
  claims: JsonObject,
  cosigner: string,
): RequestKey {
  if (version !== 1) {
    const parsed = parseRequest(endpoint, claims, signingOnly)
    return keyOf(endpoint, parsed, claims, cosigner)
  }
  // Version 1 could not read much that is read now, and read configuration changes without a type.
  const usable = usableIn(endpoint, claims)
  if (isMalformed) {
    const stage = isShown(claims) ? 'signing' : usable.stage
    return malformedKey({ ...usable, stage }, claims)
  }
  const request = withoutTags(readRequest(endpoint, claims, usable.requestId, usable.stage))
  const stage = provesStage(request) ? request.stage : 'signing'
  return requestKey(request.stage === stage ? request : { ...request, stage }, cosigner)
}

/** As version 1 read it, which did not know the members for tags. */
function withoutTags(request: CallbackRequest): CallbackRequest {
  if (request.endpoint !== 'tx_sign_request' || !Array.isArray(request.destinations)) return request
  const destinations = request.destinations.map((destination) => ({
    ...destination,
    dstTag: undefined,
    displayDstTag: undefined,
  }))
  return { ...request, destinations }
}

/** Version 1 took a `displayDstAddress` for a proof of the signing stage, readable or not. */
function isShown({ destinations }: JsonObject): boolean {
  return (
    isList(destinations) &&
    destinations.some((one) => isObject(one) && one['displayDstAddress'] !== undefined)
  )
}

function parsedOf(endpoint: Endpoint, claims: JsonObject): Parsed | undefined {
  try {
    return parseRequest(endpoint, claims)
  } catch {
    return undefined
  }
}

/** The claims in a token that was verified before it was stored, or in a plain body; undefined when there are none. */
export function claimsOf(token: string): JsonObject | undefined {
  const claims = claimsIn(token)
  return claims === 'too-large' ? undefined : claims
}

function claimsIn(token: string, maxValues?: number): JsonObject | 'too-large' | undefined {
  const parts = splitCompact(token)
  const payload = parts && decodePart(parts.payload)
  try {
    const text = payload === undefined ? token : payload.toString('utf8')
    const claims = parseStrictJson(text, maxValues)
    return isObject(claims) ? claims : undefined
  } catch (error) {
    return error instanceof StrictJsonError && error.flaw === 'too-many-values'
      ? 'too-large'
      : undefined
  }
}
