/** The books of an open-loop run: every planned request is counted once, as what became of it. */
import { quantile } from '../stats.ts'
import { WINDOW_MS } from './job.ts'
import type { OpenJob, Outcomes, PhaseResult, Window } from './job.ts'

/** Milliseconds from the start of a run. */
export interface AnswerTimes {
  /** When the request was due; tells its phase and window. */
  readonly arrivalMs: number
  /** When it was sent: later than that only by the delay of the generator itself. */
  readonly sentMs: number
  readonly nowMs: number
}

export interface Ledger {
  /** A request was due at `arrivalMs` from the start. */
  offered(arrivalMs: number): void
  /** It was answered. */
  answered(times: AnswerTimes, outcome: string): void
  /** It found no free connection and was not sent. */
  blocked(arrivalMs: number): void
  /** Its connection broke. */
  failed(): void
  result(): { outcomes: Outcomes; phases: PhaseResult[]; windows: Window[] }
}

const DECIDED = new Set(['APPROVE', 'REJECT', 'IGNORE'])

/** Opens the books for the planned phases. */
export function createLedger(phases: OpenJob['phases'], deadlineMs: number): Ledger {
  const outcomes: Outcomes = {}
  const windows: { offered: number; good: number; decided: number }[] = []
  const books = phases.map(() => ({
    offered: 0,
    retried: 0,
    late: 0,
    blocked: 0,
    shed: [] as number[],
    good: [] as number[],
    other: 0,
  }))
  const ends = phases.map((_, i) =>
    phases.slice(0, i + 1).reduce((sum, { seconds }) => sum + seconds * 1000, 0),
  )
  const bookOf = (arrivalMs: number) => {
    const index = ends.findIndex((end) => arrivalMs < end)
    const book = books[index < 0 ? books.length - 1 : index]
    if (book === undefined) throw new RangeError('a run needs at least one phase')
    return book
  }
  const windowOf = (atMs: number) => {
    const index = Math.floor(atMs / WINDOW_MS)
    while (windows.length <= index) windows.push({ offered: 0, good: 0, decided: 0 })
    return windows[index] ?? { offered: 0, good: 0, decided: 0 }
  }
  return {
    offered(arrivalMs) {
      bookOf(arrivalMs).offered += 1
      windowOf(arrivalMs).offered += 1
    },
    answered({ arrivalMs, sentMs, nowMs }, outcome) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      const book = bookOf(arrivalMs)
      const latencyMs = nowMs - sentMs
      if (latencyMs > deadlineMs) {
        book.late += 1
        return
      }
      if (DECIDED.has(outcome)) {
        book.good.push(latencyMs)
        windowOf(arrivalMs).good += 1
        windowOf(nowMs).decided += 1
        return
      }
      if (outcome === 'RETRY') book.retried += 1
      else if (outcome === '503') book.shed.push(latencyMs)
      else book.other += 1
    },
    blocked(arrivalMs) {
      bookOf(arrivalMs).blocked += 1
    },
    failed() {
      outcomes['failed'] = (outcomes['failed'] ?? 0) + 1
    },
    result: () => ({
      outcomes,
      windows,
      phases: books.map(({ offered, retried, late, blocked, shed, good, other }) => ({
        offered,
        good: good.length,
        retried,
        late,
        shed: shed.length,
        blocked,
        unanswered: offered - good.length - retried - late - shed.length - blocked - other,
        p50Ms: quantile(good, 0.5),
        p99Ms: quantile(good, 0.99),
        shedP99Ms: quantile(shed, 0.99),
      })),
    }),
  }
}

/** Decisions in time per second, between `fromMs` and `toMs` from the start. */
export function goodput(windows: readonly Window[], fromMs: number, toMs: number): number {
  const counted = windows.slice(Math.ceil(fromMs / WINDOW_MS), Math.floor(toMs / WINDOW_MS))
  const decided = counted.reduce((sum, window) => sum + window.decided, 0)
  return (decided * 1000) / (counted.length * WINDOW_MS)
}

/**
 * Milliseconds from `fromMs` until goodput is full for good: from the first window on, every window decides at least
 * `share` of what was offered. NaN when it never is.
 */
export function recoveryMs(windows: readonly Window[], fromMs: number, share = 0.99): number {
  const first = Math.ceil(fromMs / WINDOW_MS)
  const lastBad = windows.findLastIndex(({ offered, good }) => good < share * offered)
  if (lastBad === windows.length - 1) return Number.NaN
  return Math.max(0, (lastBad + 1 - first) * WINDOW_MS)
}
