/**
 * The only file that words output. stdout: the result, once, as text or (with --json) as one JSON object. stderr: the
 * story, one line per event, `warning:`, `error:` and `hint:` for what deserves them. Colours only on a terminal.
 */
import { CountersignError } from '../common/errors.ts'
import { BootstrapError, EXIT_BUG, exitStatusOf, isFileFailure } from './errors.ts'

/** As much of a stream as is needed. */
export interface OutputStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** The result of a command: facts for machines, lines for people. */
export interface Result {
  readonly facts: Readonly<Record<string, unknown>>
  readonly lines: readonly string[]
}

export interface Reporter {
  story(line: string): void
  warning(line: string): void
  /** What is being waited for; shown when it changes and every minute, on a terminal in place. */
  progress(line: string): void
  result(result: Result): void
  /** Prints a failure and returns the exit status. */
  failure(error: unknown, resume: string): number
}

export interface ReporterOptions {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly json: boolean
  /** From `NO_COLOR`. */
  readonly colour: boolean
  readonly monotonicMs: () => number
}

const REPEAT_MS = 60_000

export function createReporter(options: ReporterOptions): Reporter {
  const { stdout, stderr, json } = options
  const terminal = stderr.isTTY === true
  const paint = (code: number, text: string) =>
    terminal && options.colour ? `\u001B[${code}m${text}\u001B[0m` : text
  let inPlace = false
  let last = { line: '', atMs: 0 }
  const say = (line: string) => {
    if (inPlace) stderr.write('\r\u001B[K')
    inPlace = false
    stderr.write(`${line}\n`)
  }
  return {
    story: say,
    warning: (line) => say(`${paint(33, 'warning:')} ${line}`),
    progress: (line) => {
      if (terminal) {
        stderr.write(`\r\u001B[K${line}`)
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
      if (json) stdout.write(`${JSON.stringify({ ok: true, ...facts })}\n`)
      else lines.forEach((line) => stdout.write(`${line}\n`))
    },
    failure: (error, resume) => {
      const exit = exitStatusOf(error)
      const { code, message, details, hint } = wording(error, exit)
      say(`${paint(31, 'error:')} ${message}`)
      details.forEach((line) => say(`  ${line}`))
      if (hint !== undefined) say(`${paint(36, 'hint:')} ${hint}`)
      if (exit === 5 || exit >= 128) say(`${paint(36, 'resume:')} ${resume}`)
      if (json) {
        const api = error instanceof BootstrapError ? error.api : undefined
        const facts = { code, message, details, hint: hint ?? null, api: api ?? null }
        stdout.write(`${JSON.stringify({ ok: false, exit, error: facts })}\n`)
      }
      return exit
    },
  }
}

function wording(error: unknown, exit: number) {
  if (error instanceof BootstrapError) {
    const { code, message, details, hint } = error
    return { code, message, details, hint }
  }
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof CountersignError) {
    return { code: 'ERR_STATE_DAMAGED', message, details: [], hint: error.hint }
  }
  if (isFileFailure(error)) {
    const hint = 'mend the disk or its permissions, then run the same command again'
    return { code: 'ERR_DISK', message, details: [], hint }
  }
  const stack = error instanceof Error && exit === EXIT_BUG ? (error.stack ?? '') : ''
  return {
    code: 'ERR_BUG',
    message: `this is a bug: ${message}`,
    details: stack.split('\n').slice(1),
    hint: 'report it with the lines above; the state is safe, running again is too',
  }
}

/** A duration for people: `45 s`, `12 min`, `3 h`, `2 d`. */
export function humanMs(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
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
