/** What a run of the harness prints: progress as it goes, then figures, what was skipped and why, and every violation. */

/** Where scenarios report to. */
export interface Report {
  /** One line of progress. */
  say(text: string): void
  /** Adds to a figure that is printed at the end; figures appear in the order of their first use. */
  count(figure: string, by?: number): void
  /** Something was not tested. */
  skip(what: string, why: string): void
  /** A promise did not hold; the run goes on and ends with exit code 1. */
  violation(what: string, detail?: unknown): void
  /** Asserts a promise. */
  must(holds: boolean, what: string, detail?: unknown): void
  /** Prints the figures; true when nothing was violated. */
  finish(): boolean
}

/** Violations of one kind that are printed; the rest is counted. */
const SHOWN = 5

export function createReport(out: { write(text: string): unknown }): Report {
  const began = performance.now()
  const figures = new Map<string, number>()
  const skipped: string[] = []
  const violations = new Map<string, number>()
  const seconds = () => `${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s`

  function violation(what: string, detail?: unknown): void {
    const count = (violations.get(what) ?? 0) + 1
    violations.set(what, count)
    if (count > SHOWN) return
    const text = detail === undefined ? '' : `: ${describe(detail)}`
    out.write(`${seconds()}  VIOLATION ${what}${text}\n`)
  }

  return {
    violation,
    say: (text) => void out.write(`${seconds()}  ${text}\n`),
    count: (figure, by = 1) => void figures.set(figure, (figures.get(figure) ?? 0) + by),
    skip(what, why) {
      skipped.push(`${what}: ${why}`)
      out.write(`${seconds()}  skipped ${what}: ${why}\n`)
    },
    must(holds, what, detail) {
      if (!holds) violation(what, detail)
    },
    finish() {
      out.write('\nfigures\n')
      for (const [figure, value] of figures) out.write(`${String(value).padStart(9)}  ${figure}\n`)
      if (skipped.length > 0)
        out.write(`\nskipped\n${skipped.map((line) => `  ${line}\n`).join('')}`)
      if (violations.size === 0) {
        out.write('\nevery promise held\n')
        return true
      }
      out.write('\nviolations\n')
      for (const [what, count] of violations) out.write(`${String(count).padStart(9)}  ${what}\n`)
      return false
    },
  }
}

function describe(detail: unknown): string {
  const text = detail instanceof Error ? (detail.stack ?? detail.message) : JSON.stringify(detail)
  return text.length > 1_500 ? `${text.slice(0, 1_500)}…` : text
}
