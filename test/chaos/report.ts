/**
 * What the harness prints. stderr: progress as it goes, and every violation in full; stdout: at the end one table of
 * figures, what was left out, and the violations by kind.
 */

/** One line of the table. */
export interface Figure {
  readonly part: string
  readonly name: string
  readonly value: string
}

/** Where the parts report to. */
export interface Report {
  /** One line of progress. */
  say(text: string): void
  /** Adds to a figure; figures stand in the order of their first use. */
  count(part: string, name: string, by?: number): void
  /** Sets a figure. */
  figure(part: string, name: string, value: string | number): void
  /** Something was left out. */
  skip(what: string, why: string): void
  /** A promise did not hold; the run goes on and ends with exit code 1. */
  violation(what: string, detail?: unknown): void
  /** Asserts a promise. */
  must(holds: boolean, what: string, detail?: unknown): void
  /** Adds a line to a table of its own that stands in the document only. */
  row(part: string, cells: readonly string[]): void
  rows(part: string): readonly (readonly string[])[]
  figures(): readonly Figure[]
  skipped(): readonly string[]
  /** Prints the table; true when nothing was violated. */
  finish(): boolean
}

/** Violations of one kind that are printed; the rest is counted. */
const SHOWN = 5

const MAX_DETAIL = 2_500

interface Output {
  write(text: string): unknown
}

/** A report that tells its progress to `err` and its result to `out`. */
export function createReport(out: Output, err: Output): Report {
  const began = performance.now()
  const figures = new Map<string, { part: string; name: string; value: string | number }>()
  const skipped: string[] = []
  const tables = new Map<string, (readonly string[])[]>()
  const violations = new Map<string, number>()
  const line = (text: string) =>
    void err.write(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${text}\n`)

  function violation(what: string, detail?: unknown): void {
    const count = (violations.get(what) ?? 0) + 1
    violations.set(what, count)
    if (count > SHOWN) return
    line(`VIOLATION ${what}${detail === undefined ? '' : `: ${describe(detail)}`}`)
  }

  const all = (): Figure[] =>
    Array.from(figures.values(), ({ part, name, value }) => ({ part, name, value: String(value) }))

  return {
    violation,
    say: line,
    count(part, name, by = 1) {
      const key = `${part} ${name}`
      const before = figures.get(key)?.value ?? 0
      figures.set(key, { part, name, value: Number(before) + by })
    },
    figure: (part, name, value) => void figures.set(`${part} ${name}`, { part, name, value }),
    skip(what, why) {
      skipped.push(`${what}: ${why}`)
      line(`left out ${what}: ${why}`)
    },
    must(holds, what, detail) {
      if (!holds) violation(what, detail)
    },
    row: (part, cells) => void tables.set(part, [...(tables.get(part) ?? []), cells]),
    rows: (part) => tables.get(part) ?? [],
    figures: all,
    skipped: () => skipped,
    finish() {
      const table = all()
      const width = (column: 'part' | 'name') =>
        Math.max(0, ...table.map((row) => row[column].length))
      const [parts, names] = [width('part'), width('name')]
      out.write('\n')
      for (const { part, name, value } of table) {
        out.write(`${part.padEnd(parts)}  ${name.padEnd(names)}  ${value}\n`)
      }
      if (skipped.length > 0)
        out.write(`\nleft out\n${skipped.map((what) => `  ${what}\n`).join('')}`)
      if (violations.size === 0) {
        out.write('\nevery promise held\n')
        return true
      }
      out.write('\nviolations\n')
      for (const [what, count] of violations) out.write(`  ${count} × ${what}\n`)
      return false
    },
  }
}

function describe(detail: unknown): string {
  const text =
    detail instanceof Error
      ? (detail.stack ?? detail.message)
      : typeof detail === 'string'
        ? detail
        : JSON.stringify(detail)
  return text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL)}…` : text
}
