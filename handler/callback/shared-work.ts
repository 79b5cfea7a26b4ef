/**
 * Work that concurrent copies of a request share: one decision, and the signature that was begun
 * for it.
 */
import type { AnswerClaims, Draft, Recorded } from './response.ts'

/** Work in flight; made once per process. */
export interface SharedWork {
  /**
   * Runs `work`, unless work of that name is running and may still end in time; every caller gets
   * its outcome, or its error. Times are monotonic milliseconds.
   */
  join(
    name: string,
    nowMs: number,
    deadlineAtMs: number,
    work: () => Promise<Decided>,
  ): Promise<Decided>
}

/** A decision on record. */
export interface Decided {
  readonly recorded: Recorded
  /** The signature of the answer that was likely, begun while the record was written. */
  readonly ahead?: SignedAhead | undefined
  /** The hold that it waits, or waited, for; for the log. */
  readonly heldBy?: string | undefined
  /** True when another caller's work gave it. */
  readonly shared?: boolean
}

/** A signature that leaves only when the answer turns out to be what was signed. */
export interface SignedAhead {
  readonly generation: number
  readonly claims: AnswerClaims | Draft
  /** The compact JWS; handled when it rejects. */
  readonly token: Promise<string>
}

interface Flight {
  readonly outcome: Promise<Decided>
  readonly deadlineAtMs: number
}

/** Beyond this many, work is done again instead of being shared. */
const MAX_FLIGHTS = 4_096

/** Starts with nothing in flight. */
export function createSharedWork(maxFlights = MAX_FLIGHTS): SharedWork {
  const flights = new Map<string, Flight>()
  return {
    async join(name, nowMs, deadlineAtMs, work) {
      const running = flights.get(name)
      if (running !== undefined && running.deadlineAtMs > nowMs) {
        const { recorded, ahead, heldBy } = await running.outcome
        return { recorded, ahead, heldBy, shared: true }
      }
      const flight = { outcome: work(), deadlineAtMs }
      flights.delete(name)
      flights.set(name, flight)
      if (flights.size > maxFlights) forgetOldest(flights)
      try {
        const { recorded, ahead, heldBy } = await flight.outcome
        return { recorded, ahead, heldBy, shared: false }
      } finally {
        if (flights.get(name) === flight) flights.delete(name)
      }
    },
  }
}

/** A flight that is forgotten goes on, it is only not joined. */
function forgetOldest(flights: Map<string, Flight>): void {
  const [oldest] = flights.keys()
  if (oldest !== undefined) flights.delete(oldest)
}
