/** What the process gives to every stage of the start. */
import type { After, Clock, Sleep } from '../../common/clock.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Config } from '../config/config.ts'
import type { Closers } from './closers.ts'

export interface Process {
  readonly clock: Clock
  readonly sleep: Sleep
  readonly after: After
  readonly logger: Logger
  readonly config: Config
  /** Takes down, in the opposite order, what a stage has opened. */
  readonly closers: Closers
  /** Something failed that should not, and the handler goes on. */
  readonly failed: (error: unknown) => void
}
