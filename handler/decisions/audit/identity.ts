/**
 * Identity of a recorded request, computed again from its evidence: what the record must say of it. Records
 * of one version of the identity are compared with what that version computes.
 */
import { usableIn } from '../../protocol/parse-request.ts'
import { recordedKey } from '../../protocol/stored-token.ts'
import type { Verified } from '../../protocol/token.ts'
import type { DecisionContent } from '../decision-fields.ts'

/** Members of a record that follow from the request alone. */
export type Identity = Pick<
  DecisionContent,
  'requestId' | 'signerId' | 'stage' | 'digest' | 'coreDigest' | 'owner'
>

/**
 * What the record of a verified request must say.
 *
 * @throws CallbackError `ERR_REQUEST_UNIDENTIFIED`
 */
export function identityOf(
  {
    endpoint,
    identity: version = 1,
    rule,
  }: Pick<DecisionContent, 'endpoint' | 'identity' | 'rule'>,
  { claims, cosigner }: Verified,
): Identity {
  const isMalformed = rule === 'malformed'
  const key = recordedKey({ endpoint, version, isMalformed }, claims, cosigner)
  const isTransaction = endpoint === 'tx_sign_request' || isMalformed
  const txId = isTransaction ? usableIn(endpoint, claims).txId : undefined
  const { requestId, signerId, stage, digest, coreDigest } = key
  return { requestId, signerId, stage, digest, coreDigest, owner: txId ?? requestId }
}
