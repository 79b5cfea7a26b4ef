/**
 * What this process did, over time: counts per stretch of time in memory, for plots. Bounded whatever comes, and gone
 * with the process: the audit chain is the record.
 */
import type { Clock } from '../../common/clock.ts'
import type { Action } from '../protocol/endpoints.ts'
import type { AlarmKind } from './metric-table.ts'
import { isProbe, type Metrics } from './metrics.ts'

/** Spans that can be looked at, finest first: so many stretches of so many milliseconds. */
export const SPANS = {
  '2h': { title: 'two hours', each: 'minute', everyMs: 60_000, count: 120 },
  '24h': { title: '24 hours', each: 'quarter of an hour', everyMs: 900_000, count: 96 },
  '7d': { title: 'seven days', each: 'two hours', everyMs: 7_200_000, count: 84 },
} as const

export type Span = keyof typeof SPANS

/** Upper bounds of the latency counts in milliseconds, each 1.25 times the one before: what is read off is near enough. */
const BOUNDS_MS: readonly number[] = Array.from({ length: 52 }, (_, at) => 0.5 * 1.25 ** at)

/** Rules, and pairs of a live and a shadow answer, that are told apart; further ones are counted together. */
const MAX_KINDS = 100
const OTHERS = '(others)'

/** One kind, and how often it came. */
export type Counted<T> = T & { count: number }

/** Decisions of one action and rule. */
export interface RuleCount {
  readonly action: Action
  readonly rule: string
}

/** One stretch of time. */
export interface Stretch {
  readonly startMs: number
  readonly decisions: readonly Counted<RuleCount>[]
  /** Milliseconds within which so much of the answers left; undefined when there was none. */
  readonly p50: number | undefined
  readonly p99: number | undefined
}

/** Where the shadow policy agrees with the live one, and where not. */
export interface ShadowCount {
  readonly live: string
  readonly shadow: string
}

export interface History {
  /** The handler started then. */
  readonly sinceMs: number
  /** The stretches of a span, the oldest first, up to now. */
  readonly stretches: (span: Span) => readonly Stretch[]
  /** Decisions answered since the start, by action. */
  readonly decided: () => ReadonlyMap<Action, number>
  /** Deliveries answered bare, since the start. */
  readonly refused: () => number
  /** Alarms since the start, by kind; only kinds that there were. */
  readonly alarms: () => ReadonlyMap<AlarmKind, number>
  /** Since the start. */
  readonly shadow: () => {
    readonly agreed: number
    readonly differed: readonly Counted<ShadowCount>[]
  }
}

interface Bucket {
  startMs: number
  readonly decisions: Map<string, Counted<RuleCount>>
  readonly latency: Uint32Array
}

/** A history that begins now, and the metrics that also write it. */
export function keepHistory(
  metrics: Metrics,
  clock: Clock,
): { readonly history: History; readonly metrics: Metrics } {
  const nowMs = () => clock.now().getTime()
  const rings = { '2h': createRing('2h'), '24h': createRing('24h'), '7d': createRing('7d') }
  const all = Object.values(rings)
  const decided = new Map<Action, number>()
  const alarms = new Map<AlarmKind, number>()
  const differed = new Map<string, Counted<ShadowCount>>()
  let refused = 0
  let agreed = 0
  const sinceMs = nowMs()
  const observed: Metrics = {
    ...metrics,
    decided(event) {
      metrics.decided(event)
      const { action, rule } = event
      add(decided, action)
      const at = nowMs()
      for (const ring of all) tally(ring(at).decisions, { action, rule }, { action, rule: OTHERS })
    },
    refused(event) {
      metrics.refused(event)
      if (!isProbe(event)) refused += 1
    },
    alarm(event) {
      metrics.alarm(event)
      add(alarms, event.kind)
    },
    answered(status, durationMs) {
      metrics.answered(status, durationMs)
      if (status !== 200) return
      const found = BOUNDS_MS.findIndex((bound) => durationMs <= bound)
      const place = found === -1 ? BOUNDS_MS.length - 1 : found
      const at = nowMs()
      for (const ring of all) {
        const { latency } = ring(at)
        latency[place] = (latency[place] ?? 0) + 1
      }
    },
    shadowed(note) {
      metrics.shadowed(note)
      const { action, rule, liveAction, liveRule } = note
      if (action === liveAction && rule === liveRule) agreed += 1
      else {
        const pair = { live: `${liveAction} ${liveRule}`, shadow: `${action} ${rule}` }
        tally(differed, pair, { live: OTHERS, shadow: OTHERS })
      }
    },
  }
  const history: History = {
    sinceMs,
    stretches: (span) => stretchesOf(rings[span], SPANS[span], nowMs()),
    decided: () => decided,
    refused: () => refused,
    alarms: () => alarms,
    shadow: () => ({ agreed, differed: [...differed.values()] }),
  }
  return { history, metrics: observed }
}

/** The bucket of a moment; those of a turn before are emptied. */
type Ring = (atMs: number) => Bucket

function createRing(span: Span): Ring {
  const { everyMs, count } = SPANS[span]
  const buckets: Bucket[] = Array.from({ length: count }, () => ({
    startMs: -1,
    decisions: new Map(),
    latency: new Uint32Array(BOUNDS_MS.length),
  }))
  return (atMs) => {
    const number = Math.floor(atMs / everyMs)
    const bucket = buckets[number % count]
    if (bucket === undefined) throw new RangeError('time before 1970')
    if (bucket.startMs !== number * everyMs) {
      bucket.startMs = number * everyMs
      bucket.decisions.clear()
      bucket.latency.fill(0)
    }
    return bucket
  }
}

function stretchesOf(
  ring: Ring,
  { everyMs, count }: { readonly everyMs: number; readonly count: number },
  nowMs: number,
): readonly Stretch[] {
  return Array.from({ length: count }, (_, at) => {
    const { startMs, decisions, latency } = ring(nowMs - (count - 1 - at) * everyMs)
    return {
      startMs,
      decisions: Array.from(decisions.values(), (each) => ({ ...each })),
      p50: quantile(latency, 0.5),
      p99: quantile(latency, 0.99),
    }
  })
}

function quantile(counts: Uint32Array, part: number): number | undefined {
  const wanted = counts.reduce((sum, count) => sum + count, 0) * part
  if (wanted === 0) return undefined
  let sum = 0
  return BOUNDS_MS.find((_, at) => (sum += counts[at] ?? 0) >= wanted)
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Counts one of a kind; when there are too many kinds, under `others`. */
function tally<T extends object>(counts: Map<string, Counted<T>>, kind: T, others: T): void {
  const name = JSON.stringify(kind)
  const isKnown = counts.size < MAX_KINDS || counts.has(name)
  const [key, counted] = isKnown ? [name, kind] : [OTHERS, others]
  const found = counts.get(key)
  if (found === undefined) counts.set(key, { ...counted, count: 1 })
  else found.count += 1
}
