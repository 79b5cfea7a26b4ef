/** An orderly end: what was accepted is answered, what comes is told to go elsewhere, and all is over in five seconds. */
import type { After, Clock, Sleep } from '../../common/clock.ts'

/** Times from the first signal, in milliseconds; accepting for a while loses no request (measured: security tests). */
const ACCEPT_MS = 1_500
const HURRY_MS = 2_500
const END_MS = 4_000

/** Waits shorter than this are part of ending, not something to cut short. */
const SHORT_MS = 500

export interface Shutdown {
  /** True from the first signal on. */
  readonly ending: () => boolean
  /** Milliseconds that an answer may take from now on, out of the usual. */
  readonly timeLeftMs: (usualMs: number) => number
  /** The timer of the straight line: while ending, long waits end early, and none outlasts the end. */
  readonly after: After
  /** Accepts for a while, then closes; cuts what is left at the end. */
  readonly end: (listeners: { close(): Promise<void>; cut(): void }) => Promise<void>
}

/** Starts in the running state. */
export function createShutdown(clock: Clock, sleep: Sleep, after: After): Shutdown {
  const waiting = new Set<() => void>()
  let endMs: number | undefined
  const wakeAll = () => {
    for (const wake of waiting) wake()
  }
  return {
    ending: () => endMs !== undefined,
    timeLeftMs: (usualMs) =>
      endMs === undefined ? usualMs : Math.max(0, Math.min(usualMs, endMs - clock.monotonicMs())),
    after: (ms, run) => {
      if (ms < SHORT_MS) return after(ms, run)
      const cancel = () => {
        waiting.delete(wake)
        cancelTimer()
      }
      const wake = () => {
        cancel()
        run()
      }
      const cancelTimer = after(ms, wake)
      waiting.add(wake)
      return cancel
    },
    async end(listeners) {
      endMs = clock.monotonicMs() + END_MS
      await sleep(ACCEPT_MS)
      const over = new AbortController()
      const closed = listeners.close()
      const hurry = async () => {
        await sleep(HURRY_MS - ACCEPT_MS, over.signal)
        wakeAll()
      }
      const hurried = hurry()
      await Promise.race([closed, sleep(END_MS - ACCEPT_MS, over.signal)])
      over.abort()
      listeners.cut()
      await hurried
      // Nobody is left who waits: what began to wait after the hurry is told before the store is closed.
      wakeAll()
    },
  }
}
