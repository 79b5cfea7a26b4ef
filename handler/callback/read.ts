/**
 * Step 1, read: verified content becomes a request with its identity, one without an id to decide on, or one that can be
 * answered only.
 */
import type { LivePolicy } from '../policy/judge.ts'
import { CallbackError } from '../protocol/errors.ts'
import type { RequestKey } from '../protocol/digest.ts'
import { provesStage } from '../protocol/parse-request.ts'
import type { CallbackRequest, Malformed } from '../protocol/request.ts'
import type { Verified } from '../protocol/token.ts'
import { contentOf, signedBytes } from './content.ts'
import { MARGIN_MS, Undecided, within } from './faults.ts'
import type { CallbackDeps, Delivery, LargeBodies, LargeContent, ReadRequest } from './ports.ts'

/** A verified delivery with an id to answer to. */
interface Genuine {
  readonly delivery: Delivery
  readonly verified: Pick<Verified, 'token' | 'cosigner'>
  /** The token says when it is valid. */
  readonly isTimed: boolean
  readonly requestId: string
  /** The policy in force when it was read: stage and decision are of one. Undefined when none could be had. */
  readonly policy: LivePolicy | undefined
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
  readonly request: ReadRequest
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
export function read(delivery: Delivery, deps: CallbackDeps): Asked {
  const { verify, time } = deps
  const startedMs = time.clock.monotonicMs()
  const verified = verify(delivery.body, time.clock.now())
  const { claims, token, cosigner } = verified
  const policy = policyNow(deps)
  const isTimed = claims['exp'] !== undefined || claims['nbf'] !== undefined
  const content = contentOf(delivery.endpoint, verified, cosigner, policy?.signingOnly)
  const genuine = { delivery, verified: { token, cosigner }, isTimed, policy, startedMs }
  if (content.kind !== 'request') return askedOf(genuine, content)
  return askedOf(genuine, { ...content, request: here(content.request) })
}

/**
 * The same for a body that would keep the event loop from all others: its signature is verified here, all else is done
 * in a thread. Throws `ERR_OVERLOADED` when that has not even found the id in time.
 */
export async function readLarge(
  delivery: Delivery,
  large: LargeBodies,
  deps: CallbackDeps,
): Promise<Asked> {
  const { clock, after } = deps.time
  const startedMs = clock.monotonicMs()
  const { content: signed, token, cosigner } = large.vouch(delivery.body)
  const policy = policyNow(deps)
  const leftMs = delivery.deadlineAtMs - MARGIN_MS - clock.monotonicMs()
  const reading = large.read(delivery, signed, cosigner, policy?.signingOnly)
  const content = await within(leftMs, reading, after)
  if (content === undefined) {
    // What comes late is of no use, and must not be kept.
    void reading.then(
      (late) => late.kind === 'request' && late.request.release?.(),
      () => undefined,
    )
    throw new CallbackError('ERR_OVERLOADED', 'reading the body took too long')
  }
  const genuine = { delivery, verified: { token, cosigner }, isTimed: true, policy, startedMs }
  return askedOf(genuine, content)
}

function askedOf(genuine: Omit<Genuine, 'requestId'>, content: LargeContent): Asked {
  if (content.kind === 'unread') {
    const { requestId, error, isForeign } = content
    const fault = new Undecided(isForeign ? 'unreadable' : 'internal-error', error)
    return { kind: 'unread', ...genuine, requestId, fault }
  }
  const { key } = content
  const { requestId } = key
  if (content.kind === 'malformed') {
    const { malformed } = content
    const { txId } = malformed
    return {
      ...genuine,
      kind: 'malformed',
      requestId,
      key,
      txId,
      owner: txId ?? requestId,
      malformed,
    }
  }
  const { request } = content
  const { txId } = request
  return { ...genuine, kind: 'request', requestId, key, txId, owner: txId ?? requestId, request }
}

/** Undefined when it cannot be had: then evaluating asks again, and answers what is wrong. */
export function policyNow({ policy }: Pick<CallbackDeps, 'policy'>): LivePolicy | undefined {
  try {
    return policy()
  } catch {
    return undefined
  }
}

/** The request for whom it has to be shown to. Throws `Undecided` when it is too large for that. */
export async function wholeOf({ request }: AskedRequest): Promise<CallbackRequest> {
  try {
    return await request.whole()
  } catch (cause) {
    throw new Undecided('policy-error', cause)
  }
}

/** A request in this thread. */
function here(request: CallbackRequest): ReadRequest {
  return {
    requestId: request.requestId,
    txId: request.endpoint === 'tx_sign_request' ? request.txId : undefined,
    unknownMembers: request.unknownMembers,
    provesStage: provesStage(request),
    bytes: () => signedBytes(request),
    evaluate: (policy, facts) => policy.evaluate(request, facts),
    whole: () => request,
  }
}
