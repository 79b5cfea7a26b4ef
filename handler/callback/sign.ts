/**
 * Step 5, sign: what the store holds becomes the answer, signed with the key of the path that was
 * asked.
 */
import type { Decision } from '../policy/decision.ts'
import { CallbackError } from '../protocol/errors.ts'
import type { Answer, CallbackDeps } from './ports.ts'
import type { Identified } from './read.ts'
import { approve, decisionOf, possibleAt, refusalOf } from './response.ts'
import type { AnswerClaims, Draft, Recorded } from './response.ts'
import type { Decided, SignedAhead } from './shared-work.ts'

/** An answer and what it says, for the log. */
export interface Signed {
  readonly answer: Answer
  readonly decision: Decision
  readonly seq: number
  /** The decision was made for an earlier or a concurrent delivery. */
  readonly repeated: boolean
  readonly heldBy: string | undefined
}

/** Answers a delivery with the recorded decision. Throws `ERR_SIGNING_UNAVAILABLE`. */
export async function sign(
  asked: Identified,
  { recorded, ahead, heldBy, shared = false }: Decided,
  deps: CallbackDeps,
): Promise<Signed> {
  const { seq } = decisionOf(recorded)
  const decision = presentDecision(asked, recorded, deps)
  const claims = claimsOf(asked, decision, recorded)
  const answer = await answerOf(claims, asked.delivery.generation, deps, ahead)
  return { answer, decision, seq, repeated: shared || recorded.kind !== 'recorded', heldBy }
}

/**
 * The claims as a body: signed, or as they are in `certificate` mode. Throws
 * `ERR_SIGNING_UNAVAILABLE`.
 */
export async function answerOf(
  claims: AnswerClaims,
  generation: number,
  deps: CallbackDeps,
  ahead?: SignedAhead,
): Promise<Answer> {
  if (deps.mode === 'plain') {
    return { contentType: 'application/json', body: JSON.stringify(claims) }
  }
  const token = isFor(claims, generation, ahead) ? ahead.token : tokenOf(claims, generation, deps)
  return { contentType: 'application/jwt', body: await token }
}

/**
 * The compact JWS over claims, with the key of a generation; `begins` is called when the signature
 * has waited for its turn. Throws `ERR_SIGNING_UNAVAILABLE`.
 */
export async function tokenOf(
  claims: AnswerClaims | Draft,
  generation: number,
  deps: CallbackDeps,
  begins?: () => void,
): Promise<string> {
  try {
    return await deps.sign(generation, claims, begins)
  } catch (cause) {
    throw new CallbackError('ERR_SIGNING_UNAVAILABLE', 'the answer cannot be signed', { cause })
  }
}

/**
 * INVARIANT: a signature that was begun before its record leaves only as exactly the answer that
 * may be given now.
 */
function isFor(
  { action, requestId, rejectionReason }: AnswerClaims,
  generation: number,
  ahead: SignedAhead | undefined,
): ahead is SignedAhead {
  if (ahead === undefined || ahead.generation !== generation) return false
  const { claims } = ahead
  return (
    claims.action === action &&
    claims.requestId === requestId &&
    claims.rejectionReason === rejectionReason
  )
}

/**
 * What is on record, except that no approval leaves while the service is frozen: the record waits.
 */
function presentDecision(asked: Identified, recorded: Recorded, deps: CallbackDeps): Decision {
  const { decision } = decisionOf(recorded)
  if (decision.action !== 'APPROVE') return possibleAt(asked.key.stage, decision)
  const frozen = deps.frozen()
  return frozen === undefined ? decision : { ...frozen, action: 'RETRY' }
}

function claimsOf(asked: Identified, decision: Decision, recorded: Recorded): AnswerClaims {
  const { requestId, stage } = asked.key
  const { action, reason } = decision
  if (action !== 'APPROVE') return refusalOf(requestId, stage, action, reason)
  if (asked.kind === 'malformed' || recorded.kind === 'rejected-sibling') {
    throw new Error('the store approves what can only be refused')
  }
  return approve(asked.request, recorded)
}
