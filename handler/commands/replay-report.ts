/** Words for a replay: a table of what would change, and the counts. */
import type { Difference, Replayed, ReplayResult } from '../policy/replay.ts'
import { table } from './table.ts'

/** One line each, the counts last. */
export function replayLines(result: ReplayResult): string[] {
  const { total, same, otherAction, otherRule, unreadable } = result
  return [
    ...section('another action', otherAction),
    ...section('the same action by another rule', otherRule),
    ...(unreadable.length > 0 ? [`not readable: records ${unreadable.join(', ')}`, ''] : []),
    `${total} decisions: ${same} the same, ${otherRule.length} by another rule, ${otherAction.length} with another action`,
  ]
}

function section(title: string, differences: readonly Difference[]): string[] {
  if (differences.length === 0) return []
  const rows = differences.map(({ seq, requestId, was, now }) => [
    String(seq),
    requestId,
    words(was),
    words(now),
  ])
  return [`${title}:`, ...table(['record', 'request', 'was', 'would be'], rows), '']
}

function words({ action, rule }: Replayed): string {
  return `${action} ${rule}`
}
