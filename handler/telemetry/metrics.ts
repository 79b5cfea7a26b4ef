/** Counters of the handler: plain counting on the way of an answer, turned into Prometheus text when somebody asks. */
import { CallbackError } from '../protocol/errors.ts'
import type { DecidedEvent, InconsistentEvent, RefusedEvent } from '../callback/ports.ts'
import type { ShadowNote } from '../decisions/store.ts'
import type { EventOutcome } from '../events/outbox.ts'
import type { HookOutcome } from '../hooks/http.ts'
import { counted, gauged, timed } from './counted.ts'
import { ALARM_KINDS } from './metric-table.ts'
import type { AlarmKind } from './metric-table.ts'
import { createPrometheus } from './prometheus.ts'
import type { Prometheus } from './prometheus.ts'

/** Seconds; the co-signer gives up after 30. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 30]

/** Prometheus' text format; what the library renders without being told otherwise. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export interface Metrics {
  readonly decided: (event: DecidedEvent) => void
  readonly refused: (event: RefusedEvent) => void
  readonly alarm: (event: { readonly kind: AlarmKind }) => void
  readonly inconsistent: (event: InconsistentEvent) => void
  /** A connection was closed to make room. */
  readonly dropped: (reason: string) => void
  /** An answer left, `durationMs` after its request arrived. */
  readonly answered: (status: number, durationMs: number) => void
  readonly hookCalled: (hook: string, outcome: HookOutcome) => void
  readonly shadowed: (note: ShadowNote) => void
  readonly policyRefused: () => void
  /** An attempt to deliver an event has ended. */
  readonly eventSent: (target: string, outcome: EventOutcome) => void
  /** The text of `/metrics`. */
  readonly render: () => Promise<string>
  readonly contentType: string
  /** For gauges, and for loading the library in good time. */
  readonly prometheus: Prometheus
}

/** Counters that start at zero; `now` dates what rules decide. */
export function createMetrics(now: () => Date): Metrics {
  const prometheus = createPrometheus()
  const decisions = counted('decisions_total', prometheus)
  const refusals = counted('refusals_total', prometheus)
  const alarms = counted('alarms_total', prometheus, Object.keys(ALARM_KINDS))
  const checks = counted('consistency_total', prometheus)
  const answers = counted('answers_total', prometheus)
  const repeats = counted('repeats_total', prometheus)
  const dropped = counted('connections_dropped_total', prometheus)
  const calls = counted('hook_calls_total', prometheus)
  const shadows = counted('shadow_decisions_total', prometheus)
  const policiesRefused = counted('policy_reload_failures_total', prometheus)
  const duration = timed('decision_seconds', BUCKETS, prometheus)
  const decidedAtMs = new Map<string, number>()
  gauged('rule_decided_timestamp_seconds', prometheus, () =>
    Array.from(decidedAtMs, ([rule, ms]) => [{ rule }, ms / 1_000] as const),
  )
  return {
    decided({ action, rule, repeated }) {
      decisions(action, rule)
      decidedAtMs.set(rule, now().getTime())
      if (repeated) repeats(action)
    },
    refused: (event) => {
      const { error } = event
      if (!isProbe(event)) refusals(error instanceof CallbackError ? error.code : 'ERR_INTERNAL')
    },
    alarm: ({ kind }) => alarms(kind),
    inconsistent: (event) => {
      for (const { check, answer } of event.checks) checks(check, answer)
    },
    dropped,
    answered(status, durationMs) {
      answers(String(status))
      if (status === 200) duration(durationMs / 1_000)
    },
    hookCalled: calls,
    shadowed: ({ action, rule, liveAction, liveRule }) =>
      shadows(liveAction, liveRule, action, rule),
    policyRefused: policiesRefused,
    eventSent: counted('events_total', prometheus),
    render: async () => (await prometheus.load()).metrics(),
    contentType: CONTENT_TYPE,
    prometheus,
  }
}

/** Whether it is what the bootstrapper sends to see who answers: nothing to be counted. */
export function isProbe({ error }: Pick<RefusedEvent, 'error'>): boolean {
  return error instanceof CallbackError && error.code === 'ERR_PROBE'
}
