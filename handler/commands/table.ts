/** Rows in columns, for people; every cell is one line of printable text. */
import { printable } from '../../common/terminal.ts'

/** The headings and the rows, one line each, every column as wide as its widest cell. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const lines = [headings, ...rows].map((row) => row.map(printable))
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((row) => row[column]?.length ?? 0)),
  )
  return lines.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
