/**
 * Prints docs/errors.md from the tables of exit codes and error codes, so that they cannot differ.
 */
import { COMMAND_ERRORS, type Explained, STORE_ERRORS } from './error-codes.ts'
import { EXIT, EXIT_MEANINGS, type ExitName } from './exit-codes.ts'
import { markdownTable as table } from './markdown.ts'
import { ADMIN_ERRORS, ANSWER_ERRORS, CALLBACK_ERRORS } from './refusal-codes.ts'

const INTRODUCTION = `# Exit codes and error codes

Both programs end with the exit codes of the first table. A failure is one line \`error: …\` on stderr, \`hint: …\` with a remedy where there is one, and with \`--json\` one object with \`code\`, \`message\`, \`hint\` and the exit code on stdout. An exception that was not foreseen ends with 70, never with another code.

This page is printed by \`countersign-handler error-docs\`.
`

/** The page as Markdown, with a final line feed. */
export function renderErrorDocs(): string {
  return [
    INTRODUCTION,
    section('Exit codes', table(['code', 'meaning'], Object.entries(EXIT_MEANINGS))),
    section('Commands', codes(COMMAND_ERRORS, 'exit', exitOf)),
    section(
      'Decision store',
      'In the log of the handler, in `/readyz`, and as the end of a command that opens the store.',
      codes(STORE_ERRORS, 'exit', exitOf),
    ),
    section(
      'Refused callbacks',
      'The caller sees a bare status with one constant body; the code is in the log and in `countersign_refusals_total`.',
      codes(CALLBACK_ERRORS, 'status', statusOf),
    ),
    section(
      'Reasons in signed answers',
      'Besides the reasons that the rules of the policy give.',
      codes(ANSWER_ERRORS, 'answer', ({ answer }) => answer),
    ),
    section(
      'Admin socket',
      'An operator command that is refused ends with exit code 1.',
      codes(ADMIN_ERRORS, 'status', statusOf),
    ),
  ].join('\n')
}

function exitOf({ exit }: { readonly exit: ExitName }): string {
  return String(EXIT[exit])
}

function statusOf({ status }: { readonly status: number }): string {
  return String(status)
}

function section(title: string, ...paragraphs: readonly string[]): string {
  return [`## ${title}`, ...paragraphs].join('\n\n')
}

function codes<Row extends Explained>(
  rows: Readonly<Record<string, Row>>,
  column: string,
  cell: (row: Row) => string,
): string {
  return table(
    ['code', column, 'meaning', 'remedy'],
    Object.entries(rows).map(([code, row]) => [`\`${code}\``, cell(row), row.meaning, row.remedy]),
  )
}
