/** Every way the bootstrapper can stop: a code, the exit status that goes with it, and what the API said. */
import { CountersignError, errnoOf } from '../common/errors.ts'

/** Exit statuses by code; the numbers are part of the command line's contract. */
export const EXIT_STATUS = {
  ERR_USAGE: 2,
  ERR_CONFIG: 2,
  ERR_STATE_VERSION: 2,
  ERR_API_REFUSED: 3,
  ERR_API_UNAVAILABLE: 4,
  ERR_NETWORK: 4,
  ERR_HANDLER_UNAVAILABLE: 4,
  ERR_APPROVAL_PENDING: 5,
  ERR_APPROVAL_REJECTED: 6,
  ERR_APPROVAL_CANCELLED: 6,
  ERR_DRIFT: 7,
  ERR_AMBIGUOUS: 8,
  ERR_LOCKED: 9,
  ERR_STATE_DAMAGED: 10,
  ERR_DISK: 10,
  ERR_SIGINT: 130,
  ERR_SIGTERM: 143,
} as const

/** Exit status of a failure nobody foresaw. */
export const EXIT_BUG = 70

export type BootstrapErrorCode = keyof typeof EXIT_STATUS

/**
 * What became of one API call that did not succeed. `refused`: a 4xx answer, nothing was done. `server-error`: a 5xx
 * answer, it may have been done. `no-answer`: sent, and no answer came. `not-sent`: the connection was never made.
 * `bad-answer`: a success that cannot be read.
 */
export interface ApiFailure {
  readonly kind: 'refused' | 'server-error' | 'no-answer' | 'not-sent' | 'bad-answer'
  readonly status?: number
  /** The vendor's own code, such as -7 or 9003. */
  readonly vendorCode?: number
  /** `error.type` of the nested error shape, such as AUTHORIZATION. */
  readonly vendorType?: string
  /** The vendor's `X-Request-ID`; support asks for it. */
  readonly requestId?: string
  /** An earlier try of the same call was sent and got no answer, so that it may have been carried out. */
  readonly inDoubt?: boolean
}

/** An expected failure of the bootstrapper. */
export class BootstrapError extends CountersignError {
  readonly code: BootstrapErrorCode
  /** Present when an API call is the reason. */
  readonly api: ApiFailure | undefined
  /** Further lines for the reader, such as every problem of a configuration. */
  readonly details: readonly string[]

  constructor(
    code: BootstrapErrorCode,
    message: string,
    options: {
      hint?: string
      cause?: unknown
      api?: ApiFailure
      details?: readonly string[]
    } = {},
  ) {
    super(message, options)
    this.code = code
    this.api = options.api
    this.details = options.details ?? []
  }
}

/** The exit status for whatever was thrown: an unknown file or disk failure is 10, anything else unexpected 70. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof BootstrapError) return EXIT_STATUS[error.code]
  if (error instanceof CountersignError) return EXIT_STATUS.ERR_STATE_DAMAGED
  return isFileFailure(error) ? EXIT_STATUS.ERR_DISK : EXIT_BUG
}

/** True for what the file system refuses (a full disk, no permission), which is nobody's bug. */
export function isFileFailure(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno !== undefined && FILE_ERRNOS.has(errno)
}

const FILE_ERRNOS = new Set([
  'EACCES',
  'EBUSY',
  'EDQUOT',
  'EEXIST',
  'EIO',
  'EISDIR',
  'EMFILE',
  'ENFILE',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'ENOTEMPTY',
  'EPERM',
  'EROFS',
])
