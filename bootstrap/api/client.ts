/**
 * Calls the custody API: signs every attempt anew, retries only what cannot do harm, and says what
 * became of a call.
 */
import type { KeyObject } from 'node:crypto'
import type { Clock, Sleep } from '../../common/clock.ts'
import { BootstrapError } from '../errors.ts'
import { signRequest } from './auth.ts'
import { failedAnswer, parseVendorError, unreachable, unreadableAnswer } from './failures.ts'
import { oneLine } from '../../common/terminal.ts'
import { parseJson } from '../../common/json.ts'
import { backoffMs, retryAfterMs } from './retry.ts'
import { type HttpRequest, type HttpResponse, type Transport, TransportError } from './transport.ts'

/** Tries after the first, counted separately for a failing network and for 429. */
export const MAX_RETRIES = { network: 5, rateLimit: 6 } as const

export interface ApiClientDeps {
  /** Origin and prefix with `/v1`, without a slash at the end. */
  readonly basePath: string
  readonly apiKey: string
  readonly privateKey: KeyObject
  readonly transport: Transport
  readonly clock: Clock
  readonly sleep: Sleep
  /** In [0, 1). */
  readonly random: () => number
  readonly uuid: () => string
  /** Called before each wait. */
  readonly onRetry?: (reason: string, waitMs: number) => void
  /** On the monotonic clock: no wait for another attempt ends after it. */
  readonly deadlineMs?: number
  /** Stops waits and reads; a write that is under way is let finish. */
  readonly signal?: AbortSignal
}

/** An answer with a success status. */
export interface ApiAnswer {
  readonly status: number
  /** The parsed JSON; undefined when the body was empty. */
  readonly body: unknown
  readonly requestId: string | undefined
  readonly location: string | undefined
}

export interface ApiWrite {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** After the base path, starting with a slash. */
  readonly path: string
  readonly body?: string
  /**
   * With a key, an attempt that got no answer is repeated; without, only one that was never sent.
   */
  readonly idempotencyKey?: string
  /** On the wall clock: no attempt begins after it; milliseconds since the epoch. */
  readonly notAfterMs?: number | undefined
}

export interface ApiClient {
  /** GET; `path` is relative to the base path. Undefined when the API itself answers 404. */
  find(path: string): Promise<ApiAnswer | undefined>
  /** GET that must succeed. */
  get(path: string): Promise<ApiAnswer>
  /** GET of a path on the API's origin that the API gave. Undefined when it cannot be read there. */
  follow(location: string): Promise<ApiAnswer | undefined>
  /** POST, PUT, PATCH, DELETE. A failure's `api.kind` tells what became of it. */
  write(call: ApiWrite): Promise<ApiAnswer>
  /** The API's clock minus ours in milliseconds, from the last `Date` header. */
  skewMs(): number | undefined
}

/**
 * The path and query of a `Location`, resolved against the API's origin; undefined when it leads
 * elsewhere.
 */
export function sameOriginPath(location: string, basePath: string): string | undefined {
  const { origin } = new URL(basePath)
  if (!URL.canParse(location, origin)) return undefined
  const url = new URL(location, origin)
  return url.origin === origin ? url.pathname + url.search : undefined
}

export function createApiClient(deps: ApiClientDeps): ApiClient {
  let skew: number | undefined

  async function attempt(url: URL, call: Omit<ApiWrite, 'path'> | { readonly method: 'GET' }) {
    const write = call.method === 'GET' ? undefined : call
    const token = await signRequest(
      {
        apiKey: deps.apiKey,
        uri: url.pathname + url.search,
        body: write?.body ?? '',
        nonce: deps.uuid(),
        now: deps.clock.now(),
      },
      deps.privateKey,
    )
    const key = write?.idempotencyKey
    const request: HttpRequest = {
      method: call.method,
      url,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        'user-agent': 'countersign-bootstrap',
        'x-api-key': deps.apiKey,
        ...(write?.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(write?.body === undefined ? {} : { body: write.body }),
      ...(write === undefined && deps.signal !== undefined ? { signal: deps.signal } : {}),
    }
    const response = await deps.transport(request)
    const date = Date.parse(response.headers['date'] ?? '')
    if (!Number.isNaN(date)) skew = date - deps.clock.now().getTime()
    return response
  }

  async function exchange(
    url: URL,
    call: Omit<ApiWrite, 'path'> | { readonly method: 'GET' },
  ): Promise<{ readonly response: HttpResponse; readonly silent: boolean }> {
    const name = `${call.method} ${url.pathname}`
    const write = call.method === 'GET' ? undefined : call
    const repeatable =
      write === undefined || (write.idempotencyKey !== undefined && isKeyed(write.method))
    let network = 0
    let rateLimit = 0
    let silent = false
    for (;;) {
      const result = await attempt(url, call).catch((error: unknown) => asTransportError(error))
      if (result instanceof TransportError) {
        const again = repeatable || !result.sent
        silent ||= result.sent
        const last = unreachable(name, url, result, silent)
        if (!again || network >= MAX_RETRIES.network) throw last
        await pause(`${name}: ${oneLine(result.message)}`, backoff(network), write, last)
        network += 1
      } else if (result.status === 429) {
        const last = failedAnswer(name, result, { silent, skewMs: skew })
        if (rateLimit >= MAX_RETRIES.rateLimit) throw last
        const wait = waitOf(result) ?? backoff(rateLimit + 2)
        await pause(`${name}: too many requests (HTTP 429)`, wait, write, last)
        rateLimit += 1
      } else if (result.status >= 500 && write === undefined && network < MAX_RETRIES.network) {
        const last = failedAnswer(name, result, { silent, skewMs: skew })
        await pause(
          `${name}: HTTP ${result.status}`,
          waitOf(result) ?? backoff(network),
          write,
          last,
        )
        network += 1
      } else {
        return { response: result, silent }
      }
      if (deps.signal?.aborted) throw stopped(name, silent)
    }
  }

  const backoff = (attempts: number) => backoffMs(attempts, deps.random())
  const waitOf = (response: HttpResponse) =>
    retryAfterMs(response.headers['retry-after'], deps.clock.now())

  /** Waits before another attempt; throws `last` when the wait would end too late for one. */
  async function pause(
    reason: string,
    ms: number,
    write: Pick<ApiWrite, 'notAfterMs'> | undefined,
    last: BootstrapError,
  ): Promise<void> {
    const { deadlineMs = Infinity } = deps
    const { notAfterMs = Infinity } = write ?? {}
    if (deps.clock.monotonicMs() + ms > deadlineMs) throw last
    if (deps.clock.now().getTime() + ms > notAfterMs) throw last
    deps.onRetry?.(reason, ms)
    await deps.sleep(ms, deps.signal)
    if (deps.clock.now().getTime() > notAfterMs) throw last
  }

  async function read(url: URL): Promise<ApiAnswer | undefined> {
    const name = `GET ${url.pathname}`
    const { response } = await exchange(url, { method: 'GET' })
    if (response.status === 404 && parseVendorError(response.body).known) return undefined
    return accepted(name, response)
  }

  function accepted(name: string, response: HttpResponse, silent = false): ApiAnswer {
    if (response.status < 200 || response.status > 299) {
      throw failedAnswer(name, response, { silent, skewMs: skew })
    }
    const requestId = response.headers['x-request-id']
    const body = response.body.trim() === '' ? undefined : parseJson(response.body)
    if (body === undefined && response.body.trim() !== '') throw unreadableAnswer(name, response)
    return { status: response.status, body, requestId, location: response.headers['location'] }
  }

  const at = (path: string) => new URL(deps.basePath + path)
  return {
    find: (path) => read(at(path)),
    get: async (path) => {
      const answer = await read(at(path))
      if (answer !== undefined) return answer
      throw new BootstrapError('ERR_API_REFUSED', `the API knows no \`${path}\` (HTTP 404)`, {
        hint: 'check `--cosigner-id`, `--api-key-id` and the base path',
        api: { kind: 'refused', status: 404 },
      })
    },
    follow: async (location) => {
      const path = sameOriginPath(location, deps.basePath)
      if (path === undefined) throw new RangeError('a location of another origin is not followed')
      return read(new URL(path, deps.basePath)).catch((error: unknown) => {
        if (leadsNowhere(error)) return undefined
        throw error
      })
    },
    write: async (call) => {
      const { response, silent } = await exchange(at(call.path), call)
      return accepted(`${call.method} ${at(call.path).pathname}`, response, silent)
    },
    skewMs: () => skew,
  }
}

/**
 * The vendor honours `Idempotency-Key` on POST and, by its specification, on PUT; never on PATCH
 * and DELETE.
 */
function isKeyed(method: ApiWrite['method']): boolean {
  return method === 'POST' || method === 'PUT'
}

/** A refusal, or an answer that is not the API's; not 429, which only asks for patience. */
function leadsNowhere(error: unknown): boolean {
  const api = error instanceof BootstrapError ? error.api : undefined
  return (api?.kind === 'refused' && api.status !== 429) || api?.kind === 'bad-answer'
}

function asTransportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error
  throw error
}

function stopped(name: string, silent: boolean): BootstrapError {
  return new BootstrapError('ERR_NETWORK', `stopped while waiting to repeat \`${name}\``, {
    api: { kind: silent ? 'no-answer' : 'not-sent' },
  })
}
