/** How fast work gets done while more of it waits: all that a prediction of the waiting time needs. */

export interface Pace {
  /** Milliseconds per finished job, over about the last `MEMORY` jobs that were finished while others waited. */
  readonly ms: number
  /** A job was finished; `othersWait` says whether the next one can begin at once. */
  readonly finished: (nowMs: number, othersWait: boolean) => void
}

/** Long enough that a batch, a garbage collection or a slow disk write does not pass for the pace of everything. */
const MEMORY = 1_000
const KEPT = 1 - 1 / MEMORY
/** Assumed at first: a signature on a fast machine. Too low only means to learn the first overload from its lateness. */
const INITIAL_MS = 0.3

/**
 * Counts elapsed time and finished jobs, both fading. The time that one job takes would not do: it holds the waiting of
 * the event loop, which all jobs in flight share.
 */
export function createPace(): Pace {
  let jobs = MEMORY
  let busyMs = INITIAL_MS * MEMORY
  let lastMs: number | undefined
  return {
    get ms() {
      return busyMs / jobs
    },
    finished(nowMs, othersWait) {
      if (lastMs !== undefined) {
        jobs = jobs * KEPT + 1
        busyMs = busyMs * KEPT + (nowMs - lastMs)
      }
      lastMs = othersWait ? nowMs : undefined
    },
  }
}
