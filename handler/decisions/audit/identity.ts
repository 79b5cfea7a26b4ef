/**
 * Identity of a recorded request, computed again from its evidence: what the record must say of it. Records
 * of one version of the identity are compared with what that version computes.
 */
import { malformedKey, requestKey } from '../../protocol/digest.ts'
import { parseRequest } from '../../protocol/parse-request.ts'
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
  { endpoint }: Pick<DecisionContent, 'endpoint'>,
  verified: Verified,
): Identity {
  const parsed = parseRequest(endpoint, verified.claims)
  const key =
    parsed.kind === 'malformed'
      ? malformedKey(parsed.malformed, verified.claims)
      : requestKey(parsed.request, verified.cosigner)
  const asked = parsed.kind === 'malformed' ? parsed.malformed : parsed.request
  const txId = 'txId' in asked ? asked.txId : undefined
  const { requestId, signerId, stage, digest, coreDigest } = key
  return { requestId, signerId, stage, digest, coreDigest, owner: txId ?? requestId }
}
