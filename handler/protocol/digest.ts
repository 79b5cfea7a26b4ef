/**
 * The identity of a request: hashes over a canonical form of what was read from it, never over the
 * token.
 */
import { hash } from 'node:crypto'
import { canonicalJson, canonicalText } from './canonical.ts'
import type { Endpoint, Stage } from './endpoints.ts'
import type { JsonObject } from './json-value.ts'
import type { CallbackRequest, Malformed } from './request.ts'
import { CONFIG_CHANGE, TRANSACTION } from './request-members.ts'

/** Identity of a request. Two deliveries with equal keys get the same decision. */
export interface RequestKey {
  readonly endpoint: Endpoint
  readonly requestId: string
  /** `''` when the co-signer sent none. */
  readonly signerId: string
  readonly stage: Stage
  /** Hex SHA-256 of everything the policy can see of the request. */
  readonly digest: string
  /**
   * Hex SHA-256 of what is moved: operation, asset, amounts, source, destinations; or type and
   * extraInfo.
   */
  readonly coreDigest: string
}

/**
 * The key under which a request is decided once. The co-signer's name counts, because the policy
 * can see it: what one co-signer may sign is not thereby decided for another.
 */
export function requestKey(request: CallbackRequest, cosigner: string): RequestKey {
  const { endpoint, stage, requestId } = request
  const signerId = request.signerId ?? ''
  const isTransaction = request.endpoint === 'tx_sign_request'
  const core = isTransaction ? TRANSACTION.core(request) : CONFIG_CHANGE.core(request)
  const rest = isTransaction ? TRANSACTION.rest(request) : CONFIG_CHANGE.rest(request)
  const head = [cosigner, endpoint, stage, requestId, request.signerId].map(canonicalText).join('')
  return Object.freeze({
    endpoint,
    requestId,
    signerId,
    stage,
    digest: sha256(head + core + rest),
    coreDigest: sha256(core),
  })
}

/** The key of a request that could not be read: everything that was sent counts. */
export function malformedKey(malformed: Malformed, claims: JsonObject): RequestKey {
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
  })
}

function sha256(canonical: string): string {
  return hash('sha256', canonical, 'hex')
}
