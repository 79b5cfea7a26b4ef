/** A hold: the policy waits for people, and what they said becomes the decision of the same rule. */
import type { Decision, Evaluation, HoldTerms } from '../policy/decision.ts'
import type { CallbackDeps } from '../ports.ts'
import type { AskedRequest } from './read.ts'
import { fromStore } from './undecided.ts'

/** The evaluation as the hold leaves it; without a hold it is unchanged, without a hold book nothing is released. */
export async function settleHold(
  evaluation: Evaluation,
  asked: AskedRequest,
  deps: CallbackDeps,
): Promise<Evaluation> {
  const { hold } = evaluation
  if (hold === undefined) return evaluation
  const state = await stateOf(hold, asked, deps)
  if (state === 'released') return released(evaluation, asked)
  if (state === 'rejected') return withDecision(evaluation, 'REJECT', 'HOLD_REJECTED')
  if (state === 'expired') return withDecision(evaluation, hold.onExpiry, 'HOLD_EXPIRED')
  return withDecision(evaluation, 'RETRY', evaluation.decision.reason)
}

async function stateOf(hold: HoldTerms, { key }: AskedRequest, { holds, clock }: CallbackDeps) {
  return holds === undefined ? 'held' : fromStore(() => holds.state(key, hold, clock.now()))
}

/** One release lets one transaction pass, once. */
function released(evaluation: Evaluation, { key }: AskedRequest): Evaluation {
  const approval = withDecision(evaluation, 'APPROVE', '')
  const otherwise = { ...evaluation.decision, action: 'REJECT', reason: 'HOLD_USED' } as const
  const use = { name: `hold:${key.digest}`, otherwise }
  return { ...approval, singleUses: [...evaluation.singleUses, use] }
}

function withDecision(
  evaluation: Evaluation,
  action: Decision['action'],
  reason: string,
): Evaluation {
  return { ...evaluation, decision: { action, rule: evaluation.decision.rule, reason } }
}
