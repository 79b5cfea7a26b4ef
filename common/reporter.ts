/**
 * The only file that words output. stdout: the result, once, as text or (with --json) as one JSON
 * object. stderr: the story, one line per event, `warning:`, `error:` and `hint:` for what deserves
 * them. Colours only on a terminal, and no character of any text that a terminal would act on.
 */
import type { CommandErrorCode } from './error-codes.ts'
import { failureOf } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import { fitted, printable, printableJson } from './terminal.ts'

/** As much of a stream as is needed. */
export interface OutputStream {
  readonly isTTY?: boolean
  /** Width of the terminal. */
  readonly columns?: number
  write(text: string): unknown
}

/** The result of a command: facts for machines, lines for people. */
export interface Result {
  readonly facts: unknown
  readonly lines: readonly string[]
}

export interface Reporter {
  story(line: string): void
  warning(line: string): void
  /** One of several problems that the command itself goes on to report. */
  problem(line: string): void
  /** What is being waited for; shown when it changes and every minute, on a terminal in place. */
  progress(line: string): void
  result(result: Result): void
  /**
   * Prints a failure and returns the exit code. `resume`: the command line that goes on with it.
   */
  failure(error: unknown, resume?: string): number
}

export interface ReporterOptions {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly json: boolean
  /** From `NO_COLOR`. */
  readonly colour: boolean
  readonly monotonicMs: () => number
  /** Code of an expected failure that has none of its own. */
  readonly plain: CommandErrorCode
  /** Further facts about a failure, for machines. */
  readonly factsOf?: (error: unknown) => object
}

const REPEAT_MS = 60_000

export function createReporter(options: ReporterOptions): Reporter {
  const { stdout, stderr, json, plain, factsOf } = options
  const terminal = stderr.isTTY === true
  const paint = (code: number, text: string) =>
    terminal && options.colour ? `\u001B[${code}m${text}\u001B[0m` : text
  let inPlace = false
  let last = { line: '', atMs: 0 }
  const say = (line: string, label = '') => {
    if (inPlace) stderr.write('\r\u001B[K')
    inPlace = false
    stderr.write(`${label}${printable(line)}\n`)
  }
  const print = (line: string) => stdout.write(`${line}\n`)
  const problem = (line: string) => say(line, `${paint(31, 'error:')} `)
  return {
    story: (line) => say(line),
    warning: (line) => say(line, `${paint(33, 'warning:')} `),
    problem,
    progress: (line) => {
      if (terminal) {
        // A line that fills the width would be wrapped, and the next one could not take its place.
        stderr.write(`\r\u001B[K${fitted(printable(line), (stderr.columns ?? 80) - 1)}`)
        inPlace = true
        return
      }
      const now = options.monotonicMs()
      if (line === last.line && now - last.atMs < REPEAT_MS) return
      last = { line, atMs: now }
      say(line)
    },
    result: ({ facts, lines }) => {
      if (inPlace) say('')
      if (json) print(printableJson(facts))
      else lines.forEach((line) => print(printable(line)))
    },
    failure: (error, resume) => {
      const { code, exit, message, details, hint } = failureOf(error, plain)
      problem(message)
      details.forEach((line) => say(`  ${line}`))
      if (hint !== undefined) say(hint, `${paint(36, 'hint:')} `)
      const resumes = exit === EXIT.waiting || exit >= EXIT.interrupted
      if (resumes && resume !== undefined) say(resume, `${paint(36, 'resume:')} `)
      if (json) {
        const facts = { code, message, details, hint: hint ?? null, ...factsOf?.(error) }
        print(printableJson({ ok: false, exit, error: facts }))
      }
      return exit
    },
  }
}

/**
 * Runs a command, which gives its exit code (0 when it gives none); whatever it throws is reported,
 * and becomes the exit code that goes with it.
 */
export async function guarded(
  reporter: Reporter,
  command: () => Promise<number | void> | number | void,
  resume?: string,
): Promise<number> {
  try {
    return (await command()) ?? EXIT.done
  } catch (error) {
    return reporter.failure(error, resume)
  }
}
