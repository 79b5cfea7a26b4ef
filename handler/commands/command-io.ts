/** What a command may touch: its process comes in as a parameter, so that tests run it in-process. */
import type { Clock } from '../../common/clock.ts'

export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Standard input, for commands that read `-`. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** Results. */
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean }
  /** The story: progress, warnings, errors. */
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly clock: Clock
  /** Exit code of the process; commands set it instead of exiting. 0 done, 2 usage or configuration. */
  exitCode: number
}
