/** Turns what went wrong with an API call into one error: the vendor's words and ids, a hint, and what became of it. */
import { messageOf } from '../../common/errors.ts'
import { BootstrapError } from '../errors.ts'
import type { ApiFailure } from '../errors.ts'
import { hintFor, oneLine, parseVendorError } from './failures.ts'
import type { HttpResponse, TransportError } from './transport.ts'

/** Largest difference of clocks that is not worth a word, in milliseconds. */
const SKEW_WORTH_NAMING_MS = 5_000

export interface CallFacts {
  /** An earlier try of the same call was sent and got no answer. */
  readonly silent: boolean
  /** The API's clock minus ours, when known. */
  readonly skewMs: number | undefined
}

/** An answer that is not a success: 4xx is a refusal (exit 3), 5xx, 429 and redirects are a failing API (exit 4). */
export function failedAnswer(
  name: string,
  response: HttpResponse,
  { silent, skewMs }: CallFacts,
): BootstrapError {
  const { status } = response
  const { message, code, type, known } = parseVendorError(response.body)
  const text = `(${facts(response, code)})`
  const api = (kind: ApiFailure['kind']) => ({
    ...failure(kind, response, code),
    ...(type === undefined ? {} : { vendorType: type }),
    inDoubt: silent,
  })
  if (status >= 500 || status === 429) {
    return new BootstrapError(
      'ERR_API_UNAVAILABLE',
      `the API failed on \`${name}\`: ${message} ${text}`,
      {
        hint: 'run the same command again later',
        api: api(status === 429 ? 'refused' : 'server-error'),
      },
    )
  }
  if (status < 400) {
    const location = oneLine(response.headers['location'] ?? 'nowhere')
    return new BootstrapError(
      'ERR_API_UNAVAILABLE',
      `\`${name}\` was redirected to \`${location}\`, and redirects are not followed ${text}`,
      { hint: 'give the final base path with `--base-path`', api: api('bad-answer') },
    )
  }
  const hint = clockHint(code, skewMs) ?? hintFor(status, code, known)
  return new BootstrapError('ERR_API_REFUSED', `the API refused \`${name}\`: ${message} ${text}`, {
    ...(hint === undefined ? {} : { hint }),
    api: api('refused'),
  })
}

/** A success status with a body that is not JSON. */
export function unreadableAnswer(name: string, response: HttpResponse): BootstrapError {
  const { message, known } = parseVendorError(response.body)
  const hint = hintFor(response.status, undefined, known)
  return new BootstrapError(
    'ERR_API_UNAVAILABLE',
    `\`${name}\` was answered with ${message} (${facts(response, undefined)})`,
    {
      ...(hint === undefined ? {} : { hint }),
      api: failure('bad-answer', response, undefined),
    },
  )
}

/** No answer at all; `silent` tells whether any try may have arrived. */
export function unreachable(
  name: string,
  url: URL,
  error: TransportError,
  silent: boolean,
): BootstrapError {
  return new BootstrapError(
    'ERR_NETWORK',
    error.sent
      ? `\`${name}\` was sent and got no answer: ${oneLine(messageOf(error))}`
      : `cannot connect to \`${url.origin}\`: ${oneLine(messageOf(error))}`,
    {
      hint: 'check the network and the base path, then run the same command again',
      cause: error,
      api: { kind: silent ? 'no-answer' : 'not-sent' },
    },
  )
}

function clockHint(code: number | undefined, skewMs: number | undefined): string | undefined {
  if (code !== -10 && code !== -12) return undefined
  if (skewMs === undefined || Math.abs(skewMs) < SKEW_WORTH_NAMING_MS) return undefined
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  const side = skewMs > 0 ? 'behind' : 'ahead of'
  return `the clock of this machine is ${seconds} s ${side} the API’s: synchronise it (NTP)`
}

function facts({ status, headers }: HttpResponse, code: number | undefined): string {
  const requestId = headers['x-request-id']
  return [
    `HTTP ${status}`,
    ...(code === undefined ? [] : [`code ${code}`]),
    `X-Request-ID ${requestId === undefined ? 'absent' : `\`${oneLine(requestId)}\``}`,
  ].join(', ')
}

function failure(
  kind: ApiFailure['kind'],
  { status, headers }: HttpResponse,
  vendorCode: number | undefined,
): ApiFailure {
  const requestId = headers['x-request-id']
  return {
    kind,
    status,
    ...(vendorCode === undefined ? {} : { vendorCode }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}
