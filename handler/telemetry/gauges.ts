/** Gauges of the handler: how things stand, looked up when somebody asks for `/metrics`. */
import type { GenerationInfo } from '../../common/admin-api.ts'
import type { Freeze } from '../../common/admin-api.ts'
import type { PolicySource } from '../policy-files/policy-source.ts'
import { gauged } from './counted.ts'
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
}

/** Adds the gauges to the registry. */
export function watchGauges(prometheus: Prometheus, sources: GaugeSources): void {
  const { now, problems, retries, policies, load } = sources
  const gauge = (name: string, help: string, value: () => number | Promise<number>) =>
    gauged(name, help, [], prometheus, async () => [[{}, await value()]])
  gauge('ready', 'Whether /readyz is green', async () => Number((await problems()).length === 0))
  for (const check of ['store', 'signing']) {
    gauge(`${check}_healthy`, `Whether the ${check} check of /readyz passes`, async () =>
      Number(!(await problems()).some((problem) => problem.startsWith(`${check}:`))),
    )
  }
  gauge('retry_waiting', 'Requests last answered RETRY', () => retries.waiting(now()))
  gauge('retry_tries_most', 'Tries used by one of them; 20 by default', () =>
    retries.mostTries(now()),
  )
  gauge(
    'retry_longest_seconds',
    'Age of the oldest of them',
    () => retries.longestMs(now()) / 1_000,
  )
  gauge('requests_in_flight', 'Requests let in and not answered', () => load.inFlight)
  gauge('signatures_queued', 'Signatures that wait for a slot', () => load.queued)
  gauge('body_bytes', 'Bytes of bodies in memory', () => load.bodyBytes)
  gauge(
    'policy_problems',
    'Problems of the policy file as it is now',
    () => policies.problems().length,
  )
  gauge(
    'policy_loaded_timestamp_seconds',
    'When it was taken over',
    () => policies.current().at.getTime() / 1_000,
  )
  gauged('policy_info', 'The policy in force', ['digest'], prometheus, () => [
    [{ digest: policies.current().policy.digest }, 1],
  ])
  gauged('frozen', 'Whether the handler is frozen', ['action'], prometheus, () =>
    (['RETRY', 'REJECT'] as const).map((action) => [
      { action },
      Number(sources.frozen()?.action === action),
    ]),
  )
  gauge('holds_waiting', 'Requests that wait for people', sources.waiting)
  gauged('hook_breaker_open', 'Hooks that are left alone for a while', ['hook'], prometheus, () =>
    sources.openHooks().map((hook) => [{ hook }, 1]),
  )
  const perGeneration = (name: string, help: string, value: (info: GenerationInfo) => number) =>
    gauged(name, help, ['generation', 'slot', 'state'], prometheus, () =>
      sources
        .generations()
        .filter(({ state }) => state !== 'retired')
        .map((info) => {
          const { generation, slot, state } = info
          return [{ generation: String(generation), slot, state }, value(info)]
        }),
    )
  perGeneration('generation_hits', 'Requests served', ({ hits }) => hits.total)
  perGeneration(
    'certificate_expiry_seconds',
    'Seconds until the certificate expires',
    ({ notAfter }) => (Date.parse(notAfter) - now().getTime()) / 1_000,
  )
}
