/**
 * Step 2, recall: one decision per request, whether it was made for an earlier delivery or is being
 * made for another one.
 */
import type { Recall } from '../decisions/store.ts'
import { fromStore } from './faults.ts'
import type { CallbackDeps } from './ports.ts'
import type { Identified } from './read.ts'
import type { Decided } from './shared-work.ts'

/**
 * Concurrent copies of a request wait for the first one's decision; the store's unique index stands
 * behind this.
 */
export function decideOnce(
  { key, delivery }: Identified,
  { shared, time }: CallbackDeps,
  decide: () => Promise<Decided>,
): Promise<Decided> {
  // The digest covers the rest of the key.
  return shared.join(key.digest, time.clock.monotonicMs(), delivery.deadlineAtMs, decide)
}

/** What the store knows of the request. Throws `Undecided` when it cannot say. */
export function recall({ key, verified }: Identified, { store }: CallbackDeps): Promise<Recall> {
  return fromStore(() => store.recall(key, verified.token))
}
