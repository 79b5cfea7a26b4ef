/** What each part of the harness is given. */
import type { Report } from './report.ts'

export interface Context {
  readonly report: Report
  /** Unsigned 32-bit number from which every part draws its chance. */
  readonly seed: number
  /** Full bootstrap runs of the first part. */
  readonly runs: number
  /** Callbacks per second during rotations. */
  readonly rate: number
  /** False: does not use strace even where it may be used. */
  readonly strace: boolean
  /** `short` is for continuous integration, `full` leaves nothing out. */
  readonly form: 'short' | 'default' | 'full'
  /** A directory for everything, removed at the end. */
  readonly root: string
  /** On the clock of `performance.now()`: parts that sample stop taking new samples then. */
  readonly deadlineMs: number
}

export interface Part {
  readonly name: string
  /** One sentence: what is done. */
  readonly story: string
  /** For the document: what is done and what it proves. */
  readonly text: string
  readonly run: (context: Context) => Promise<void>
}
