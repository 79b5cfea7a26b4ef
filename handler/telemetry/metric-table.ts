/**
 * Metrics of the handler in one table: name without `countersign_`, type, labels, and the sentence that `/metrics` and
 * docs/metrics.md have of it. A metric that is not here cannot be registered.
 */
import type { AlarmEvent } from '../callback/ports.ts'

/** What a metric is called, counted as and explained by. */
export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** One sentence without a full stop, as `# HELP` has it. */
  readonly help: string
  /** What to make of it, for the page. */
  readonly use?: string
}

const GENERATION = ['generation', 'slot', 'state'] as const

/** In the order of the page, which is printed from it. */
export const METRICS = {
  ready: gauge('Whether /readyz is green', 'Alert on 0.'),
  store_healthy: gauge(
    'Whether the store check of /readyz passes',
    '0 when the disk is full, hangs or fails, when the store is behind its mark, and after a jump of the clock: every answer is RETRY then.',
  ),
  signing_healthy: gauge('Whether the signing check of /readyz passes'),
  decisions_total: counter(['action', 'rule'], 'Decisions answered', 'Repeated answers included.'),
  rule_decided_timestamp_seconds: {
    type: 'gauge',
    labels: ['rule'],
    help: 'When each rule last decided, since the start',
    use: 'For a canary: alert when its rule has not decided for a day.',
  },
  repeats_total: counter(['action'], 'Decisions answered again'),
  refusals_total: counter(
    ['code'],
    'Deliveries answered bare',
    'Codes: [errors.md](errors.md#refused-callbacks). Probes of the bootstrapper do not count.',
  ),
  answers_total: counter(['status'], 'Answers by status'),
  decision_seconds: {
    type: 'histogram',
    labels: [],
    help: 'From the arrival of a request to its decision leaving',
    use: 'The co-signer gives up after 30 s.',
  },
  alarms_total: counter(
    ['kind'],
    'Things to look at',
    'Each kind begins at 0. The log line `alarm` has the request.',
  ),
  consistency_total: counter(
    ['check', 'answer'],
    'Consistency checks that failed, once per request',
    'See [Requests that contradict themselves](policy.md#requests-that-contradict-themselves).',
  ),
  retry_waiting: gauge('Requests last answered RETRY'),
  retry_tries_most: gauge(
    'Tries used by one of them; 20 by default',
    'After the last one the transaction fails.',
  ),
  retry_longest_seconds: gauge('Age of the oldest of them'),
  holds_waiting: gauge('Requests that wait for people'),
  frozen: {
    type: 'gauge',
    labels: ['action'],
    help: 'Whether the handler is frozen',
  },
  requests_in_flight: gauge('Requests let in and not answered'),
  signatures_queued: gauge('Signatures that wait for a slot'),
  body_bytes: gauge('Bytes of bodies in memory'),
  connections_dropped_total: counter(['reason'], 'Connections closed to make room'),
  policy_info: { type: 'gauge', labels: ['digest'], help: 'The policy in force' },
  policy_loaded_timestamp_seconds: gauge('When it was taken over'),
  policy_problems: gauge(
    'Problems of the policy file as it is now',
    'While above 0 the policy before decides.',
  ),
  policy_reload_failures_total: counter([], 'Policy files refused'),
  shadow_decisions_total: counter(
    ['live_action', 'live_rule', 'shadow_action', 'shadow_rule'],
    'What the shadow policy said, and the live one',
  ),
  hook_calls_total: counter(['hook', 'outcome'], 'Calls of hooks'),
  hook_breaker_open: {
    type: 'gauge',
    labels: ['hook'],
    help: 'Hooks that are left alone for a while',
  },
  events_total: counter(
    ['target', 'outcome'],
    'Deliveries of outgoing events',
    '`delivered`; `failed` (tried again), `given-up`, `dropped` (too many waited).',
  ),
  events_waiting: {
    type: 'gauge',
    labels: ['target'],
    help: 'Events that wait for their delivery',
  },
  events_oldest_seconds: {
    type: 'gauge',
    labels: ['target'],
    help: 'How long the oldest of them has waited, since the start at most',
  },
  generation_hits: { type: 'gauge', labels: GENERATION, help: 'Requests served' },
  silence_seconds: gauge(
    'Seconds since the last genuine callback, or since the start',
    'Alert on what is unusual for you, or set `HANDLER_SILENCE_ALARM`.',
  ),
  certificate_expiry_seconds: {
    type: 'gauge',
    labels: GENERATION,
    help: 'Seconds until the certificate expires',
    use: 'Below 0 it has expired.',
  },
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof METRICS

/** Names of the metrics of one type. */
export type MetricOf<T extends Metric['type']> = {
  [N in MetricName]: (typeof METRICS)[N] extends { readonly type: T } ? N : never
}[MetricName]

/** Alarms of callbacks, and that there are none. */
export type AlarmKind = AlarmEvent['kind'] | 'silence'

/** Every kind of alarm; each is counted from 0, because a series that begins at 1 shows no increase. */
export const ALARM_KINDS: { readonly [K in AlarmKind]: string } = {
  'store-unavailable': 'The decision store could not be asked or written: answered RETRY.',
  'policy-error': 'The policy or a function of the team failed: answered RETRY.',
  'internal-error': 'Something failed that was not foreseen: answered RETRY.',
  deadline: 'No decision was ready in time: answered RETRY.',
  conflict: 'An id was asked again with other content: refused for good.',
  silence: 'No callback came for as long as `HANDLER_SILENCE_ALARM` says.',
  'late-failure': 'Work that went on after its RETRY had left has failed.',
  'retry-budget': 'A request has been answered RETRY 18 times of 20.',
  unreadable: 'The co-signer signed content of a form that is not read: answered RETRY.',
  contradiction: 'Members of a request disagree: answered as the policy says.',
  uncertain: 'A rule depends on a value that is unknown: answered RETRY.',
  'stage-difference': 'The two stages of a transaction differ.',
}

/** The table's entry of a name. */
export function metricOf(name: MetricName): Metric {
  return METRICS[name]
}

function gauge(help: string, use?: string) {
  return { type: 'gauge', labels: [], help, ...(use === undefined ? {} : { use }) } as const
}

function counter(labels: readonly string[], help: string, use?: string) {
  return { type: 'counter', labels, help, ...(use === undefined ? {} : { use }) } as const
}
