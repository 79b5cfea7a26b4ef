/** Time as a parameter: shells take a `Clock` and a `Sleep`, pure functions take `now: Date`. */

/** Reads the time. `now` is the wall clock; `monotonicMs` never goes backwards and has no epoch. */
export interface Clock {
  now(): Date
  monotonicMs(): number
}

/** Waits `ms` milliseconds; resolves early, without an error, when the signal aborts. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>

/**
 * Runs `run` after `ms` milliseconds, unless the returned function is called before. For every
 * request there is one such wait that nearly always is called off; a `Sleep` with a signal would
 * cost ten times as much (docs/decisions/hot-path.md).
 */
export type After = (ms: number, run: () => void) => () => void

/** All that a shell needs of time. */
export interface Time {
  readonly clock: Clock
  readonly sleep: Sleep
  readonly after: After
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
}

/** Waits on a real timer. */
export const systemSleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) {
      resolve()
      return
    }
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })

/** A real timer. */
export const systemAfter: After = (ms, run) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}
