/** A hold: the policy waits for people, and what they said becomes the decision of the same rule. */
import { holdIdOf } from '../decisions/holds.ts'
import type { HoldUse } from '../decisions/store.ts'
import type { Decision, Evaluation, HoldTerms } from '../policy/decision.ts'
import type { CallbackDeps } from './ports.ts'
import type { AskedRequest } from './read.ts'
import { fromStore } from './undecided.ts'

/** An evaluation, and the release that its approval uses up. */
export interface Settling {
  readonly evaluation: Evaluation
  readonly release: HoldUse | undefined
}

/** The evaluation as the hold leaves it; without a hold it is unchanged, without a hold book nothing is released. */
export async function settleHold(
  evaluation: Evaluation,
  asked: AskedRequest,
  deps: CallbackDeps,
): Promise<Settling> {
  const { hold } = evaluation
  if (hold === undefined) return { evaluation, release: undefined }
  const state = await stateOf(hold, evaluation.decision.rule, asked, deps)
  if (state === 'released') return released(evaluation, asked)
  return {
    evaluation: withDecision(evaluation, ...unreleased(state, hold, evaluation)),
    release: undefined,
  }
}

function unreleased(
  state: 'held' | 'rejected' | 'expired',
  { onExpiry }: HoldTerms,
  { decision }: Evaluation,
): [Decision['action'], string] {
  if (state === 'rejected') return ['REJECT', 'HOLD_REJECTED']
  return state === 'expired' ? [onExpiry, 'HOLD_EXPIRED'] : ['RETRY', decision.reason]
}

async function stateOf(hold: HoldTerms, rule: string, asked: AskedRequest, deps: CallbackDeps) {
  const { holds, clock } = deps
  if (holds === undefined) return 'held'
  const { key, request } = asked
  return fromStore(() => holds.state(key, hold, clock.now(), request, rule))
}

/** One release lets one transaction pass, once: the record of the approval uses it up. */
function released(evaluation: Evaluation, { key }: AskedRequest): Settling {
  const otherwise = { ...evaluation.decision, action: 'REJECT', reason: 'HOLD_USED' } as const
  return {
    evaluation: withDecision(evaluation, 'APPROVE', ''),
    release: { id: holdIdOf(key), otherwise },
  }
}

function withDecision(
  evaluation: Evaluation,
  action: Decision['action'],
  reason: string,
): Evaluation {
  return { ...evaluation, decision: { action, rule: evaluation.decision.rule, reason } }
}
