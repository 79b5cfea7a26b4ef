/** Gauges of the handler: how things stand, looked up when somebody asks for `/metrics`. */
import type { GenerationInfo } from '../../common/admin-api.ts'
import type { Freeze } from '../../common/admin-api.ts'
import type { PolicySource } from '../policy-files/policy-source.ts'
import { gauged } from './counted.ts'
import type { MetricOf } from './metric-table.ts'
import type { Prometheus } from './prometheus.ts'
import type { RetryBudget } from './retry-budget.ts'

/** Where the gauges look. */
export interface GaugeSources {
  /** Every reason against being ready, as `<check>: <why>`. */
  readonly problems: () => Promise<readonly string[]>
  readonly retries: RetryBudget
  readonly generations: () => readonly GenerationInfo[]
  readonly now: () => Date
  readonly load: { readonly inFlight: number; readonly queued: number; readonly bodyBytes: number }
  readonly policies: PolicySource
  readonly frozen: () => Freeze | undefined
  /** Holds that wait for people. */
  readonly waiting: () => Promise<number>
  readonly openHooks: () => readonly string[]
  /** What waits for each target of events. */
  readonly outboxes: readonly {
    readonly name: string
    readonly waiting: () => number
    readonly oldestMs: () => number
  }[]
  readonly silentMs: () => number
}

/** Adds the gauges to the registry. */
export function watchGauges(prometheus: Prometheus, sources: GaugeSources): void {
  const { now, problems, retries, policies, load } = sources
  const gauge = (name: MetricOf<'gauge'>, value: () => number | Promise<number>) =>
    gauged(name, prometheus, async () => [[{}, await value()]])
  const passes = async (check: string) =>
    Number(!(await problems()).some((problem) => problem.startsWith(`${check}:`)))
  gauge('ready', async () => Number((await problems()).length === 0))
  gauge('store_healthy', () => passes('store'))
  gauge('signing_healthy', () => passes('signing'))
  gauge('retry_waiting', () => retries.waiting(now()))
  gauge('retry_tries_most', () => retries.mostTries(now()))
  gauge('retry_longest_seconds', () => retries.longestMs(now()) / 1_000)
  gauge('requests_in_flight', () => load.inFlight)
  gauge('signatures_queued', () => load.queued)
  gauge('body_bytes', () => load.bodyBytes)
  gauge('policy_problems', () => policies.problems().length)
  gauge('policy_loaded_timestamp_seconds', () => policies.current().at.getTime() / 1_000)
  gauged('policy_info', prometheus, () => [[{ digest: policies.current().policy.digest }, 1]])
  gauged('frozen', prometheus, () =>
    (['RETRY', 'REJECT'] as const).map((action) => [
      { action },
      Number(sources.frozen()?.action === action),
    ]),
  )
  gauge('holds_waiting', sources.waiting)
  gauged('hook_breaker_open', prometheus, () => sources.openHooks().map((hook) => [{ hook }, 1]))
  const { outboxes } = sources
  gauged('events_waiting', prometheus, () =>
    outboxes.map(({ name: target, waiting }) => [{ target }, waiting()]),
  )
  gauged('events_oldest_seconds', prometheus, () =>
    outboxes.map(({ name: target, oldestMs }) => [{ target }, oldestMs() / 1_000]),
  )
  gauge('silence_seconds', () => sources.silentMs() / 1_000)
  const perGeneration = (name: MetricOf<'gauge'>, value: (info: GenerationInfo) => number) =>
    gauged(name, prometheus, () =>
      sources
        .generations()
        .filter(({ state }) => state !== 'retired')
        .map((info) => {
          const { generation, slot, state } = info
          return [{ generation: String(generation), slot, state }, value(info)]
        }),
    )
  perGeneration('generation_hits', ({ hits }) => hits.total)
  perGeneration(
    'certificate_expiry_seconds',
    ({ notAfter }) => (Date.parse(notAfter) - now().getTime()) / 1_000,
  )
}
