/** Parsing: verified claims are read once, into a request; nothing else is looked at afterwards. */
import { CallbackError } from './errors.ts'
import type { Endpoint, Stage } from './endpoints.ts'
import type { JsonObject } from './json-value.ts'
import { IDENTIFIED, isIdentifier, Malformation, OPTIONAL_ID } from './members.ts'
import type { CallbackRequest, Malformed, Parsed } from './request.ts'
import { CONFIG_CHANGE, TRANSACTION } from './request-members.ts'

/**
 * Members that make a transaction of whatever has them: a token replayed at the other endpoint must not be read as
 * something else.
 */
const TX_ONLY = ['destinations', 'rawTx'] as const

/** Signers of which the policy says that they never approve: what they are asked for is of the signing stage. */
export type SigningOnly = ReadonlySet<string>

/** Members of the envelope, and those without meaning here. */
const ENVELOPE = ['requestId', 'signerId', 'exp', 'nbf']
const TX_MEMBERS: ReadonlySet<string> = new Set([...ENVELOPE, ...TRANSACTION.names, 'action'])
const CONFIG_MEMBERS: ReadonlySet<string> = new Set([...ENVELOPE, ...CONFIG_CHANGE.names])

/** No more unknown names than this are kept, and no longer ones. */
const UNKNOWN_NAMES = { count: 32, length: 64 }

/**
 * The id to answer to. Throws `ERR_REQUEST_UNIDENTIFIED` unless it is 1 to 128 characters of
 * printable ASCII.
 */
export function identify(claims: JsonObject): string {
  const requestId = claims['requestId']
  if (isIdentifier(requestId)) return requestId
  throw new CallbackError('ERR_REQUEST_UNIDENTIFIED', 'no usable `requestId`')
}

/**
 * Reads the claims once, into a frozen request. Members of another form than documented are unreadable and decide
 * nothing; only a missing `txId` or `type` is malformed. Throws only `ERR_REQUEST_UNIDENTIFIED`.
 */
export function parseRequest(
  endpoint: Endpoint,
  claims: JsonObject,
  signingOnly?: SigningOnly,
): Parsed {
  const requestId = identify(claims)
  const stage = stageOf(endpoint, claims, signingOnly)
  const foreign = endpoint === 'tx_sign_request' ? undefined : foreignIn(claims)
  if (foreign !== undefined) {
    const reason = `a configuration change has \`${foreign}\``
    return Object.freeze({ kind: 'unreadable', requestId, reason })
  }
  try {
    if (endpoint === 'config_change_sign_request') IDENTIFIED.read(claims, 'type')
    const request = readRequest(endpoint, claims, requestId, stage)
    return Object.freeze({ kind: 'request', request })
  } catch (error) {
    if (!(error instanceof Malformation)) throw error
    const { reasonCode, member } = error
    const malformed = { ...usableIn(endpoint, claims, signingOnly), reasonCode, member }
    return Object.freeze({ kind: 'malformed', malformed: Object.freeze(malformed) })
  }
}

/** What is usable of content that cannot be read as a request. Throws `ERR_REQUEST_UNIDENTIFIED`. */
export function usableIn(
  endpoint: Endpoint,
  claims: JsonObject,
  signingOnly?: SigningOnly,
): Omit<Malformed, 'reasonCode' | 'member'> {
  const { txId, signerId } = claims
  return {
    endpoint,
    stage: stageOf(endpoint, claims, signingOnly),
    requestId: identify(claims),
    signerId: isIdentifier(signerId) ? signerId : undefined,
    txId: isIdentifier(txId) ? txId : undefined,
  }
}

/** The request in claims, whatever its `type`. Throws `Malformation` without a usable `txId`. */
export function readRequest(
  endpoint: Endpoint,
  claims: JsonObject,
  requestId: string,
  stage: Stage,
): CallbackRequest {
  const signerId = OPTIONAL_ID.read(claims, 'signerId')
  if (endpoint === 'tx_sign_request') {
    const unknownMembers = unknownMembersOf(claims, TX_MEMBERS)
    return TRANSACTION.read(claims, { endpoint, stage, requestId, signerId, unknownMembers })
  }
  const unknownMembers = unknownMembersOf(claims, CONFIG_MEMBERS)
  return CONFIG_CHANGE.read(claims, { endpoint, stage, requestId, signerId, unknownMembers })
}

/**
 * Signing iff a member is there, even as null, that only signing requests have (vendor: approve
 * transactions), or the policy says so of the signer.
 */
function stageOf(endpoint: Endpoint, claims: JsonObject, signingOnly?: SigningOnly): Stage {
  return isStagedByPolicy(endpoint, claims, signingOnly) ? 'signing' : ownStageOf(endpoint, claims)
}

/** True when nothing in the claims shows the signing stage, and only the policy says that it is one: of its signer. */
export function isStagedByPolicy(
  endpoint: Endpoint,
  claims: JsonObject,
  signingOnly: SigningOnly | undefined,
): boolean {
  const { signerId } = claims
  if (signingOnly === undefined || endpoint !== 'tx_sign_request') return false
  if (!isIdentifier(signerId) || !signingOnly.has(signerId)) return false
  return ownStageOf(endpoint, claims) === 'approval'
}

function ownStageOf(endpoint: Endpoint, claims: JsonObject): Stage {
  if (endpoint === 'config_change_sign_request') return 'approval'
  if (claims['rawTx'] !== undefined || claims['fee'] !== undefined) return 'signing'
  return 'approval'
}

/**
 * False for a request of the approval stage with a `displayDstAddress`: real co-signers send some, but by the vendor's
 * tables only signing requests have it.
 */
export function provesStage(request: CallbackRequest): boolean {
  if (request.endpoint !== 'tx_sign_request' || request.stage === 'signing') return true
  const { destinations } = request
  return !Array.isArray(destinations) || !destinations.some(hasDisplayAddress)
}

function hasDisplayAddress(destination: unknown): boolean {
  return (
    typeof destination === 'object' &&
    destination !== null &&
    'displayDstAddress' in destination &&
    destination.displayDstAddress !== undefined
  )
}

function foreignIn(claims: JsonObject): string | undefined {
  return TX_ONLY.find((name) => claims[name] !== undefined)
}

function unknownMembersOf(claims: JsonObject, known: ReadonlySet<string>): readonly string[] {
  const names: string[] = []
  for (const name in claims) {
    if (known.has(name)) continue
    if (names.push(name.slice(0, UNKNOWN_NAMES.length)) === UNKNOWN_NAMES.count) break
  }
  return Object.freeze(names)
}
