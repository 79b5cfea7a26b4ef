/**
 * The identity of a request: hashes over a canonical form of what was read from it, never over the
 * token.
 */
import { hash } from 'node:crypto'
import { canonicalJson, canonicalText } from './canonical.ts'
import type { Endpoint, Stage } from './endpoints.ts'
import type { JsonObject } from './json-value.ts'
import { TEXT } from './members.ts'
import type { CallbackRequest, Malformed } from './request.ts'
import { CONFIG_CHANGE, TRANSACTION } from './request-members.ts'

/**
 * Version of what stage and digests are made of. 1: a destination's `displayDstAddress` made a request one of the signing
 * stage, and its tags did not count.
 */
export const IDENTITY_VERSION = 2

/** Identity of a request. Two deliveries with equal keys get the same decision. */
export interface RequestKey {
  readonly endpoint: Endpoint
  readonly requestId: string
  /** `''` when the co-signer sent none, or no text. */
  readonly signerId: string
  readonly stage: Stage
  /** The policy says that the signer only signs, and nothing else shows the stage. */
  readonly stageBy?: 'policy' | undefined
  /** Hex SHA-256 of everything the policy can see of the request. */
  readonly digest: string
  /**
   * Hex SHA-256 of what is moved: operation, asset, amounts, source, destinations; or type and
   * extraInfo.
   */
  readonly coreDigest: string
  /** What all stages and versions of one request share, shortened; see `fingerprintOf`. */
  readonly fingerprint: number
}

/**
 * The key under which a request is decided once. The co-signer's name counts, because the policy
 * can see it: what one co-signer may sign is not thereby decided for another.
 */
export function requestKey(request: CallbackRequest, cosigner: string): RequestKey {
  const { endpoint, stage, requestId } = request
  const signerId = typeof request.signerId === 'string' ? request.signerId : ''
  const isTransaction = request.endpoint === 'tx_sign_request'
  const core = isTransaction ? TRANSACTION.core(request) : CONFIG_CHANGE.core(request)
  const rest = isTransaction ? TRANSACTION.rest(request) : CONFIG_CHANGE.rest(request)
  const names = [cosigner, endpoint, stage, requestId].map(canonicalText).join('')
  const head = names + TEXT.canonical(request.signerId)
  return Object.freeze({
    endpoint,
    requestId,
    signerId,
    stage,
    digest: sha256(head + core + rest),
    coreDigest: sha256(core),
    fingerprint: fingerprintOf({ endpoint, requestId, signerId }),
  })
}

/** The key of content that cannot be read as a request: everything that was sent counts. */
export function malformedKey(
  malformed: Omit<Malformed, 'reasonCode' | 'member'>,
  claims: JsonObject,
): RequestKey {
  const { endpoint, stage, requestId } = malformed
  const sent = canonicalText(endpoint) + canonicalText(stage) + canonicalJson(claims)
  const content = sha256(`malformed ${sent}`)
  const signerId = malformed.signerId ?? ''
  return Object.freeze({
    endpoint,
    requestId,
    signerId,
    stage,
    digest: content,
    coreDigest: content,
    fingerprint: fingerprintOf({ endpoint, requestId, signerId }),
  })
}

/**
 * 48 bits of the SHA-256 of endpoint, request id and signer id, to look records up by. Other requests may have the same
 * number by chance, so whatever is found by it is compared in full.
 */
export function fingerprintOf({
  endpoint,
  requestId,
  signerId,
}: Pick<RequestKey, 'endpoint' | 'requestId' | 'signerId'>): number {
  return Number.parseInt(sha256(JSON.stringify([endpoint, requestId, signerId])).slice(0, 12), 16)
}

/** Hex SHA-256 of a text in UTF-8. */
export function sha256(canonical: string): string {
  return hash('sha256', canonical, 'hex')
}
