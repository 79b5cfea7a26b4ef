/**
 * Identity of a recorded request, computed again from its evidence: what the record must say of it. Records
 * of one version of the identity are compared with what that version computes.
 */
import { isStagedByPolicy, usableIn } from '../../protocol/parse-request.ts'
import { recordedKey } from '../../protocol/stored-token.ts'
import type { Verified } from '../../protocol/token.ts'
import type { DecisionContent } from '../decision-fields.ts'

/** Members of a record that follow from the request alone. */
export type Identity = Pick<
  DecisionContent,
  'requestId' | 'signerId' | 'stage' | 'digest' | 'coreDigest' | 'owner'
> & { readonly stageBy: 'policy' | undefined }

/**
 * What the record of a verified request must say. That the policy had set the stage is taken from the record, and only
 * where the request names that signer and does not show the stage itself.
 *
 * @throws CallbackError `ERR_REQUEST_UNIDENTIFIED`
 */
export function identityOf(
  {
    endpoint,
    identity: version = 1,
    rule,
    signerId: recordedSigner,
    stageBy,
  }: Pick<DecisionContent, 'endpoint' | 'identity' | 'rule'> &
    Partial<Pick<DecisionContent, 'signerId' | 'stageBy'>>,
  { claims, cosigner }: Verified,
): Identity {
  const isMalformed = rule === 'malformed'
  const signingOnly =
    stageBy === undefined || version === 1 ? undefined : new Set([recordedSigner ?? ''])
  const key = recordedKey({ endpoint, version, isMalformed, signingOnly }, claims, cosigner)
  const isTransaction = endpoint === 'tx_sign_request' || isMalformed
  const txId = isTransaction ? usableIn(endpoint, claims).txId : undefined
  const { requestId, signerId, stage, digest, coreDigest } = key
  const isByPolicy = isStagedByPolicy(endpoint, claims, signingOnly)
  return {
    requestId,
    signerId,
    stage,
    stageBy: isByPolicy ? 'policy' : undefined,
    digest,
    coreDigest,
    owner: txId ?? requestId,
  }
}
