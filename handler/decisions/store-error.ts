/** Why the decision store could not do what was asked; whatever the code, nothing may be approved. */
import { CountersignError } from '../../common/errors.ts'

/**
 * `ERR_STORE_BEHIND`: older than its high-water mark, or another store; needs the operator. `ERR_STORE_FULL`: no space,
 * works again by itself. `ERR_STORE_CLOCK`: the wall clock jumped. `ERR_STORE_DAMAGED`: contents that cannot be
 * ours. `ERR_STORE_FAILED`: the disk failed, the process must end. `ERR_STORE_UNAVAILABLE`: anything else, closed included.
 */
export type StoreErrorCode =
  | 'ERR_STORE_BEHIND'
  | 'ERR_STORE_FULL'
  | 'ERR_STORE_CLOCK'
  | 'ERR_STORE_DAMAGED'
  | 'ERR_STORE_FAILED'
  | 'ERR_STORE_VERSION'
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_HOLD_UNKNOWN'
  | 'ERR_HOLD_CLOSED'
  | 'ERR_HOLD_SAME_PERSON'
  | 'ERR_NOTHING_TO_RELEASE'

export interface StoreErrorOptions {
  readonly hint?: string
  readonly cause?: unknown
}

/** A failure of the decision store. The message never holds request content. */
export class StoreError extends CountersignError {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, options)
    this.code = code
  }
}
