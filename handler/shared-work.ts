/** What deliveries share: one decision for concurrent copies, one signature for equal answers; both bounded. */

import type { Recorded } from './protocol/response.ts'

/** Work in flight and recent signatures; made once per process. */
export interface SharedWork {
  /** Runs `work` unless work of that name is running; every caller gets its outcome, or its error. */
  join(name: string, work: () => Promise<Recorded>): Promise<Joined>
  /** Lets the next caller start afresh: the work that runs may never end. */
  abandon(name: string): void
  /** Signs unless equal bytes were signed lately: RSASSA-PKCS1-v1_5 gives equal signatures (RFC 8017 §8.2). */
  signature(content: string, sign: () => Promise<string>): Promise<string>
}

export interface Joined {
  readonly recorded: Recorded
  /** True when another caller's work gave it. */
  readonly shared: boolean
}

/** Beyond these, work is done again instead of being remembered. */
const DEFAULT_LIMITS = { flights: 4096, signatures: 1024 }

/** Starts with nothing in flight and nothing remembered. */
export function createSharedWork(limits = DEFAULT_LIMITS): SharedWork {
  const flights = new Map<string, Promise<Recorded>>()
  const signatures = new Map<string, Promise<string>>()
  return {
    async join(name, work) {
      const running = flights.get(name)
      if (running !== undefined) return { recorded: await running, shared: true }
      const flight = work()
      if (flights.size < limits.flights) flights.set(name, flight)
      try {
        return { recorded: await flight, shared: false }
      } finally {
        if (flights.get(name) === flight) flights.delete(name)
      }
    },
    abandon(name) {
      flights.delete(name)
    },
    signature(content, sign) {
      const known = signatures.get(content)
      if (known !== undefined) return known
      const made = sign()
      remember(signatures, content, made, limits.signatures)
      return made
    },
  }
}

/** Keeps the newest `limit` signatures, and no failed one. */
function remember(
  signatures: Map<string, Promise<string>>,
  content: string,
  made: Promise<string>,
  limit: number,
): void {
  signatures.set(content, made)
  made.catch(() => signatures.delete(content))
  if (signatures.size <= limit) return
  for (const oldest of signatures.keys()) {
    signatures.delete(oldest)
    return
  }
}
