/** Prints docs/metrics.md from the table of metrics, so that the two cannot differ. */
import { markdownTable } from '../../common/markdown.ts'
import { ALARM_KINDS, METRICS } from './metric-table.ts'
import type { Metric } from './metric-table.ts'

const INTRODUCTION = `# Metrics

\`GET /metrics\` on \`HANDLER_OPS_LISTEN\`, in the text format of Prometheus. Counters begin at 0 when the handler starts. [\`deploy/prometheus/alerts.yml\`](../deploy/prometheus/alerts.yml) has rules for what somebody should be called for, [\`deploy/grafana/dashboard.json\`](../deploy/grafana/dashboard.json) shows the rest; [deployment.md](deployment.md#watching) says how to use them.

This page is printed by \`countersign-handler metrics-docs\`.
`

const PROCESS = `Besides these, \`countersign_process_*\` and \`countersign_nodejs_*\` are the usual metrics of the process and of Node.js: memory, CPU time, open files, lag of the event loop, garbage collection.
`

/** The page as Markdown, with a final line feed. */
export function renderMetricsDocs(): string {
  const metrics = Object.entries<Metric>(METRICS).map(([name, { type, labels, help, use }]) => [
    `\`countersign_${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    [help, use]
      .flatMap((part) => part ?? [])
      .join('. ')
      .replace(/\.?$/, '.'),
  ])
  const alarms = Object.entries(ALARM_KINDS).map(([kind, meaning]) => [`\`${kind}\``, meaning])
  return [
    INTRODUCTION,
    markdownTable(['metric', 'type', 'labels', 'what'], metrics),
    PROCESS,
    `## Kinds of alarms\n\n${markdownTable(['kind', 'what'], alarms)}`,
  ].join('\n')
}
