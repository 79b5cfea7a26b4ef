/** Holds: the policy waits for people, and what they said becomes the decision of the same rule. */
import { holdIdOf } from '../decisions/holds.ts'
import type { ProvenRequest } from '../decisions/operations.ts'
import type { Decision, HoldTerms } from '../policy/decision.ts'
import { fromStore } from './faults.ts'
import type { CallbackDeps, HoldBook } from './ports.ts'
import type { Proposal } from './proposal.ts'
import { type AskedRequest, wholeOf } from './read.ts'
import { entryOf } from './record.ts'

/**
 * The proposal as the hold leaves it; without a hold it is unchanged, without a hold book nothing
 * is released. Throws `Undecided` when the book cannot be asked.
 */
export async function settleHold(
  proposal: Proposal,
  asked: AskedRequest,
  { advisers: { holds } }: CallbackDeps,
): Promise<Proposal> {
  const { hold, decision, rawTx } = proposal
  if (hold === undefined) return proposal
  const { key } = asked
  const request = await wholeOf(asked)
  const why = { rule: decision.rule, rawTx, proven: provenBy(asked, proposal) }
  const state =
    holds === undefined ? 'held' : await fromStore(() => holds.state(key, hold, request, why))
  if (typeof state === 'object') return carriedFrom(state.carried, hold, proposal)
  const heldBy = holdIdOf(key)
  if (state === 'released') return released({ ...proposal, heldBy }, heldBy)
  if (state === 'held') return waiting({ ...proposal, heldBy }, asked, holds)
  return { ...proposal, heldBy, decision: { ...decision, ...unreleased(state, hold) } }
}

/**
 * What a release at the approval stage is compared with: a signing request whose bytes are verified, whatever its rule
 * tolerates. People look at members that disagree themselves.
 */
function provenBy(
  { key, request, verified: { token }, owner }: AskedRequest,
  { rawTx, consistency = [] }: Proposal,
): ProvenRequest | undefined {
  if (key.stage !== 'signing' || rawTx !== 'verified') return undefined
  if (consistency.some(({ answer }) => answer === 'hold')) return undefined
  const bytes = request.bytes()
  return bytes === undefined ? undefined : { token, owner, bytes }
}

/** People have not spoken; the reason says when what they may say would have no effect. */
async function waiting(
  proposal: Proposal,
  asked: AskedRequest,
  holds: HoldBook | undefined,
): Promise<Proposal> {
  const { decision, charges } = proposal
  const waits = (reason: string) => ({
    ...proposal,
    decision: { ...decision, action: 'RETRY' as const, reason },
  })
  if (holds === undefined || charges.length === 0) return waits(decision.reason)
  const approval = { ...proposal, decision: { ...decision, action: 'APPROVE' as const } }
  const full = await fromStore(() => holds.fullLimits(entryOf(asked, approval)))
  const first = charges.find(({ limit }) => full.includes(limit))
  return waits(
    first === undefined ? decision.reason : `${decision.reason} (${first.otherwise.reason})`,
  )
}

function unreleased(
  state: 'rejected' | 'expired',
  { onExpiry }: HoldTerms,
): Pick<Decision, 'action' | 'reason'> {
  if (state === 'rejected') return { action: 'REJECT', reason: 'HOLD_REJECTED' }
  return { action: onExpiry, reason: 'HOLD_EXPIRED' }
}

/** One release lets one transaction pass, once: the record of the approval uses it up. */
function released(proposal: Proposal, id: string): Proposal {
  const { rule } = proposal.decision
  return {
    ...proposal,
    decision: { action: 'APPROVE', rule, reason: '' },
    release: {
      id,
      otherwise: { action: 'REJECT', rule, reason: 'HOLD_USED' },
    },
  }
}

/** The release of the approval stage lets the signature pass that follows from it. */
function carriedFrom(id: string, terms: HoldTerms, proposal: Proposal): Proposal {
  const { rule, reason } = proposal.decision
  return {
    ...proposal,
    heldBy: id,
    decision: { action: 'APPROVE', rule, reason: 'released at the approval stage' },
    carried: { id, terms, otherwise: { action: 'RETRY', rule, reason } },
  }
}
