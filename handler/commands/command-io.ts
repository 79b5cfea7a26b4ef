/** The process of a command as a parameter, so that tests run it in theirs; and the one way in which commands end. */
import type { Clock } from '../../common/clock.ts'
import { createReporter, guarded } from '../../common/reporter.ts'
import type { Reporter } from '../../common/reporter.ts'

export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Standard input, for commands that read `-`. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** Asks a question on the terminal that must be answered with yes; undefined when there is no terminal. */
  readonly ask?: ((question: string) => Promise<boolean>) | undefined
  /** Results. */
  readonly stdout: OutputStream
  /** The story: progress, warnings, errors. */
  readonly stderr: {
    write(text: string): unknown
    readonly isTTY?: boolean
    readonly columns?: number
  }
  readonly clock: Clock
  /** Exit code of the process (common/exit-codes.ts); commands set it instead of exiting. */
  exitCode: number
}

/** Runs a command, which gives its exit code, or none for 0; whatever it throws is reported and becomes one. */
export async function perform(
  io: CommandIo,
  { json = false }: { readonly json?: boolean },
  command: (reporter: Reporter) => Promise<number | void> | number | void,
): Promise<void> {
  const { env, stdout, stderr, clock } = io
  const reporter = createReporter({
    stdout,
    stderr,
    json,
    colour: env['NO_COLOR'] === undefined,
    monotonicMs: () => clock.monotonicMs(),
    plain: 'ERR_USAGE',
  })
  io.exitCode = await guarded(reporter, () => command(reporter))
}

/** As much of a stream as commands need; all but `write` only when its reader can be slow. */
export interface OutputStream {
  write(text: string): unknown
  on?(event: 'drain' | 'close' | 'error', listener: () => void): unknown
  off?(event: 'drain' | 'close' | 'error', listener: () => void): unknown
  readonly writable?: boolean
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Writes a piece of a long result and waits until the reader has caught up, or is gone. */
export async function writeInPace({ stdout }: CommandIo, text: string): Promise<void> {
  if (stdout.write(text) !== false || stdout.writable !== true) return
  await new Promise<void>((resolve) => {
    const goOn = () => {
      for (const event of AFTER_WAITING) stdout.off?.(event, goOn)
      resolve()
    }
    for (const event of AFTER_WAITING) stdout.on?.(event, goOn)
  })
}

const AFTER_WAITING = ['drain', 'close', 'error'] as const
