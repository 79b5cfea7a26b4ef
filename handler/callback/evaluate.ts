/** Step 4, evaluate: the policy's word, and the reserved rules, holds and hooks that stand above it. */
import type { HoldUse, Recall, ShadowNote } from '../decisions/store.ts'
import type { Decision, LimitCharge, SingleUse } from '../policy/decision.ts'
import type { CallbackDeps } from './ports.ts'
import type { PolicyFacts } from '../policy/judge.ts'
import type { LivePolicy } from '../policy/judge.ts'
import type { Stage } from '../protocol/endpoints.ts'
import { possibleAt } from './response.ts'
import { settleDecider } from './decider.ts'
import { settleHold } from './hold.ts'
import type { Settling } from './hold.ts'
import { settleHooks } from './hooks.ts'
import type { Asked, AskedRequest } from './read.ts'
import { Undecided } from './undecided.ts'

/** What will be recorded, unless the store knows better. */
export interface Proposal {
  readonly decision: Decision
  /** Empty unless APPROVE, as are the single uses. */
  readonly charges: readonly LimitCharge[]
  readonly singleUses: readonly SingleUse[]
  /** The release that an approval uses up. */
  readonly hold: HoldUse | undefined
  readonly shadow: ShadowNote | undefined
  readonly rawTx: string | undefined
  readonly policyDigest: string
}

/** Proposes a decision. Throws `Undecided` when the policy or the store cannot give one. */
export async function evaluate(
  asked: Asked,
  recalled: Recall,
  deps: CallbackDeps,
): Promise<Proposal> {
  const policy = deps.policy()
  const judged =
    asked.kind === 'malformed'
      ? only('REJECT', 'malformed', `${asked.malformed.reasonCode} ${asked.malformed.member}`)
      : await judge(asked, recalled, policy, deps)
  return propose(asked.key.stage, policy.digest, judged)
}

/** What came of the policy's word. */
interface Judged extends Settling {
  readonly shadow: ShadowNote | undefined
}

async function judge(
  asked: AskedRequest,
  recalled: Recall,
  policy: LivePolicy,
  deps: CallbackDeps,
): Promise<Judged> {
  if (recalled.kind === 'conflict') return conflict(asked, deps)
  const frozen = deps.override()
  if (frozen !== undefined) return only(frozen.action, frozen.rule, frozen.reason)
  const facts = { now: deps.clock.now(), cosigner: asked.verified.cosigner }
  const word = askPolicy(asked, policy, facts)
  const shadow = deps.shadow?.(asked.request, facts, word.decision)
  const { evaluation, release } = await settleHold(word, asked, deps)
  const decided = await settleDecider(evaluation, asked, policy, deps)
  const firstAt = recalled.kind === 'new' ? recalled.firstAt : undefined
  const settled = await settleHooks(decided, asked, { policy, firstAt }, deps)
  return { evaluation: settled, release, shadow }
}

function askPolicy({ request }: AskedRequest, policy: LivePolicy, facts: PolicyFacts) {
  try {
    return policy.evaluate(request, facts)
  } catch (cause) {
    throw new Undecided('policy-error', cause)
  }
}

/** The same id with other content is an attack or a grave fault: refused for good, and somebody is told. */
function conflict({ delivery, key }: AskedRequest, deps: CallbackDeps): Judged {
  const { deliveryId } = delivery
  deps.log.alarm({ kind: 'conflict', deliveryId, requestId: key.requestId })
  return only('REJECT', 'conflict', 'ERR_REQUEST_CONFLICT')
}

function propose(stage: Stage, policyDigest: string, judged: Judged): Proposal {
  const { evaluation, release, shadow } = judged
  const decision = possibleAt(stage, evaluation.decision)
  const approves = decision.action === 'APPROVE'
  const atStage = <T extends { readonly otherwise: Decision }>(item: T): T => ({
    ...item,
    otherwise: possibleAt(stage, item.otherwise),
  })
  return {
    decision,
    charges: approves ? evaluation.charges.map(atStage) : [],
    singleUses: approves ? evaluation.singleUses.map(atStage) : [],
    hold: approves ? release : undefined,
    shadow,
    rawTx: evaluation.rawTx,
    policyDigest,
  }
}

function only(action: Decision['action'], rule: string, reason: string): Judged {
  const decision = { action, rule, reason }
  const evaluation = { decision, charges: [], singleUses: [], hooks: [], hold: undefined }
  return { evaluation, release: undefined, shadow: undefined }
}
