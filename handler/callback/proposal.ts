/**
 * Proposals: what will be recorded unless the store knows better, from the policy's evaluation to
 * the allowed decision.
 */
import type { CarriedUse, HoldUse, ShadowNote } from '../decisions/store.ts'
import type { Decision, Evaluation } from '../policy/decision.ts'
import type { LivePolicy } from '../policy/judge.ts'
import type { Stage } from '../protocol/endpoints.ts'
import { possibleAt } from './response.ts'

/**
 * What will be recorded, unless the store knows better: the evaluation, as each part of this step
 * leaves it.
 */
export interface Proposal extends Evaluation {
  /** The release that an approval uses up. */
  readonly release: HoldUse | undefined
  /** The release at the approval stage that an approval stands on. */
  readonly carried: CarriedUse | undefined
  /** The hold that the policy asks for, whatever has come of it. */
  readonly heldBy: string | undefined
  readonly shadow: ShadowNote | undefined
  readonly policyDigest: string
}

/** A decision that depends on nothing. */
export function fixed(decision: Decision, policy: LivePolicy): Proposal {
  const evaluation = { decision, charges: [], singleUses: [], hooks: [], hold: undefined }
  return proposalOf(evaluation, policy, undefined)
}

/** An evaluation that nothing has changed yet. Member by member: every new request passes here. */
export function proposalOf(
  { decision, charges, singleUses, hooks, hold, rawTx, consistency }: Evaluation,
  { digest }: LivePolicy,
  shadow: ShadowNote | undefined,
): Proposal {
  const release = undefined
  const carried = undefined
  const policyDigest = digest
  const heldBy = undefined
  return {
    decision,
    charges,
    singleUses,
    hooks,
    hold,
    rawTx,
    consistency,
    release,
    carried,
    heldBy,
    shadow,
    policyDigest,
  }
}

/** The proposal as its stage allows it; what an approval would spend stays only on an approval. */
export function atStage(stage: Stage | 'unproven', proposal: Proposal): Proposal {
  const { charges, singleUses, hooks, hold, rawTx, consistency } = proposal
  const { release, carried, heldBy, shadow, policyDigest } = proposal
  const decision = possibleAt(stage, proposal.decision)
  const approves = decision.action === 'APPROVE'
  const possible = <T extends { readonly otherwise: Decision }>(item: T): T => ({
    ...item,
    otherwise: possibleAt(stage, item.otherwise),
  })
  return {
    decision,
    charges: approves ? charges.map(possible) : [],
    singleUses: approves ? singleUses.map(possible) : [],
    hooks,
    hold,
    rawTx,
    consistency,
    release: approves ? release : undefined,
    carried: approves ? carried : undefined,
    heldBy,
    shadow,
    policyDigest,
  }
}
