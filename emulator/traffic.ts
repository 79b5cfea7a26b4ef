/**
 * A steady, bounded stream of callbacks, open loop: a slow handler does not slow the senders, as in
 * real life.
 */
import { choosePairing, grant, type Wish, type WishResult } from './callbacks.ts'
import type { CosignerDeps } from './cosigner.ts'

/** What is sent, and how fast. */
export interface TrafficPlan {
  readonly ratePerSecond: number
  readonly count: number
  /** Callbacks that may wait for an answer at once; further ones are skipped and counted. */
  readonly maxInFlight: number
  /** Taken in turn. */
  readonly wishes: readonly Wish[]
}

/** The stream's figures so far. */
export interface TrafficCounts {
  readonly running: boolean
  readonly ratePerSecond: number
  readonly sent: number
  readonly inFlight: number
  readonly skipped: number
  readonly answered: { readonly total: number; readonly byAction: Readonly<Record<string, number>> }
  readonly failed: { readonly total: number; readonly byKind: Readonly<Record<string, number>> }
  readonly byUrl: Readonly<Record<string, { readonly answered: number; readonly failed: number }>>
  /** Of answered callbacks, in milliseconds; null before the first answer. */
  readonly latencyMs: Readonly<Record<'p50' | 'p99' | 'p999' | 'max', number>> | null
  /** The first failures, in full. */
  readonly failures: readonly WishResult[]
}

/** One stream. */
export interface Traffic {
  counts(): TrafficCounts
  /** Sends no more and waits for the answers that are due. */
  stop(): Promise<TrafficCounts>
  /** Resolves when the last answer is in. */
  readonly done: Promise<void>
}

const KEPT_FAILURES = 20

/** Starts a stream; it ends by itself after `count` callbacks. */
export function startTraffic(plan: TrafficPlan, deps: CosignerDeps): Traffic {
  const tally = createTally()
  const stopping = new AbortController()
  const inFlight = new Set<Promise<void>>()
  let running = true

  function sendOne(at: number): void {
    const wish = plan.wishes[at % plan.wishes.length]
    const pairing = wish === undefined ? undefined : choosePairing(wish, deps)
    if (wish === undefined || pairing === undefined || inFlight.size >= plan.maxInFlight) {
      tally.skipped += 1
      return
    }
    tally.sent += 1
    const answered = grant(wish, pairing, deps)
      .then((result) => enter(tally, result))
      .finally(() => inFlight.delete(answered))
    inFlight.add(answered)
  }

  async function run(): Promise<void> {
    const startedAt = deps.clock.monotonicMs()
    for (let at = 0; at < plan.count && !stopping.signal.aborted; at += 1) {
      const wait = startedAt + (at * 1000) / plan.ratePerSecond - deps.clock.monotonicMs()
      if (wait > 0) await deps.sleep(wait, stopping.signal)
      if (!stopping.signal.aborted) sendOne(at)
    }
    await Promise.all(inFlight)
    running = false
  }

  const counts = (): TrafficCounts => ({
    running,
    ratePerSecond: plan.ratePerSecond,
    sent: tally.sent,
    inFlight: inFlight.size,
    skipped: tally.skipped,
    answered: { total: tally.latencies.length, byAction: Object.fromEntries(tally.actions) },
    failed: { total: tally.failed, byKind: Object.fromEntries(tally.kinds) },
    byUrl: Object.fromEntries(tally.urls),
    latencyMs: percentiles(tally.latencies),
    failures: tally.failures,
  })
  const done = run()
  return {
    counts,
    done,
    async stop() {
      stopping.abort()
      await done
      return counts()
    },
  }
}

function createTally() {
  return {
    sent: 0,
    skipped: 0,
    failed: 0,
    actions: new Map<string, number>(),
    kinds: new Map<string, number>(),
    urls: new Map<string, { answered: number; failed: number }>(),
    latencies: new Array<number>(),
    failures: new Array<WishResult>(),
  }
}

function enter(tally: ReturnType<typeof createTally>, result: WishResult): void {
  const url = baseOf(result.url)
  const ofUrl = tally.urls.get(url) ?? { answered: 0, failed: 0 }
  tally.urls.set(url, ofUrl)
  // What the approval stage got counts too: a stream in which it fails is not a clean one.
  const error = 'error' in result ? result : result.approvalStage
  if (error !== undefined && 'error' in error) {
    ofUrl.failed += 1
    tally.failed += 1
    tally.kinds.set(error.error.kind, (tally.kinds.get(error.error.kind) ?? 0) + 1)
    if (tally.failures.length < KEPT_FAILURES) tally.failures.push(result)
    return
  }
  if ('error' in result) return
  ofUrl.answered += 1
  tally.latencies.push(result.durationMs)
  const action = 'handler' in result ? 'APPROVE without a handler' : result.action
  tally.actions.set(action, (tally.actions.get(action) ?? 0) + 1)
}

/** The handler's base URL, which names the generation; the co-signer appended the rest. */
function baseOf(url: string | null): string {
  return url === null ? 'no handler' : url.replace(/(\/v2)?\/[a-z_]+$/, '')
}

function percentiles(values: readonly number[]): TrafficCounts['latencyMs'] {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
}
