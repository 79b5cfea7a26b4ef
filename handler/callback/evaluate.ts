/**
 * Step 3, evaluate: what the policy decides, and what stands above it: reserved rules, holds, a
 * team's function, hooks.
 */
import type { Recall } from '../decisions/store.ts'
import type { AnsweredCheck, Decision, Evaluation, Uncertainty } from '../policy/decision.ts'
import type { LivePolicy, PolicyFacts } from '../policy/judge.ts'
import { reserved } from '../policy/reserved.ts'
import { settleDecider } from './decider.ts'
import { Undecided } from './faults.ts'
import { settleHold } from './hold.ts'
import { settleHooks } from './hooks.ts'
import type { CallbackDeps } from './ports.ts'
import { atStage, fixed, type Proposal, proposalOf } from './proposal.ts'
import type { AskedRequest, Identified } from './read.ts'

/** Proposes a decision. Throws `Undecided` when the policy or the store cannot give one. */
export async function evaluate(
  asked: Identified,
  recalled: Recall,
  deps: CallbackDeps,
): Promise<Proposal> {
  const policy = asked.policy ?? deps.policy()
  const isUnproven = asked.kind === 'request' && !asked.request.provesStage
  const stage = isUnproven ? 'unproven' : asked.key.stage
  return atStage(stage, await judge(asked, recalled, policy, deps))
}

async function judge(
  asked: Identified,
  recalled: Recall,
  policy: LivePolicy,
  deps: CallbackDeps,
): Promise<Proposal> {
  if (asked.kind === 'malformed') {
    const { reasonCode, member } = asked.malformed
    return fixed(reserved('REJECT', 'malformed', `${reasonCode} ${member}`), policy)
  }
  if (recalled.kind === 'conflict') return fixed(conflict(asked, deps), policy)
  const frozen = deps.frozen()
  if (frozen !== undefined) return fixed(frozen, policy)
  const before = recalled.kind === 'new' ? recalled.consistency : undefined
  const facts = { now: deps.time.clock.now(), cosigner: asked.verified.cosigner, before }
  const evaluation = await askPolicy(asked, policy, facts)
  if (isFirst(recalled)) tell(asked, evaluation, deps)
  const shadow = await deps.advisers.shadow?.(asked.request, facts, evaluation.decision)
  const held = await settleHold(proposalOf(evaluation, policy, shadow), asked, deps)
  const proposal = await settleDecider(held, asked, { policy, facts }, deps)
  const firstAt = recalled.kind === 'new' ? recalled.firstAt : undefined
  return settleHooks(proposal, asked, { policy, firstAt }, deps)
}

/** True at the first delivery of a request: what was put off before is asked again. */
function isFirst(recalled: Recall): boolean {
  return recalled.kind === 'new' && recalled.firstAt === undefined
}

/** What people should know of a request, once. */
function tell(asked: AskedRequest, evaluation: Evaluation, deps: CallbackDeps): void {
  const { uncertainty, consistency } = evaluation
  if (uncertainty !== undefined) alarmUncertain(asked, uncertainty, deps)
  if (consistency !== undefined) tellChecks(asked, consistency, deps)
}

/** Members disagree: each check is counted, and an alarm names those that are not just noted. */
function tellChecks(
  { delivery: { deliveryId }, requestId }: AskedRequest,
  consistency: readonly AnsweredCheck[],
  { log }: CallbackDeps,
): void {
  log.inconsistent({ deliveryId, requestId, checks: consistency })
  const grave = consistency.filter(({ answer }) => answer !== 'note')
  if (grave.length === 0) return
  const words = grave.map(({ check, answer }) => `${check} (${answer})`).join(', ')
  const error = new Error(`members of the request disagree: ${words}`)
  log.alarm({ kind: 'contradiction', deliveryId, requestId, error })
}

/** Unknown values put the decision off; raised once per request. */
function alarmUncertain(
  { delivery, requestId }: AskedRequest,
  { rule, unknown }: Uncertainty,
  { log }: CallbackDeps,
): void {
  const error = new Error(`rule ${rule} depends on what is unknown: ${unknown.join(', ')}`)
  log.alarm({ kind: 'uncertain', deliveryId: delivery.deliveryId, requestId, error })
}

async function askPolicy(
  { request }: AskedRequest,
  policy: LivePolicy,
  facts: PolicyFacts,
): Promise<Evaluation> {
  try {
    return await request.evaluate(policy, facts)
  } catch (cause) {
    throw new Undecided('policy-error', cause)
  }
}

/**
 * The same id with other content is an attack or a grave fault: refused for good, with an alarm.
 */
function conflict({ delivery, requestId }: AskedRequest, { log }: CallbackDeps): Decision {
  log.alarm({ kind: 'conflict', deliveryId: delivery.deliveryId, requestId })
  return reserved('REJECT', 'conflict')
}
