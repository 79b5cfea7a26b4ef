/** What deliveries share: one decision for concurrent copies, one signature for equal answers; both bounded. */
import type { Recorded } from '../protocol/response.ts'
import { createRecent } from './recent.ts'

/** Work in flight and recent signatures; made once per process. */
export interface SharedWork {
  /**
   * Runs `work`, unless work of that name is running and may still end in time; every caller gets its outcome, or its
   * error. Times are monotonic milliseconds.
   */
  join(
    name: string,
    nowMs: number,
    deadlineAtMs: number,
    work: () => Promise<Recorded>,
  ): Promise<Joined>
  /** Signs unless equal bytes were signed lately: RSASSA-PKCS1-v1_5 gives equal signatures (RFC 8017 §8.2). */
  signature(content: string, sign: () => Promise<string>): Promise<string>
}

export interface Joined {
  readonly recorded: Recorded
  /** True when another caller's work gave it. */
  readonly shared: boolean
}

interface Flight {
  readonly outcome: Promise<Recorded>
  readonly deadlineAtMs: number
}

/** Beyond these, work is done again instead of being shared. */
const DEFAULT_LIMITS = { flights: 4096, signatures: 1024 }

/** Starts with nothing in flight and nothing remembered. */
export function createSharedWork(limits = DEFAULT_LIMITS): SharedWork {
  const flights = new Map<string, Flight>()
  const signatures = createRecent<Promise<string>>(limits.signatures)
  return {
    async join(name, nowMs, deadlineAtMs, work) {
      const running = flights.get(name)
      if (running !== undefined && running.deadlineAtMs > nowMs) {
        return { recorded: await running.outcome, shared: true }
      }
      const flight = { outcome: work(), deadlineAtMs }
      flights.delete(name)
      flights.set(name, flight)
      if (flights.size > limits.flights) forgetOldest(flights)
      try {
        return { recorded: await flight.outcome, shared: false }
      } finally {
        if (flights.get(name) === flight) flights.delete(name)
      }
    },
    signature(content, sign) {
      const known = signatures.get(content)
      if (known !== undefined) return known
      const made = sign()
      signatures.put(content, made)
      made.catch(() => signatures.drop(content, made))
      return made
    },
  }
}

/** A flight that is forgotten goes on, it is only not joined. */
function forgetOldest(flights: Map<string, Flight>): void {
  const [oldest] = flights.keys()
  if (oldest !== undefined) flights.delete(oldest)
}
