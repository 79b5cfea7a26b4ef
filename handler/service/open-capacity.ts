/** Stage 4: how much is taken in at once, how long an answer may take, and the orderly end. */
import { createAdmission, type Admission } from '../edge/admission.ts'
import { createByteBudget, type ByteBudget } from '../edge/byte-budget.ts'
import { watchPauses } from '../edge/pauses.ts'
import { createShutdown, type Shutdown } from '../edge/shutdown.ts'
import type { Process } from './process.ts'

/** Bytes of all bodies in memory. */
const BODY_BUDGET_BYTES = 64 * 1024 * 1024

/** The co-signer waits 30 s for an answer; the last one belongs to the network. */
const COSIGNER_PATIENCE_MS = 29_000

export interface Capacity {
  readonly admission: Admission
  readonly budget: ByteBudget
  readonly shutdown: Shutdown
  /** Milliseconds that the answer to a request that is seen now may take. */
  readonly timeLeftMs: () => number
}

/** `cores`: those that this process may use. */
export function openCapacity(
  { config, clock, sleep, after, closers }: Process,
  cores: number,
): Capacity {
  const shutdown = createShutdown(clock, sleep, after)
  const pauses = watchPauses(clock, after)
  closers.add(pauses.stop)
  return {
    admission: createAdmission({ clock, cores, maxWaitMs: config.deadlineMs }),
    budget: createByteBudget(BODY_BUDGET_BYTES),
    shutdown,
    timeLeftMs() {
      const patienceMs = COSIGNER_PATIENCE_MS - pauses.ageMs()
      return shutdown.timeLeftMs(Math.max(0, Math.min(config.deadlineMs, patienceMs)))
    },
  }
}

/** What is in hand at this moment, read afresh at each look. */
export function loadOf({ admission, budget }: Capacity) {
  return {
    get inFlight() {
      return admission.inFlight
    },
    get queued() {
      return admission.queued
    },
    get bodyBytes() {
      return budget.usedBytes
    },
  }
}
