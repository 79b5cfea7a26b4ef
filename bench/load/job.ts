/** What the load generator can be asked to do, and what it tells afterwards; every job is bounded in count and time. */
import type { Target } from './connection.ts'

interface Common {
  readonly target: Target
  /** Process whose CPU time is taken before and after the measured part. */
  readonly serverPid: number
}

/** Where the requests come from: a file made beforehand, or signed as they are sent. */
export type Tokens =
  | { readonly pool: string; readonly from: number }
  | { readonly keyFile: string; readonly chars: number }

/** Each connection sends its next request when the last was answered. */
export interface ClosedJob extends Common {
  readonly kind: 'closed'
  readonly tokens: Tokens
  readonly connections: number
  /** Requests before the measured part, on the same connections. */
  readonly warmUp: number
  readonly count: number
  readonly limitMs: number
  /** `tampered` breaks every signature; `repeated` sends the first sixteen requests over and over. */
  readonly change?: 'tampered' | 'repeated'
}

/** Requests arrive when they arrive (Poisson), whether or not earlier ones were answered. */
export interface OpenJob extends Common {
  readonly kind: 'open'
  readonly tokens: Tokens
  readonly connections: number
  readonly phases: readonly { readonly perSecond: number; readonly seconds: number }[]
  /** An answer later than this after its request was sent is late. */
  readonly deadlineMs: number
}

/** Connections that do no work: silent ones, ones with the largest body allowed, ones that send a byte now and then. */
export interface BurdenJob extends Common {
  readonly kind: 'burden'
  readonly idle: number
  readonly maximal: { readonly count: number; readonly pool: string }
  readonly slow: number
  readonly holdMs: number
}

export type Job = ClosedJob | OpenJob | BurdenJob

/** How often each outcome occurred: an action (`APPROVE`), a bare status (`503`), `wrong`, `failed`. */
export type Outcomes = Record<string, number>

export interface ClosedResult {
  readonly answered: number
  readonly outcomes: Outcomes
  readonly elapsedMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly serverCpuMs: number
  readonly loadCpuMs: number
}

/** What became of the requests that were planned for one quarter of a second. */
export interface Window {
  readonly offered: number
  /** Decided, signed and in time. */
  readonly good: number
  /** Answered like that within this quarter of a second, whenever it was due. */
  readonly decided: number
}

export interface OpenResult {
  readonly outcomes: Outcomes
  /** One entry per phase. */
  readonly phases: readonly PhaseResult[]
  readonly windows: readonly Window[]
  /** 99th percentile of how late the generator itself sent what was due. */
  readonly generatorLagMs: number
  readonly serverCpuMs: number
}

export interface PhaseResult {
  readonly offered: number
  readonly good: number
  /** Signed RETRY in time. */
  readonly retried: number
  /** Any answer after the deadline. */
  readonly late: number
  /** 503 in time. */
  readonly shed: number
  /** Not sent: every connection was busy. */
  readonly blocked: number
  /** Sent, and no answer came. */
  readonly unanswered: number
  /** Over the decided ones. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly shedP99Ms: number
}

export interface BurdenResult {
  readonly outcomes: Outcomes
  /** Slow connections that the server cut before the end. */
  readonly slowCut: number
  readonly idleCut: number
}

/** Length of a `Window`. */
export const WINDOW_MS = 250
