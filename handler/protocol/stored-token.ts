/** Stored tokens: reads again what a co-signer once signed, and what was verified before it was stored. */
import { IDENTITY_VERSION, malformedKey, requestKey } from './digest.ts'
import type { RequestKey } from './digest.ts'
import type { Endpoint, Stage } from './endpoints.ts'
import { isList, isObject } from './json-value.ts'
import type { JsonObject } from './json-value.ts'
import { decodePart, splitCompact } from './jws.ts'
import { parseRequest, provesStage } from './parse-request.ts'
import type { CallbackRequest, Parsed } from './request.ts'
import { parseStrictJson } from './strict-json.ts'

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
  const key = keyOf(parsed, claims, cosigner)
  return { key, request: parsed.kind === 'request' ? parsed.request : undefined }
}

/** Tokens that were read last: one request is compared with the same few more than once. */
const recent = new Map<string, StoredRequest | undefined>()
const MAX_RECENT = 32
/** Longer ones are read again, in characters. */
const MAX_KEPT = 16_384

/** As `readStored` without a co-signer's name: for what was asked, not for its identity. */
export function readRecent(endpoint: Endpoint, token: string): StoredRequest | undefined {
  const name = `${endpoint} ${token}`
  if (recent.has(name)) return recent.get(name)
  const stored = readStored(endpoint, token, '')
  if (token.length > MAX_KEPT) return stored
  const [oldest] = recent.keys()
  if (oldest !== undefined && recent.size >= MAX_RECENT) recent.delete(oldest)
  recent.set(name, stored)
  return stored
}

/** The identity that a version of the program gives what was read from claims. */
export function keyOf(
  parsed: Parsed,
  claims: JsonObject,
  cosigner: string,
  version: number = IDENTITY_VERSION,
): RequestKey {
  if (parsed.kind === 'malformed') {
    const { malformed } = parsed
    const stage = isShown(claims) ? stageIn(version, malformed.stage) : malformed.stage
    return malformedKey({ ...malformed, stage }, claims)
  }
  const { request } = parsed
  const stage = provesStage(request) ? request.stage : stageIn(version, request.stage)
  const known = version === 1 ? withoutTags(request) : request
  return requestKey(known.stage === stage ? known : { ...known, stage }, cosigner)
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

/** Version 1 took a `displayDstAddress` for a proof of the signing stage. */
function stageIn(version: number, stage: Stage): Stage {
  return version === 1 ? 'signing' : stage
}

/** Whether a transaction that cannot be read shows an address. */
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
  const parts = splitCompact(token)
  const payload = parts && decodePart(parts.payload)
  try {
    const claims = parseStrictJson(payload === undefined ? token : payload.toString('utf8'))
    return isObject(claims) ? claims : undefined
  } catch {
    return undefined
  }
}
