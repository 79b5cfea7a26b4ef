/**
 * What the API says when it refuses, turned into one error: its words and ids, a hint, and what
 * became of the call.
 */
import { messageOf } from '../../common/errors.ts'
import { isObject, parseJson } from '../../common/json.ts'
import { oneLine } from '../../common/terminal.ts'
import { type ApiFailure, BootstrapError } from '../errors.ts'
import type { HttpResponse, TransportError } from './transport.ts'

/** The API's own words, made safe for one line of output. */
export interface VendorError {
  readonly message: string
  readonly code?: number
  /** `error.type` of the nested shape. */
  readonly type?: string
  /** True when the body was JSON of a known error shape, so that it was the API that answered. */
  readonly known: boolean
}

/**
 * Reads an error body: flat `{ message, code }`, nested `{ error: { type, message } }`, the older
 * `{ error_code }`, or anything else (HTML, empty), which is described instead of shown.
 */
export function parseVendorError(body: string): VendorError {
  const value = parseJson(body)
  if (!isObject(value)) return { message: describe(body), known: false }
  const nested = isObject(value['error']) ? value['error'] : undefined
  const code = [value['code'], value['error_code']].find((item) => typeof item === 'number')
  const text = [nested?.['message'], value['message'], nested?.['type']].find(
    (item) => typeof item === 'string' && item !== '',
  )
  return {
    message: typeof text === 'string' ? oneLine(text) : 'no message',
    ...(typeof code === 'number' ? { code } : {}),
    ...(typeof nested?.['type'] === 'string' ? { type: nested['type'] } : {}),
    known: text !== undefined || code !== undefined,
  }
}

/** What to do about a refusal, by vendor code first and HTTP status second. */
export function hintFor(
  status: number,
  code: number | undefined,
  known: boolean,
): string | undefined {
  const byCode = code === undefined ? undefined : CODE_HINTS[String(code)]
  if (byCode !== undefined) return byCode
  if (!known && (status === 404 || status < 400)) {
    return 'is the base path right? it ends in `/v1`, as in https://api.fireblocks.io/v1'
  }
  return STATUS_HINTS[String(status)]
}

/** The vendor's table of API error codes, May 2026. */
const CODE_HINTS: Readonly<Record<string, string>> = {
  '-1': 'the signature does not verify: is this the private key of this API user?',
  '-2': 'no API key was received: does a proxy remove the `X-API-Key` header?',
  '-3': 'no token was received: does a proxy remove the `Authorization` header?',
  '-4': 'the URI in the token is not the one called: does the base path end in `/v1`, and does a proxy rewrite paths?',
  '-5': 'usually the certificate of the API user has expired: create a new API user',
  '-6': 'the token names another user than the API key: check `FIREBLOCKS_API_KEY`',
  '-7': 'wrong API key, or a key of another environment: a sandbox key works only with the sandbox base path',
  '-8': 'the role of this API user may not do this: Admin or Non-Signing Admin is needed',
  '-10': 'the token had expired on arrival: synchronise the clock of this machine (NTP)',
  '-12': 'the token is from the future: synchronise the clock of this machine (NTP)',
  '2702': 'the role of this API user may not manage users: Admin or Non-Signing Admin is needed',
  '9003': 'the idempotency key was used before an internal error: run again, a new one is made',
  '9005': 'the same request is still being worked on: run again in a minute',
}

const STATUS_HINTS: Readonly<Record<string, string>> = {
  '401':
    'check the API key, the private key, the base path, and the IP allow-list of this API user',
  '403': 'Admin or Non-Signing Admin is needed, from an address on the API user’s allow-list',
  '404': 'check `--cosigner-id`, `--api-key-id` and the base path',
  '409': 'another request for this pairing may be pending: look in the Console',
}

function describe(body: string): string {
  if (body.trim() === '') return 'an empty body'
  return /^\s*</.test(body) ? 'an HTML page instead of JSON' : 'a body that is not JSON'
}

/** Clock differences up to this are not mentioned, in milliseconds. */
const SKEW_WORTH_NAMING_MS = 5_000

export interface CallFacts {
  /** An earlier try of the same call was sent and got no answer. */
  readonly silent: boolean
  /** The API's clock minus ours, when known. */
  readonly skewMs: number | undefined
}

/**
 * An answer that is not a success: 4xx is a refusal (exit 3), 5xx, 429 and redirects are a failing
 * API (exit 4).
 */
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
