/** Table of what missing values mean, as docs/policy.md has it: printed from the table in code, so that the two cannot differ. */
import { ABSENCE } from './readings/absence.ts'

/** The table as Markdown, with a final line feed. */
export function renderAbsence(): string {
  const rows = ABSENCE.map(
    ({ fields, noValue }) => `| ${fields.map((field) => `\`${field}\``).join(', ')} | ${noValue} |`,
  )
  return [
    '| condition on | a missing value is _no value_ |',
    '| --- | --- |',
    ...rows,
    '| everything else | never: it is _unknown_ |',
    '',
  ].join('\n')
}
