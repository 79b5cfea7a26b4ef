/** Refusals on the admin socket; the message goes to the operator. */
import type { AdminErrorCode } from './admin-api.ts'
import { CountersignError } from './errors.ts'

/** HTTP status of each code. */
export const ADMIN_STATUS: Readonly<Record<AdminErrorCode, number>> = {
  ERR_NOT_FOUND: 404,
  ERR_BAD_REQUEST: 400,
  ERR_GENERATION_RETIRED: 410,
  ERR_GENERATION_NUMBER: 409,
  ERR_SLOT_BUSY: 409,
  ERR_HOLD_UNKNOWN: 404,
  ERR_HOLD_CLOSED: 409,
  ERR_HOLD_SAME_PERSON: 409,
  ERR_NOTHING_TO_RELEASE: 409,
  ERR_STORE: 503,
  ERR_INTERNAL: 500,
}

/** True for a code of the table. */
export function isAdminErrorCode(code: unknown): code is AdminErrorCode {
  return typeof code === 'string' && Object.hasOwn(ADMIN_STATUS, code)
}

/** A refusal, as the handler throws it and as the client rethrows it. */
export class AdminError extends CountersignError {
  readonly code: AdminErrorCode

  constructor(code: AdminErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
