/** Metrics of what changes while the handler runs: policy, shadow, hooks, holds and the freeze. */
import type { Freeze } from '../decisions/operations.ts'
import type { ShadowNote } from '../decisions/store.ts'
import type { HookOutcome } from '../hooks/http.ts'
import type { PolicySource } from '../policy-files/policy-source.ts'
import { counted } from './counted.ts'
import type { Prometheus } from './prometheus.ts'

/** What is looked up when somebody asks. */
export interface LiveGauges {
  readonly policies: PolicySource
  readonly frozen: () => Freeze | undefined
  /** Holds that wait for people. */
  readonly waiting: () => Promise<number>
  readonly openHooks: () => readonly string[]
}

export interface LiveMetrics {
  readonly hookCalled: (hook: string, outcome: HookOutcome) => void
  readonly shadowed: (note: ShadowNote) => void
  readonly policyRefused: () => void
}

/** Adds them to `/metrics`. */
export function createLiveMetrics(prometheus: Prometheus, gauges: LiveGauges): LiveMetrics {
  const calls = counted('hook_calls_total', 'Calls of hooks', ['hook', 'outcome'], prometheus)
  const shadows = counted(
    'shadow_decisions_total',
    'What the shadow policy said beside the live one',
    ['live_action', 'live_rule', 'shadow_action', 'shadow_rule'],
    prometheus,
  )
  const refused = counted('policy_reload_failures_total', 'Policy files refused', [], prometheus)
  labelled('policy_info', 'The policy in force', ['digest'], prometheus, () => [
    [{ digest: gauges.policies.current().policy.digest }, 1],
  ])
  labelled('policy_loaded_timestamp_seconds', 'When it was taken over', [], prometheus, () => [
    [{}, gauges.policies.current().at.getTime() / 1_000],
  ])
  labelled('policy_problems', 'Problems of the policy file as it is now', [], prometheus, () => [
    [{}, gauges.policies.problems().length],
  ])
  labelled('frozen', 'Whether the handler is frozen', ['action'], prometheus, () =>
    (['RETRY', 'REJECT'] as const).map((action) => [
      { action },
      Number(gauges.frozen()?.action === action),
    ]),
  )
  labelled('holds_waiting', 'Requests that wait for people', [], prometheus, async () => [
    [{}, await gauges.waiting()],
  ])
  labelled('hook_breaker_open', 'Hooks that are left alone for a while', ['hook'], prometheus, () =>
    gauges.openHooks().map((hook) => [{ hook }, 1]),
  )
  return {
    hookCalled: (hook, outcome) => calls(hook, outcome),
    shadowed: ({ action, rule, liveAction, liveRule }) =>
      shadows(liveAction, liveRule, action, rule),
    policyRefused: () => refused(),
  }
}

type Samples = readonly (readonly [Readonly<Record<string, string>>, number])[]

function labelled(
  name: string,
  help: string,
  labelNames: string[],
  { define }: Prometheus,
  samples: () => Samples | Promise<Samples>,
): void {
  define(({ Gauge }, registry) => {
    const gauge = new Gauge({
      name: `countersign_${name}`,
      help,
      labelNames,
      registers: [],
      async collect() {
        this.reset()
        for (const [labels, value] of await samples()) this.set(labels, value)
      },
    })
    registry.registerMetric(gauge)
  })
}
