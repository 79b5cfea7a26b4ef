/** What a command may touch: its process comes in as a parameter, so that tests run it in-process. */
import type { Clock } from '../../common/clock.ts'

export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Standard input, for commands that read `-`. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** Results. */
  readonly stdout: OutputStream
  /** The story: progress, warnings, errors. */
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly clock: Clock
  /** Exit code of the process; commands set it instead of exiting. 0 done, 2 usage or configuration. */
  exitCode: number
}

/** As much of a stream as commands need; all but `write` only when its reader can be slow. */
export interface OutputStream {
  write(text: string): unknown
  on?(event: 'drain' | 'close' | 'error', listener: () => void): unknown
  off?(event: 'drain' | 'close' | 'error', listener: () => void): unknown
  readonly writable?: boolean
  readonly isTTY?: boolean
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
