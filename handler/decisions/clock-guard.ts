/**
 * Notices a wall clock that jumps. Limits are kept over time, so a clock that is set forward would empty their windows.
 *
 * Since the process started, wall clock and monotonic clock must have advanced alike. If they differ by more than a minute, the
 * clock is off: nothing is approved until it is set right again, or an operator restarts the handler and thereby
 * accepts the new time. Setting it back never widens a limit in any case: the chain's time does not go backwards.
 */
import type { Clock } from '../../common/clock.ts'

/** Largest difference that the corrections of a time service may add up to, in milliseconds. */
export const CLOCK_TOLERANCE_MS = 60_000

export interface ClockReading {
  /** The time to record: the wall clock, or what it should say while it is off. Milliseconds since 1970. */
  readonly nowMs: number
  /** Wall clock minus expected time, when that is too much. */
  readonly offByMs: number | undefined
}

/** Compares the clock with itself since this call. */
export function createClockGuard(clock: Clock): () => ClockReading {
  const startMs = clock.now().getTime() - clock.monotonicMs()
  return () => {
    const wallMs = clock.now().getTime()
    const expectedMs = startMs + clock.monotonicMs()
    const offByMs = wallMs - expectedMs
    if (Math.abs(offByMs) <= CLOCK_TOLERANCE_MS) return { nowMs: wallMs, offByMs: undefined }
    return { nowMs: expectedMs, offByMs }
  }
}
