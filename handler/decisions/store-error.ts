/** Failures of the decision store (common/error-codes.ts); whatever the code, nothing may be approved. */
import type { StoreErrorCode } from '../../common/error-codes.ts'
import { CountersignError } from '../../common/errors.ts'
import type { FailureOptions } from '../../common/errors.ts'

export type { StoreErrorCode }

/** A failure of the decision store. The message never holds request content. */
export class StoreError extends CountersignError {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options: FailureOptions = {}) {
    super(message, options)
    this.code = code
  }
}
