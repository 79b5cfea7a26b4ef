/** Reads what the API says when it refuses: three error shapes, the vendor's codes, and a hint for each. */

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
 * Reads an error body: flat `{ message, code }`, nested `{ error: { type, message } }`, the older `{ error_code }`,
 * or anything else (HTML, empty), which is described instead of shown.
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

/** JSON or undefined; never throws. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Foreign text on one line: control characters become spaces, at most 300 characters. */
export function oneLine(text: string): string {
  const flat = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
  return flat.length > 300 ? `${flat.slice(0, 300)}…` : flat
}

function describe(body: string): string {
  if (body.trim() === '') return 'an empty body'
  return /^\s*</.test(body) ? 'an HTML page instead of JSON' : 'a body that is not JSON'
}
