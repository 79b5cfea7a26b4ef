/** Callbacks that get no decision: codes (common/refusal-codes.ts) for the log, one bare status for the caller. */
import { CALLBACK_ERRORS } from '../../common/refusal-codes.ts'
import type { CallbackErrorCode } from '../../common/refusal-codes.ts'

export type { CallbackErrorCode }

/** A callback that gets a bare status instead of a signed answer. The message is for the log only. */
export class CallbackError extends Error {
  readonly code: CallbackErrorCode

  constructor(code: CallbackErrorCode, message: string, options?: { cause?: unknown }) {
    // The stack of a refusal is never read, and garbage should not make us collect one.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message, options)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'CallbackError'
    this.code = code
  }

  get status(): number {
    return CALLBACK_ERRORS[this.code].status
  }
}
