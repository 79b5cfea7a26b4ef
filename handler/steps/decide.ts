/** Steps 3 and 5 and what holds them together: one decision per request, remembered and on disk before it is used. */
import type { Recall } from '../decisions/store.ts'
import type { CallbackDeps } from '../ports.ts'
import { draftOf } from '../protocol/response.ts'
import type { Recorded } from '../protocol/response.ts'
import type { Joined } from './shared-work.ts'
import type { Proposal } from './evaluate.ts'
import type { Asked } from './read.ts'
import { signClaims } from './sign.ts'
import { fromStore } from './undecided.ts'

/** Concurrent copies of a request wait for the first one's decision; the store's unique index stands behind this. */
export function decideOnce(
  { key, delivery }: Asked,
  { shared, clock }: CallbackDeps,
  decide: () => Promise<Recorded>,
): Promise<Joined> {
  const { endpoint, requestId, signerId, stage, digest } = key
  const name = JSON.stringify([endpoint, requestId, signerId, stage, digest])
  return shared.join(name, clock.monotonicMs(), delivery.deadlineAtMs, decide)
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
): Promise<Recorded> {
  const turn = signAhead(asked, proposal, deps)
  const { policyDigest } = proposal
  const receipt = await fromStore(() => deps.store.record(entryOf(asked, proposal), turn))
  return { kind: 'recorded', receipt, policyDigest }
}

/**
 * Only warms the memory of signatures: no signature is returned, so none can leave before its record. What is returned
 * resolves when the signature begins, or needs no turn at all.
 */
function signAhead(
  { delivery, key }: Asked,
  { decision }: Proposal,
  deps: CallbackDeps,
): Promise<void> | undefined {
  if (deps.mode === 'plain') return undefined
  const { generation } = delivery
  return new Promise((resolve) => {
    const begins = () => resolve()
    signClaims(draftOf(key.requestId, decision), generation, deps, begins).then(begins, begins)
  })
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
