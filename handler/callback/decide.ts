/** Steps 3 and 5 and what holds them together: one decision per request, remembered and on disk before it is used. */
import type { Recall } from '../decisions/store.ts'
import type { CallbackDeps } from './ports.ts'
import { draftOf } from './response.ts'
import type { Decided, Joined, SignedAhead } from './shared-work.ts'
import type { Proposal } from './evaluate.ts'
import type { Asked } from './read.ts'
import { signClaims } from './sign.ts'
import { fromStore } from './undecided.ts'

/** Concurrent copies of a request wait for the first one's decision; the store's unique index stands behind this. */
export function decideOnce(
  { key, delivery }: Asked,
  { shared, clock }: CallbackDeps,
  decide: () => Promise<Decided>,
): Promise<Joined> {
  // The digest covers the rest of the key.
  return shared.join(key.digest, clock.monotonicMs(), delivery.deadlineAtMs, decide)
}

/** What the store knows of the request. */
export function recall({ key }: Asked, { store }: CallbackDeps): Promise<Recall> {
  return fromStore(() => store.recall(key))
}

/**
 * Writes the proposal; the receipt says what stands. The signature of the likely answer is computed meanwhile; while it
 * waits for its turn, so may the record.
 */
export async function record(
  asked: Asked,
  proposal: Proposal,
  deps: CallbackDeps,
): Promise<Decided> {
  const { ahead, turn } = signAhead(asked, proposal, deps)
  const { policyDigest } = proposal
  const receipt = await fromStore(() => deps.store.record(entryOf(asked, proposal), turn))
  return { recorded: { kind: 'recorded', receipt, policyDigest }, ahead }
}

/** Begins the signature of the likely answer. `turn` resolves when it is being computed, or cannot be made. */
function signAhead(
  { delivery, key }: Asked,
  { decision }: Proposal,
  deps: CallbackDeps,
): { readonly ahead?: SignedAhead | undefined; readonly turn?: Promise<void> } {
  if (deps.mode === 'plain') return {}
  const { generation } = delivery
  const claims = draftOf(key.requestId, decision)
  let ahead: SignedAhead | undefined
  const turn = new Promise<void>((resolve) => {
    const begins = () => resolve()
    const token = signClaims(claims, generation, deps, begins)
    token.then(begins, begins)
    ahead = { generation, claims, token }
  })
  return { ahead, turn }
}

function entryOf({ key, owner, verified, delivery }: Asked, proposal: Proposal) {
  const { decision, charges, singleUses, hold, policyDigest, rawTx, shadow } = proposal
  const { token, cosigner } = verified
  const { generation, deliveryId } = delivery
  const evidence = { token, cosigner, generation, policyDigest, owner, rawTx, deliveryId }
  return {
    key,
    decision,
    charges,
    singleUses,
    ...(hold === undefined ? {} : { hold }),
    evidence: shadow === undefined ? evidence : { ...evidence, shadow },
  }
}
