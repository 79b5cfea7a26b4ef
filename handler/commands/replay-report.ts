/** How a replay is printed: a table of what would change, and the counts. */
import type { Difference, Replayed, ReplayResult } from '../policy/replay.ts'

const HEADINGS = ['record', 'request', 'was', 'would be']

export function replayText(result: ReplayResult): string {
  const { total, same, otherAction, otherRule, unreadable } = result
  const lines = [
    ...section('another action', otherAction),
    ...section('the same action by another rule', otherRule),
  ]
  if (unreadable.length > 0) lines.push(`not readable: records ${unreadable.join(', ')}`, '')
  lines.push(
    `${total} decisions: ${same} the same, ${otherRule.length} by another rule, ${otherAction.length} with another action`,
  )
  return `${lines.join('\n')}\n`
}

export function replayJson(result: ReplayResult): string {
  return `${JSON.stringify(result)}\n`
}

function section(title: string, differences: readonly Difference[]): string[] {
  if (differences.length === 0) return []
  const rows = differences.map(({ seq, requestId, was, now }) => [
    String(seq),
    requestId,
    words(was),
    words(now),
  ])
  const widths = HEADINGS.map((_, column) =>
    Math.max(...[HEADINGS, ...rows].map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [`${title}:`, line(HEADINGS), ...rows.map(line), '']
}

function words({ action, rule }: Replayed): string {
  return `${action} ${rule}`
}
