/** Tables of docs/policy.md, printed from the tables in code, so that the two cannot differ. */
import { membersBehind, WITHOUT_CONDITION } from './fields.ts'
import { ABSENCE } from './readings/absence.ts'

/** What missing values mean, as Markdown, with a final line feed. */
export function renderAbsence(): string {
  const rows = ABSENCE.map(({ fields, noValue }) => [words(fields), noValue])
  return table(
    ['condition on', 'a missing value is _no value_'],
    [...rows, ['everything else', 'never: it is _unknown_']],
  )
}

/** Which members of a request each condition looks at, as Markdown, with a final line feed. */
export function renderMembers(): string {
  const behind = Array.from(membersBehind(), ([condition, members]) => [
    words([condition]),
    words(members),
  ])
  const without = Object.entries(WITHOUT_CONDITION).map(([member, why]) => [
    `none: ${why}`,
    words([member]),
  ])
  return table(['condition on', 'members of the request'], [...behind, ...without])
}

function words(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${lines.join('\n')}\n`
}
