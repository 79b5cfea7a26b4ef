/** Step 6, sign: what the store holds becomes the answer, signed with the key of the path that was asked. */
import { CallbackError } from '../protocol/errors.ts'
import type { Decision } from '../policy/decision.ts'
import type { Answer, CallbackDeps } from './ports.ts'
import { approve, decisionOf, possibleAt, refusalOf } from './response.ts'
import type { AnswerClaims, Draft, Recorded } from './response.ts'
import type { Joined, SignedAhead } from './shared-work.ts'
import type { Asked } from './read.ts'

/** An answer and what it says, for the log. */
export interface Settled {
  readonly asked: Asked
  readonly answer: Answer
  readonly decision: Decision
  readonly seq: number
  readonly repeated: boolean
}

/** Answers a delivery with the recorded decision. Throws `ERR_SIGNING_UNAVAILABLE`. */
export async function sign(
  asked: Asked,
  { recorded, ahead, shared }: Joined,
  deps: CallbackDeps,
): Promise<Settled> {
  const { seq } = decisionOf(recorded)
  const decision = presentDecision(asked, recorded, deps)
  const claims = claimsOf(asked, decision, recorded)
  const answer = await seal(claims, asked.delivery.generation, deps, ahead)
  return { asked, answer, decision, seq, repeated: shared || recorded.kind !== 'recorded' }
}

/** The claims as a body: signed, or as they are in `certificate` mode. */
export async function seal(
  claims: AnswerClaims,
  generation: number,
  deps: CallbackDeps,
  ahead?: SignedAhead,
): Promise<Answer> {
  if (deps.mode === 'plain') {
    return { contentType: 'application/json', body: JSON.stringify(claims) }
  }
  const token = isFor(claims, generation, ahead)
    ? ahead.token
    : signClaims(claims, generation, deps)
  return { contentType: 'application/jwt', body: await token }
}

/** INVARIANT: a signature that was begun before its record leaves only as exactly the answer that may be given now. */
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

/** Signs claims with the key of a generation; `begins` is called when the signature has waited for its turn. */
export async function signClaims(
  claims: AnswerClaims | Draft,
  generation: number,
  { sign: signWithKey }: CallbackDeps,
  begins?: () => void,
): Promise<string> {
  try {
    return await signWithKey(generation, claims, begins)
  } catch (cause) {
    throw new CallbackError('ERR_SIGNING_UNAVAILABLE', 'the answer cannot be signed', { cause })
  }
}

/** What is on record, except that no approval leaves while the service is frozen: the record waits. */
function presentDecision(asked: Asked, recorded: Recorded, deps: CallbackDeps): Decision {
  const { decision } = decisionOf(recorded)
  if (decision.action !== 'APPROVE') return possibleAt(asked.key.stage, decision)
  const frozen = deps.override()
  return frozen === undefined ? decision : { ...frozen, action: 'RETRY' }
}

function claimsOf(asked: Asked, decision: Decision, recorded: Recorded): AnswerClaims {
  const { requestId, stage } = asked.key
  const { action, reason } = decision
  if (action !== 'APPROVE') return refusalOf(requestId, stage, action, reason)
  if (asked.kind === 'malformed' || recorded.kind === 'rejected-sibling') {
    throw new Error('the store approves what can only be refused')
  }
  return approve(asked.request, recorded)
}
