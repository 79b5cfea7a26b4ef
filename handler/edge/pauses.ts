/**
 * Pauses of the process itself (migration, snapshot, CPU quota, a debugger): a request that was sent while the process
 * stood still is as old as the pause when it is first seen, and the co-signer's patience runs from when it was sent.
 */
import type { After, Clock } from '../../common/clock.ts'

/** How often the loop shows that it runs, in milliseconds. */
const BEAT_MS = 250

/** A beat that is later than this was a pause, in milliseconds. */
const PAUSE_MS = 1_000

/** Requests that were sent during a pause are taken to have been seen so long after its end, in milliseconds. */
const CATCH_UP_MS = 2_000

/** After so long the co-signer has given up, in milliseconds: what is seen then was sent after the pause, or is dead. */
const PATIENCE_MS = 30_000

export interface Pauses {
  /** How old a request that is seen now may be already, in milliseconds; 0 in normal life. */
  readonly ageMs: () => number
  readonly stop: () => void
}

export function watchPauses(clock: Clock, after: After): Pauses {
  let lastBeatMs = clock.monotonicMs()
  let pausedAtMs = 0
  let resumedAtMs = Number.NEGATIVE_INFINITY
  let cancel: () => void
  const look = (nowMs: number) => {
    if (nowMs - lastBeatMs > PAUSE_MS) {
      pausedAtMs = lastBeatMs
      resumedAtMs = nowMs
    }
    lastBeatMs = nowMs
  }
  const beat = () => {
    look(clock.monotonicMs())
    cancel = after(BEAT_MS, beat)
  }
  cancel = after(BEAT_MS, beat)
  return {
    ageMs() {
      const nowMs = clock.monotonicMs()
      // Sockets may be read before timers run.
      look(nowMs)
      const ageMs = nowMs - resumedAtMs <= CATCH_UP_MS ? nowMs - pausedAtMs : 0
      return ageMs < PATIENCE_MS ? ageMs : 0
    },
    stop: () => cancel(),
  }
}
