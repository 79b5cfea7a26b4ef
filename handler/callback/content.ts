/** Content: what verified claims say, with the identity that it is decided under. */
import { bytesOf } from '../decisions/variants.ts'
import type { Endpoint } from '../protocol/endpoints.ts'
import { CallbackError } from '../protocol/errors.ts'
import { malformedKey, type RequestKey, requestKey } from '../protocol/digest.ts'
import { identify, isStagedByPolicy, parseRequest } from '../protocol/parse-request.ts'
import type { SigningOnly } from '../protocol/parse-request.ts'
import type { CallbackRequest, Malformed } from '../protocol/request.ts'
import type { ReadContent } from '../protocol/signed-content.ts'

export type Content =
  | { readonly kind: 'request'; readonly key: RequestKey; readonly request: CallbackRequest }
  | { readonly kind: 'malformed'; readonly key: RequestKey; readonly malformed: Malformed }
  | {
      readonly kind: 'unread'
      readonly requestId: string
      readonly error: unknown
      /** It is of a form that is not read; otherwise a bug of ours kept it from being read. */
      readonly isForeign: boolean
    }

/**
 * Reads claims. `signingOnly`: signers of which the policy says that they only sign. Throws `CallbackError` unless the
 * claims have an id to answer to.
 */
export function contentOf(
  endpoint: Endpoint,
  { claims, unreadable }: ReadContent,
  cosigner: string,
  signingOnly?: SigningOnly,
): Content {
  if (unreadable !== undefined) {
    return {
      kind: 'unread',
      requestId: identify(claims),
      error: new Error(unreadable),
      isForeign: true,
    }
  }
  const identified = (key: RequestKey): RequestKey =>
    isStagedByPolicy(endpoint, claims, signingOnly)
      ? Object.freeze({ ...key, stageBy: 'policy' })
      : key
  try {
    const parsed = parseRequest(endpoint, claims, signingOnly)
    if (parsed.kind === 'malformed') {
      const { malformed } = parsed
      return { kind: 'malformed', key: identified(malformedKey(malformed, claims)), malformed }
    }
    if (parsed.kind === 'unreadable') {
      const { requestId, reason } = parsed
      return { kind: 'unread', requestId, error: new Error(reason), isForeign: true }
    }
    const { request } = parsed
    return { kind: 'request', key: identified(requestKey(request, cosigner)), request }
  } catch (error) {
    if (error instanceof CallbackError) throw error
    return { kind: 'unread', requestId: identify(claims), error, isForeign: false }
  }
}

/** What tells one signature of a request from another; undefined when it is no transaction, or shows none. */
export function signedBytes(request: CallbackRequest): string | undefined {
  return request.endpoint === 'tx_sign_request' ? bytesOf(request) : undefined
}
