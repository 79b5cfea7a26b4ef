/**
 * Step 1, read: verified content becomes a request with its identity, or one that is refused for
 * good.
 */
import { CallbackError } from '../protocol/errors.ts'
import { malformedKey, type RequestKey, requestKey } from '../protocol/digest.ts'
import { identify, parseRequest } from '../protocol/parse-request.ts'
import type { CallbackRequest, Malformed } from '../protocol/request.ts'
import type { Verified } from '../protocol/token.ts'
import { Undecided } from './faults.ts'
import type { CallbackDeps, Delivery } from './ports.ts'

/** A verified delivery with an id to answer to. */
interface Genuine {
  readonly delivery: Delivery
  readonly verified: Verified
  readonly requestId: string
  /** When its verification began, in monotonic milliseconds. */
  readonly startedMs: number
}

interface Known extends Genuine {
  readonly key: RequestKey
  readonly txId: string | undefined
  /** Limits are charged and single uses owned once per owner. */
  readonly owner: string
}

export type AskedRequest = Known & {
  readonly kind: 'request'
  readonly request: CallbackRequest
}
type AskedMalformed = Known & { readonly kind: 'malformed'; readonly malformed: Malformed }
type Unread = Genuine & { readonly kind: 'unread'; readonly fault: Undecided }

/** A request with an identity, under which it is decided once. */
export type Identified = AskedRequest | AskedMalformed

/** What one delivery asks. */
export type Asked = Identified | Unread

/**
 * Verifies and reads a delivery. Throws `CallbackError` unless it is genuine and has an id to
 * answer to; a bug in reading is a fault like any other.
 */
export function read(delivery: Delivery, { verify, time }: CallbackDeps): Asked {
  const startedMs = time.clock.monotonicMs()
  const verified = verify(delivery.body, time.clock.now())
  try {
    return identified(delivery, verified, startedMs)
  } catch (error) {
    if (error instanceof CallbackError) throw error
    const requestId = identify(verified.claims)
    const fault = new Undecided('internal-error', error)
    return { kind: 'unread', delivery, verified, requestId, startedMs, fault }
  }
}

function identified(delivery: Delivery, verified: Verified, startedMs: number): Identified {
  const parsed = parseRequest(delivery.endpoint, verified.claims)
  if (parsed.kind === 'malformed') {
    const { malformed } = parsed
    const { requestId, txId } = malformed
    const key = malformedKey(malformed, verified.claims)
    const known = { delivery, verified, requestId, startedMs, key, txId, owner: txId ?? requestId }
    return { kind: 'malformed', ...known, malformed }
  }
  const { request } = parsed
  const { requestId } = request
  const key = requestKey(request, verified.cosigner)
  const txId = request.endpoint === 'tx_sign_request' ? request.txId : undefined
  const owner = txId ?? requestId
  return { kind: 'request', delivery, verified, requestId, startedMs, key, txId, owner, request }
}
