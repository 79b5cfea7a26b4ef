/**
 * Output of the bootstrapper: common/reporter.ts with what the API said of a failure, and words for
 * times.
 */
import {
  createReporter as commonReporter,
  type OutputStream,
  type Reporter as CommonReporter,
  type ReporterOptions,
} from '../common/reporter.ts'
import { BootstrapError } from './errors.ts'

export type { OutputStream }

/** The result of a command: facts for machines, lines for people. */
export interface Result {
  readonly facts: Readonly<Record<string, unknown>>
  readonly lines: readonly string[]
}

export interface Reporter extends CommonReporter {
  result(result: Result): void
}

/** With --json every result has `ok: true`, and every failure `api`. */
export function createReporter(options: Omit<ReporterOptions, 'plain' | 'factsOf'>): Reporter {
  const reporter = commonReporter({
    ...options,
    plain: 'ERR_STATE_DAMAGED',
    factsOf: (error) => ({
      api: (error instanceof BootstrapError ? error.api : undefined) ?? null,
    }),
  })
  return {
    ...reporter,
    result: ({ facts, lines }) => reporter.result({ facts: { ok: true, ...facts }, lines }),
  }
}

/** A point in time for people, in UTC to the second. */
export function humanTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** A command line for a shell to read back. */
export function shellCommand(argv: readonly string[]): string {
  return ['countersign-bootstrap', ...argv].map(quote).join(' ')
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
