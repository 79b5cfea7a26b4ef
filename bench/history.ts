/** A decision store with a long past, written by the store's own code: a valid chain, limits charged, ids taken. */
import { createHash, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { openStore } from '../handler/decisions/sqlite/open.ts'
import type { NewDecision } from '../handler/decisions/store.ts'
import type { Evaluation } from '../handler/policy/decision.ts'
import type { CallbackRequest } from '../handler/protocol/request.ts'
import { fingerprintOf, requestKey } from '../handler/protocol/digest.ts'

/** Decisions per transaction while the past is written. */
const BATCH = 5_000
/** Charging a limit costs more than all the rest of a decision, so only one decision in this many of the past did. */
export const CHARGED_EVERY = 10
/** The past is spread over this much time, so that a daily limit sees all of it. */
const SPAN_MS = 23 * 3_600_000

/** Fills the store of a state directory with decisions of that outcome over the last 23 hours. */
export async function writeHistory(
  stateDir: string,
  decisions: number,
  request: CallbackRequest,
  { decision, charges }: Evaluation,
): Promise<void> {
  const beganMs = Date.now() - SPAN_MS
  const store = await openStore(join(stateDir, 'decisions.db'), beganMs)
  const key = requestKey(request, 'z')
  const entry = (nth: number): NewDecision => {
    const requestId = randomUUID()
    const digest = createHash('sha256').update(requestId).digest('hex')
    return {
      key: { ...key, requestId, digest, fingerprint: fingerprintOf({ ...key, requestId }) },
      decision,
      charges: nth % CHARGED_EVERY === 0 ? charges : [],
      singleUses: [],
      // Short evidence: only the number of records matters here, and a million real tokens are two gigabytes.
      evidence: {
        token: 'e30.e30.e30',
        cosigner: 'z',
        generation: 1,
        policyDigest: digest,
        owner: requestId,
        rawTx: undefined,
        deliveryId: requestId,
      },
    }
  }
  for (let done = 0; done < decisions; done += BATCH) {
    const atMs = beganMs + (SPAN_MS * done) / decisions
    const entries = Array.from({ length: Math.min(BATCH, decisions - done) }, (_, i) => entry(i))
    store.core.transaction(atMs, () =>
      store.core.run(entries.map((one) => ({ name: 'record', args: [one] }))),
    )
    store.advanceMark()
    store.logCopier.note(BATCH)
    store.logCopier.step()
  }
  store.close()
}
