/**
 * Identity of a recorded request, computed again from its evidence: what the record must say of it. Records
 * of one version of the identity are compared with what that version computes.
 */
import { parseRequest } from '../../protocol/parse-request.ts'
import { keyOf } from '../../protocol/stored-token.ts'
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
  { endpoint, identity: version = 1 }: Pick<DecisionContent, 'endpoint' | 'identity'>,
  verified: Verified,
): Identity {
  const parsed = parseRequest(endpoint, verified.claims)
  const key = keyOf(parsed, verified.claims, verified.cosigner, version)
  const asked = parsed.kind === 'malformed' ? parsed.malformed : parsed.request
  const txId = 'txId' in asked ? asked.txId : undefined
  const { requestId, signerId, stage, digest, coreDigest } = key
  return { requestId, signerId, stage, digest, coreDigest, owner: txId ?? requestId }
}
