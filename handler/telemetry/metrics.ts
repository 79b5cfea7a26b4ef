/** What is counted: plain counters on the way of an answer, turned into Prometheus text only when somebody asks. */
import type { GenerationInfo } from '../../common/admin-api.ts'
import { CallbackError } from '../protocol/errors.ts'
import type { AlarmEvent, DecidedEvent, RefusedEvent } from '../callback/ports.ts'
import type { RetryBudget } from './retry-budget.ts'
import { counted, timed } from './counted.ts'
import { createPrometheus } from './prometheus.ts'
import type { Prometheus } from './prometheus.ts'

/** Seconds; the co-signer gives up after 30. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 30]

/** Prometheus' text format; what the library renders without being told otherwise. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** What is looked up when somebody asks. */
export interface Gauges {
  /** Every reason against being ready, as `<check>: <why>`. */
  readonly problems: () => Promise<readonly string[]>
  readonly retries: RetryBudget
  readonly generations: () => readonly GenerationInfo[]
  readonly now: () => Date
  readonly inFlight: () => number
  readonly queuedSignatures: () => number
  readonly bodyBytes: () => number
}

export interface Metrics {
  readonly decided: (event: DecidedEvent) => void
  readonly refused: (event: RefusedEvent) => void
  readonly alarm: (event: AlarmEvent) => void
  /** A connection was closed to make room. */
  readonly dropped: (reason: string) => void
  /** An answer left, `durationMs` after its request arrived. */
  readonly answered: (status: number, durationMs: number) => void
  /** The text of `/metrics`. */
  readonly render: () => Promise<string>
  readonly contentType: string
  /** For metrics that other parts add, and for loading the library in good time. */
  readonly prometheus: Prometheus
}

/** Counters that start at zero. */
export function createMetrics(gauges: Gauges): Metrics {
  const prometheus = createPrometheus()
  const decisions = counted('decisions_total', 'Decisions answered', ['action', 'rule'], prometheus)
  const refusals = counted('refusals_total', 'Deliveries answered bare', ['code'], prometheus)
  const alarms = counted('alarms_total', 'Things to look at', ['kind'], prometheus)
  const answers = counted('answers_total', 'Answers by status', ['status'], prometheus)
  const repeats = counted('repeats_total', 'Decisions answered again', ['action'], prometheus)
  const dropped = counted(
    'connections_dropped_total',
    'Connections closed to make room',
    ['reason'],
    prometheus,
  )
  const duration = timed(
    'decision_seconds',
    'From the arrival of a request to its decision leaving',
    BUCKETS,
    prometheus,
  )
  const gauge = (name: string, help: string, value: () => number | Promise<number>) => {
    prometheus.define(({ Gauge }, registry) => {
      registry.registerMetric(
        new Gauge({
          name: `countersign_${name}`,
          help,
          registers: [],
          async collect() {
            this.set(await value())
          },
        }),
      )
    })
  }
  const { now, problems, retries } = gauges
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
  gauge('requests_in_flight', 'Requests let in and not answered', gauges.inFlight)
  gauge('signatures_queued', 'Signatures that wait for a slot', gauges.queuedSignatures)
  gauge('body_bytes', 'Bytes of bodies in memory', gauges.bodyBytes)
  perGeneration('generation_hits', 'Requests served', prometheus, gauges, ({ hits }) => hits.total)
  perGeneration(
    'certificate_expiry_seconds',
    'Seconds until the certificate expires',
    prometheus,
    gauges,
    ({ notAfter }) => (Date.parse(notAfter) - gauges.now().getTime()) / 1_000,
  )
  return {
    decided({ action, rule, repeated }) {
      decisions(action, rule)
      if (repeated) repeats(action)
    },
    refused: ({ error }) => refusals(error instanceof CallbackError ? error.code : 'ERR_INTERNAL'),
    alarm: ({ kind }) => alarms(kind),
    dropped,
    answered(status, durationMs) {
      answers(String(status))
      if (status === 200) duration(durationMs / 1_000)
    },
    render: async () => (await prometheus.load()).metrics(),
    contentType: CONTENT_TYPE,
    prometheus,
  }
}

function perGeneration(
  name: string,
  help: string,
  { define }: Prometheus,
  gauges: Gauges,
  value: (info: GenerationInfo) => number,
): void {
  define(({ Gauge }, registry) => {
    const gauge = new Gauge({
      name: `countersign_${name}`,
      help,
      labelNames: ['generation', 'slot', 'state'],
      registers: [],
      collect() {
        this.reset()
        for (const info of gauges.generations()) {
          const { generation, slot, state } = info
          if (state !== 'retired') this.set({ generation, slot, state }, value(info))
        }
      },
    })
    registry.registerMetric(gauge)
  })
}
