/** Connections that were closed to make room for others: counted, logged once a second at most, and a notice for a while. */
import type { After, Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'

/** How long further ones are only counted, in milliseconds. */
const COUNTED_MS = 1_000

/** How long the notice stays, in milliseconds. */
const NOTICE_MS = 5 * 60_000

export interface DroppedConnections {
  readonly dropped: (reason: string) => void
  /** One line for `/readyz` and the status; undefined when none was dropped lately. */
  readonly notice: () => string | undefined
}

export function watchDropped(
  log: Log,
  count: (reason: string) => void,
  clock: Clock,
  after: After,
): DroppedConnections {
  let lastMs = Number.NEGATIVE_INFINITY
  let reasons: Record<string, number> | undefined
  const logCounted = () => {
    if (reasons !== undefined) log.warn({ reasons }, 'connections closed to make room')
    reasons = undefined
  }
  return {
    dropped(reason) {
      count(reason)
      lastMs = clock.monotonicMs()
      if (reasons === undefined) {
        reasons = {}
        after(COUNTED_MS, logCounted)
      }
      reasons[reason] = (reasons[reason] ?? 0) + 1
    },
    notice: () =>
      clock.monotonicMs() - lastMs < NOTICE_MS
        ? 'connections: some were closed within the last 5 minutes to make room for others'
        : undefined,
  }
}
