/** Kinds of metrics: counters and histograms that cost little where they count, gauges that are read when asked. */
import { metricOf } from './metric-table.ts'
import type { MetricOf } from './metric-table.ts'
import type { Prometheus } from './prometheus.ts'

/** A counter whose labels are hashed when it is read, not when it is counted; `from` are labels that begin at 0. */
export function counted(
  name: MetricOf<'counter'>,
  { define }: Prometheus,
  from: readonly string[] = [],
): (...labels: string[]) => void {
  const { help, labels: names } = metricOf(name)
  const labelNames = [...names]
  const counts = new Map(from.map((label) => [label, 0]))
  define(({ Counter }, registry) => {
    const counter = new Counter({
      name: `countersign_${name}`,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset()
        for (const [key, count] of counts) {
          const values = key.split('\n')
          const labels = Object.fromEntries(
            labelNames.map((label, at) => [label, values[at] ?? '']),
          )
          this.inc(labels, count)
        }
      },
    })
    registry.registerMetric(counter)
  })
  return (...labels) => {
    const key = labels.join('\n')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
}

/** A histogram of seconds; what is observed before the library is there is handed on to it. */
export function timed(
  name: MetricOf<'histogram'>,
  buckets: number[],
  { define }: Prometheus,
): (seconds: number) => void {
  const { help } = metricOf(name)
  const early: number[] = []
  let observe = (seconds: number): void => {
    early.push(seconds)
  }
  define(({ Histogram }, registry) => {
    const histogram = new Histogram({
      name: `countersign_${name}`,
      help,
      buckets,
      registers: [registry],
    })
    for (const seconds of early) histogram.observe(seconds)
    observe = (seconds) => histogram.observe(seconds)
  })
  return (seconds) => observe(seconds)
}

type Samples = readonly (readonly [Readonly<Record<string, string>>, number])[]

/** A gauge whose samples are taken when somebody asks. */
export function gauged(
  name: MetricOf<'gauge'>,
  { define }: Prometheus,
  samples: () => Samples | Promise<Samples>,
): void {
  const { help, labels: names } = metricOf(name)
  const labelNames = [...names]
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
