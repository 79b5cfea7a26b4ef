/** Refusals on the admin socket; the message goes to the operator. */
import { CountersignError } from './errors.ts'
import { ADMIN_ERRORS } from './refusal-codes.ts'
import type { AdminErrorCode } from './refusal-codes.ts'

/** True for a code of the table. */
export function isAdminErrorCode(code: unknown): code is AdminErrorCode {
  return typeof code === 'string' && Object.hasOwn(ADMIN_ERRORS, code)
}

/** A refusal, as the handler throws it and as the client rethrows it. */
export class AdminError extends CountersignError {
  readonly code: AdminErrorCode

  constructor(code: AdminErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
