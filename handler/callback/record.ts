/** Step 4, record: the proposal is on disk before it is answered. */
import type { Difference } from '../decisions/cores.ts'
import type { NewDecision } from '../decisions/store.ts'
import { spends } from '../decisions/variants.ts'
import { fromStore } from './faults.ts'
import type { CallbackDeps } from './ports.ts'
import type { Proposal } from './proposal.ts'
import type { Identified } from './read.ts'
import { draftOf } from './response.ts'
import type { Decided, SignedAhead } from './shared-work.ts'
import { tokenOf } from './sign.ts'

/**
 * Writes the proposal; the receipt says what stands. The signature of the likely answer is computed
 * meanwhile; while it waits for its turn, so may the record. Throws `Undecided` when the store
 * cannot write.
 */
export async function record(
  asked: Identified,
  proposal: Proposal,
  deps: CallbackDeps,
): Promise<Decided> {
  const { ahead, turn } = signAhead(asked, proposal, deps)
  const { policyDigest } = proposal
  const receipt = await fromStore(() => deps.store.record(entryOf(asked, proposal), turn))
  if (receipt.differs !== undefined) alarmDifference(asked, receipt.differs, deps)
  return { recorded: { kind: 'recorded', receipt, policyDigest }, ahead, heldBy: proposal.heldBy }
}

/** The two stages of one transaction differ; raised with the first record that shows it. */
function alarmDifference(
  { delivery, requestId }: Identified,
  differs: readonly Difference[],
  { log }: CallbackDeps,
): void {
  const error = new Error(`the stages of the transaction differ in ${differs.join(', ')}`)
  log.alarm({ kind: 'stage-difference', deliveryId: delivery.deliveryId, requestId, error })
}

/**
 * Begins the signature of the likely answer. `turn` resolves when it is being computed, or cannot
 * be made.
 */
function signAhead(
  { delivery, requestId }: Identified,
  { decision }: Proposal,
  deps: CallbackDeps,
): { readonly ahead?: SignedAhead | undefined; readonly turn?: Promise<void> } {
  if (deps.mode === 'plain') return {}
  const { generation } = delivery
  const claims = draftOf(requestId, decision)
  let ahead: SignedAhead | undefined
  const turn = new Promise<void>((resolve) => {
    const begins = () => resolve()
    const token = tokenOf(claims, generation, deps, begins)
    token.then(begins, begins)
    ahead = { generation, claims, token }
  })
  return { ahead, turn }
}

/** What is recorded of a proposal. */
export function entryOf(asked: Identified, proposal: Proposal): NewDecision {
  const { key, owner, verified, delivery } = asked
  const { decision, charges, singleUses, release, carried, heldBy } = proposal
  const { policyDigest, rawTx, consistency, shadow } = proposal
  const { token, cosigner } = verified
  const { generation, deliveryId } = delivery
  const evidence = {
    token,
    cosigner,
    generation,
    policyDigest,
    owner,
    rawTx,
    consistency,
    deliveryId,
  }
  return {
    key,
    decision,
    charges,
    singleUses,
    ...(release === undefined ? {} : { hold: release }),
    ...(carried === undefined ? {} : { carried }),
    ...(heldBy === undefined ? {} : { heldBy }),
    ...signedBytes(asked, proposal),
    evidence: shadow === undefined ? evidence : { ...evidence, shadow },
  }
}

/** What tells one signature from another; of decisions that spend something, or stand on a release for one of them. */
function signedBytes(asked: Identified, proposal: Proposal): Pick<NewDecision, 'bytes'> {
  if (asked.kind === 'malformed') return {}
  const isBound = spends(proposal) || proposal.carried !== undefined
  const bytes = isBound ? asked.request.bytes() : undefined
  return bytes === undefined ? {} : { bytes }
}
