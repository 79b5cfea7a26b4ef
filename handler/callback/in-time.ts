/** The promise to a verified caller: a signed answer before the deadline, whatever hangs or breaks. */
import { CallbackError } from '../protocol/errors.ts'
import type { Answer, CallbackDeps } from './ports.ts'
import { refuse } from './response.ts'
import { rememberAnswer } from './answer-memory.ts'
import { eventOf } from './event.ts'
import type { Caller } from './event.ts'
import { seal } from './sign.ts'
import type { Settled } from './sign.ts'
import { FAULT_REASON, MARGIN_MS, Undecided } from './undecided.ts'
import { within } from './within.ts'

/**
 * Runs the steps against the clock. A failure or the deadline is answered with a signed RETRY that nobody keeps; steps
 * that are late go on, so that their decision is on record for the next delivery. Throws `ERR_SIGNING_UNAVAILABLE`.
 */
export async function answerInTime(
  caller: Caller,
  deps: CallbackDeps,
  steps: () => Promise<Settled>,
): Promise<Answer> {
  const startedMs = deps.clock.monotonicMs()
  const outcome = await settle(caller, deps, steps)
  if (outcome instanceof CallbackError) throw outcome
  const answer = outcome instanceof Undecided ? await putOff(caller, outcome, deps) : outcome.answer
  const event = eventOf(caller, outcome, deps.clock.monotonicMs() - startedMs)
  deps.log.decided(event)
  deps.observe?.(event)
  if (!(outcome instanceof Undecided)) {
    rememberAnswer(caller.delivery, caller.verified, outcome, event, deps)
  }
  return answer
}

async function settle(
  caller: Caller,
  deps: CallbackDeps,
  steps: () => Promise<Settled>,
): Promise<Settled | Undecided | CallbackError> {
  const leftMs = caller.delivery.deadlineAtMs - MARGIN_MS - deps.clock.monotonicMs()
  if (leftMs <= 0) return new Undecided('deadline', 'it was too late to begin')
  const running = steps().catch(failureOf)
  const outcome = await within(leftMs, running, deps.after)
  if (outcome === undefined) {
    void running.then((late) => tellIfLateFailure(caller, late, deps))
    return new Undecided('deadline', 'the steps took too long')
  }
  if (outcome instanceof Undecided) tell(caller, outcome, deps)
  return outcome
}

/** A RETRY says why in one code. Signing may hang too, and then there is no answer to give. */
async function putOff(caller: Caller, { rule }: Undecided, deps: CallbackDeps): Promise<Answer> {
  const { delivery, requestId } = caller
  const claims = refuse(requestId, 'signing', 'RETRY', FAULT_REASON[rule])
  const sealed = seal(claims, delivery.generation, deps)
  const answer = await within(MARGIN_MS, sealed, deps.after)
  if (answer !== undefined) return answer
  throw new CallbackError('ERR_SIGNING_UNAVAILABLE', 'signing takes too long')
}

function failureOf(error: unknown): Undecided | CallbackError {
  if (error instanceof Undecided || error instanceof CallbackError) return error
  return new Undecided('internal-error', error)
}

function tell(caller: Caller, { rule, cause: error }: Undecided, deps: CallbackDeps): void {
  const { delivery, requestId } = caller
  deps.log.alarm({ kind: rule, deliveryId: delivery.deliveryId, requestId, error })
}

/** The co-signer has its RETRY; what went wrong afterwards is only for us. */
function tellIfLateFailure(
  { delivery: { deliveryId }, requestId }: Caller,
  late: Settled | Undecided | CallbackError,
  { log }: CallbackDeps,
): void {
  if (!(late instanceof Error)) return
  const error = late instanceof Undecided ? late.cause : late
  log.alarm({ kind: 'late-failure', deliveryId, requestId, error })
}
