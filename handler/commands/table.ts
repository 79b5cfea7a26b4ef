/** Lays rows out in columns for people; every cell is one line of printable text. */

/** The rows under their headings, each column as wide as its widest cell; with a final line feed. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows].map((row) => row.map(plain))
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((row) => row[column]?.length ?? 0)),
  )
  return lines
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

/** Nothing that a terminal would act on. */
function plain(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}

/** The two largest units, `2d 3h`, `24h`, `42m`, `30s`; `over` when nothing is left. */
export function timeLeft(ms: number): string {
  if (ms <= 0) return 'over'
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 48
    ? units(hours, 'h', minutes % 60, 'm')
    : units(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function units(large: number, unit: string, rest: number, smaller: string): string {
  return rest === 0 ? `${large}${unit}` : `${large}${unit} ${rest}${smaller}`
}
