/**
 * HTTP as values: what an emulated service is asked and what it answers, without a socket in sight.
 */

/** One request as received. */
export interface ApiRequest {
  readonly method: string
  /** Path and query exactly as on the request line: the API's token signs this text. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** One answer, and what the network does to it. */
export interface Reply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** `drop`: the work is done, then the connection breaks without an answer. */
  readonly fate: 'deliver' | 'drop'
  /** Milliseconds to wait before the answer leaves. */
  readonly delayMs: number
}

/** A JSON answer. */
export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(value),
    fate: 'deliver',
    delayMs: 0,
  }
}

/** An answer without a body. */
export function empty(status: number): Reply {
  return { status, headers: {}, body: '', fate: 'deliver', delayMs: 0 }
}

/** What a gateway in front of the API says when it fails. */
export function html(status: number, title: string): Reply {
  return {
    status,
    headers: { 'content-type': 'text/html' },
    body: `<html><head><title>${status} ${title}</title></head><body>${title}</body></html>\n`,
    fate: 'deliver',
    delayMs: 0,
  }
}

/** `ErrorSchema`: the shape of every co-signer operation and of every `default`. */
export function flatError(status: number, message: string, code?: number): Reply {
  return json(status, code === undefined ? { message } : { message, code })
}

/** Values of `ErrorResponse.error.type`. */
type ErrorType = 'INTERNAL' | 'AUTHENTICATION' | 'AUTHORIZATION'

/** `ErrorResponse`: 401, 403 and 5xx of `/management/api_users`; it has no room for a code. */
export function nestedError(status: number, type: ErrorType, message: string): Reply {
  return json(status, { error: { type, message } })
}
