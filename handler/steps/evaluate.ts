/** Step 4, evaluate: the policy's word, and the reserved rules, holds and hooks that stand above it. */
import type { Recall } from '../decisions/store.ts'
import type { Decision, Evaluation, LimitCharge, SingleUse } from '../policy/decision.ts'
import type { CallbackDeps, LivePolicy } from '../ports.ts'
import type { Stage } from '../protocol/endpoints.ts'
import { possibleAt } from '../protocol/response.ts'
import { settleHold } from './hold.ts'
import { settleHooks } from './hooks.ts'
import type { Asked, AskedRequest } from './read.ts'
import { Undecided } from './undecided.ts'

/** What will be recorded, unless the store knows better. */
export interface Proposal {
  readonly decision: Decision
  /** Empty unless APPROVE, as are the single uses. */
  readonly charges: readonly LimitCharge[]
  readonly singleUses: readonly SingleUse[]
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
  const evaluation =
    asked.kind === 'malformed'
      ? only('REJECT', 'malformed', `${asked.malformed.reasonCode} ${asked.malformed.member}`)
      : await judge(asked, recalled, policy, deps)
  return propose(asked.key.stage, policy.digest, evaluation)
}

async function judge(
  asked: AskedRequest,
  recalled: Recall,
  policy: LivePolicy,
  deps: CallbackDeps,
): Promise<Evaluation> {
  if (recalled.kind === 'conflict') return conflict(asked, deps)
  const frozen = deps.override()
  if (frozen !== undefined) return only(frozen.action, frozen.rule, frozen.reason)
  const held = await settleHold(askPolicy(asked, policy, deps), asked, deps)
  return settleHooks(held, asked, deps)
}

function askPolicy({ request, verified }: AskedRequest, policy: LivePolicy, deps: CallbackDeps) {
  try {
    return policy.evaluate(request, { now: deps.clock.now(), cosigner: verified.cosigner })
  } catch (cause) {
    throw new Undecided('policy-error', cause)
  }
}

/** The same id with other content is an attack or a grave fault: refused for good, and somebody is told. */
function conflict({ delivery, key }: AskedRequest, deps: CallbackDeps): Evaluation {
  const { deliveryId } = delivery
  deps.log.alarm({ kind: 'conflict', deliveryId, requestId: key.requestId })
  return only('REJECT', 'conflict', 'ERR_REQUEST_CONFLICT')
}

function propose(stage: Stage, policyDigest: string, evaluation: Evaluation): Proposal {
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
    rawTx: evaluation.rawTx,
    policyDigest,
  }
}

function only(action: Decision['action'], rule: string, reason: string): Evaluation {
  const decision = { action, rule, reason }
  return { decision, charges: [], singleUses: [], hooks: [], hold: undefined }
}
