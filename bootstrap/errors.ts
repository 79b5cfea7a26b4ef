/** Expected failures of the bootstrapper: a code (common/error-codes.ts) and what the API said. */
import type { CommandErrorCode } from '../common/error-codes.ts'
import { CountersignError, type FailureOptions } from '../common/errors.ts'

export type BootstrapErrorCode = CommandErrorCode

/**
 * What became of one API call that did not succeed. `refused`: a 4xx answer, nothing was done.
 * `server-error`: a 5xx answer, it may have been done. `no-answer`: sent, and no answer came.
 * `not-sent`: the connection was never made. `bad-answer`: a success that cannot be read.
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
  /**
   * An earlier try of the same call was sent and got no answer, so that it may have been carried
   * out.
   */
  readonly inDoubt?: boolean
}

/** An expected failure of the bootstrapper. */
export class BootstrapError extends CountersignError {
  readonly code: BootstrapErrorCode
  /** Present when an API call is the reason. */
  readonly api: ApiFailure | undefined

  constructor(
    code: BootstrapErrorCode,
    message: string,
    options: FailureOptions & { readonly api?: ApiFailure } = {},
  ) {
    super(message, options)
    this.code = code
    this.api = options.api
  }
}
