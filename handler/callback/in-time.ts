/** Deadline: a verified caller gets a signed answer before it, whatever hangs or breaks. */
import { reserved } from '../policy/reserved.ts'
import { CallbackError } from '../protocol/errors.ts'
import { rememberAnswer } from './answer-memory.ts'
import { MARGIN_MS, Undecided, within } from './faults.ts'
import type { Answer, CallbackDeps, DecidedEvent } from './ports.ts'
import type { Asked } from './read.ts'
import { refuse } from './response.ts'
import { answerOf, type Signed } from './sign.ts'

/**
 * Runs the steps against the clock. A failure or the deadline is answered with a signed RETRY that
 * is never recorded; steps that are late go on, so that their decision is on record for the next
 * delivery. Throws `ERR_SIGNING_UNAVAILABLE`.
 */
export async function answerInTime(
  asked: Asked,
  deps: CallbackDeps,
  steps: () => Promise<Signed>,
): Promise<Answer> {
  const outcome = await settle(asked, deps, steps)
  if (outcome instanceof CallbackError) throw outcome
  const answer = outcome instanceof Undecided ? await putOff(asked, outcome, deps) : outcome.answer
  const event = eventOf(asked, outcome, deps.time.clock.monotonicMs())
  deps.log.decided(event)
  if (!(outcome instanceof Undecided)) rememberAnswer(asked, outcome, event, deps)
  return answer
}

async function settle(
  asked: Asked,
  deps: CallbackDeps,
  steps: () => Promise<Signed>,
): Promise<Signed | Undecided | CallbackError> {
  const { clock, after } = deps.time
  const leftMs = asked.delivery.deadlineAtMs - MARGIN_MS - clock.monotonicMs()
  if (leftMs <= 0) return new Undecided('deadline', 'it was too late to begin')
  const running = steps().catch(failureOf)
  const outcome = await within(leftMs, running, after)
  if (outcome === undefined) {
    void running.then((late) => alarmIfLateFailure(asked, late, deps))
    return new Undecided('deadline', 'the steps took too long')
  }
  if (outcome instanceof Undecided) alarm(asked, outcome, deps)
  return outcome
}

/** A RETRY says why in one code. Signing may hang too, and then there is no answer to give. */
async function putOff(asked: Asked, { rule }: Undecided, deps: CallbackDeps): Promise<Answer> {
  const { delivery, requestId } = asked
  const { action, reason } = reserved('RETRY', rule)
  const signing = answerOf(refuse(requestId, 'signing', action, reason), delivery.generation, deps)
  const answer = await within(MARGIN_MS, signing, deps.time.after)
  if (answer !== undefined) return answer
  throw new CallbackError('ERR_SIGNING_UNAVAILABLE', 'signing takes too long')
}

function failureOf(error: unknown): Undecided | CallbackError {
  if (error instanceof Undecided || error instanceof CallbackError) return error
  return new Undecided('internal-error', error)
}

function alarm({ delivery, requestId }: Asked, fault: Undecided, { log }: CallbackDeps): void {
  const { rule: kind, cause: error } = fault
  log.alarm({ kind, deliveryId: delivery.deliveryId, requestId, error })
}

/** The co-signer has its RETRY; what went wrong afterwards is only for us. */
function alarmIfLateFailure(
  { delivery: { deliveryId }, requestId }: Asked,
  late: Signed | Undecided | CallbackError,
  { log }: CallbackDeps,
): void {
  if (!(late instanceof Error)) return
  const error = late instanceof Undecided ? late.cause : late
  log.alarm({ kind: 'late-failure', deliveryId, requestId, error })
}

/**
 * What log and metrics get of an answered delivery: one flat value, made once, so it copies nothing
 * that it only passes on.
 */
function eventOf(asked: Asked, outcome: Signed | Undecided, nowMs: number): DecidedEvent {
  const { delivery, verified, requestId, startedMs } = asked
  const identified = asked.kind === 'unread' ? undefined : asked
  const signed = outcome instanceof Undecided ? undefined : outcome
  const { action, rule, reason } =
    outcome instanceof Undecided ? reserved('RETRY', outcome.rule) : outcome.decision
  return {
    deliveryId: delivery.deliveryId,
    endpoint: delivery.endpoint,
    generation: delivery.generation,
    cosigner: verified.cosigner,
    requestId,
    stage: identified?.key.stage,
    txId: identified?.txId,
    signerId: identified?.key.signerId,
    action,
    rule,
    reason,
    hold: signed?.heldBy,
    seq: signed?.seq,
    repeated: signed?.repeated ?? false,
    unknownMembers: asked.kind === 'request' ? asked.request.unknownMembers : [],
    durationMs: nowMs - startedMs,
    traceparent: delivery.traceparent,
  }
}
