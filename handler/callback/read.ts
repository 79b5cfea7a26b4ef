/** Step 2, parse: verified content becomes a request with its identity, or one that is refused for good. */
import type { RequestKey } from '../protocol/digest.ts'
import type { Delivery } from './ports.ts'
import type { Verified } from '../protocol/token.ts'
import { malformedKey, requestKey } from '../protocol/digest.ts'
import { parseRequest } from '../protocol/parse-request.ts'
import type { CallbackRequest, Malformed } from '../protocol/request.ts'

interface Common {
  readonly delivery: Delivery
  readonly verified: Verified
  readonly key: RequestKey
  readonly txId: string | undefined
  /** Limits are charged and single uses owned once per owner. */
  readonly owner: string
}

export type AskedRequest = Common & { readonly kind: 'request'; readonly request: CallbackRequest }
export type AskedMalformed = Common & { readonly kind: 'malformed'; readonly malformed: Malformed }

/** What one delivery asks. */
export type Asked = AskedRequest | AskedMalformed

/** Reads verified content; throws `ERR_REQUEST_UNIDENTIFIED` when there is no id to answer to. */
export function readRequest(delivery: Delivery, verified: Verified): Asked {
  const parsed = parseRequest(delivery.endpoint, verified.claims)
  if (parsed.kind === 'malformed') {
    const { malformed } = parsed
    const key = malformedKey(malformed, verified.claims)
    const { txId } = malformed
    const owner = txId ?? key.requestId
    return { kind: 'malformed', delivery, verified, key, txId, owner, malformed }
  }
  const { request } = parsed
  const key = requestKey(request, verified.cosigner)
  const txId = request.endpoint === 'tx_sign_request' ? request.txId : undefined
  const owner = txId ?? key.requestId
  return { kind: 'request', delivery, verified, key, txId, owner, request }
}
