/** Why a callback got no decision: codes for the log, one bare status for the caller. */

export type CallbackErrorCode =
  | 'ERR_BODY_MISSING'
  | 'ERR_BODY_TOO_LARGE'
  | 'ERR_BODY_ENCODING'
  | 'ERR_TOKEN_MALFORMED'
  | 'ERR_TOKEN_ALGORITHM'
  | 'ERR_TOKEN_SIGNATURE'
  | 'ERR_TOKEN_TIME'
  | 'ERR_REQUEST_UNIDENTIFIED'
  | 'ERR_HOST_HEADER'
  | 'ERR_HTTP_VERSION'
  | 'ERR_NOT_FOUND'
  | 'ERR_GENERATION_RETIRED'
  | 'ERR_OVERLOADED'
  | 'ERR_SIGNING_UNAVAILABLE'

/** The status that the caller sees; all token failures look the same from outside. */
export const STATUS: Readonly<Record<CallbackErrorCode, number>> = {
  ERR_BODY_MISSING: 401,
  ERR_BODY_TOO_LARGE: 413,
  ERR_BODY_ENCODING: 415,
  ERR_TOKEN_MALFORMED: 401,
  ERR_TOKEN_ALGORITHM: 401,
  ERR_TOKEN_SIGNATURE: 401,
  ERR_TOKEN_TIME: 401,
  ERR_REQUEST_UNIDENTIFIED: 400,
  ERR_HOST_HEADER: 400,
  ERR_HTTP_VERSION: 400,
  ERR_NOT_FOUND: 404,
  ERR_GENERATION_RETIRED: 410,
  ERR_OVERLOADED: 503,
  ERR_SIGNING_UNAVAILABLE: 503,
}

/** A callback that gets a bare status instead of a signed answer. The message is for the log only. */
export class CallbackError extends Error {
  readonly code: CallbackErrorCode

  constructor(code: CallbackErrorCode, message: string, options?: { cause?: unknown }) {
    // Nobody reads the stack of a refusal, and whoever sends garbage should not make us collect one.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message, options)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'CallbackError'
    this.code = code
  }

  get status(): number {
    return STATUS[this.code]
  }
}
