/** Counters that cost little where they count. */
import prom from 'prom-client'

/** A counter whose labels are hashed when it is read, not when it is counted. */
export function counted(
  name: string,
  help: string,
  labelNames: string[],
  registry: prom.Registry,
): (...labels: string[]) => void {
  const counts = new Map<string, number>()
  const counter = new prom.Counter({
    name: `countersign_${name}`,
    help,
    labelNames,
    registers: [],
    collect() {
      this.reset()
      for (const [key, count] of counts) {
        const values = key.split('\n')
        const labels = Object.fromEntries(labelNames.map((label, at) => [label, values[at] ?? '']))
        this.inc(labels, count)
      }
    },
  })
  registry.registerMetric(counter)
  return (...labels) => {
    const key = labels.join('\n')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
}
