/**
 * One HTTP exchange with hard time limits, no redirects and no retries; knows nothing of the API.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { isIP, Socket } from 'node:net'
import { connect } from 'node:tls'
import { messageOf } from '../../common/errors.ts'
import { readBounded } from '../../common/http.ts'
import { openTunnel } from './proxy.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Sent as UTF-8 with its length; absent means no body. */
  readonly body?: string
  readonly signal?: AbortSignal
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case; the first value of a repeated header. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** Sends one request. Rejects with `TransportError` when no complete answer came. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>

/**
 * No complete answer. `sent` is false only when the connection was never made, so that nothing can
 * have been done.
 */
export class TransportError extends Error {
  readonly sent: boolean

  constructor(message: string, sent: boolean, options?: { cause: unknown }) {
    super(message, options)
    this.name = 'TransportError'
    this.sent = sent
  }
}

/** Milliseconds, each counted from the start of the request, and bytes of a response body. */
export interface TransportLimits {
  readonly connectMs: number
  readonly headersMs: number
  readonly totalMs: number
  readonly maxBodyBytes: number
}

export const DEFAULT_LIMITS: TransportLimits = {
  connectMs: 10_000,
  headersMs: 30_000,
  totalMs: 60_000,
  maxBodyBytes: 16 * 1024 * 1024,
}

/**
 * A transport over node:http and node:https, one connection per request. Certificates are always
 * verified, by the CAs of Node and of `NODE_EXTRA_CA_CERTS`.
 *
 * @param proxyOf the proxy that a URL goes through; undefined for none
 */
export function nodeTransport(
  limits: TransportLimits = DEFAULT_LIMITS,
  proxyOf: (url: URL) => URL | undefined = () => undefined,
): Transport {
  return (request) =>
    new Promise((resolve, reject) => {
      let connected = false
      let answered = false
      const outgoing = open(request, proxyOf(request.url))
      const timers = [
        limit(outgoing, limits.totalMs, 'no complete answer', () => false),
        limit(outgoing, limits.headersMs, 'no answer', () => answered),
        limit(outgoing, limits.connectMs, 'no connection', () => connected),
      ]
      const fail = (error: unknown) => {
        timers.forEach(clearTimeout)
        reject(new TransportError(messageOf(error), connected, { cause: error }))
      }
      outgoing.on('error', fail)
      outgoing.on('socket', (socket) => {
        const ready = request.url.protocol === 'https:' ? 'secureConnect' : 'connect'
        socket.once(ready, () => {
          connected = true
        })
      })
      outgoing.on('response', (incoming) => {
        answered = true
        void readBounded(incoming, limits.maxBodyBytes)
          .then((bytes) => {
            timers.forEach(clearTimeout)
            const { statusCode: status = 0 } = incoming
            return resolve({ status, headers: firstValues(incoming), body: bytes.toString('utf8') })
          })
          .catch(fail)
      })
      outgoing.end(request.body)
    })
}

function open(request: HttpRequest, proxy: URL | undefined): ClientRequest {
  const send = request.url.protocol === 'https:' ? httpsRequest : httpRequest
  const length =
    request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }
  return send(request.url, {
    method: request.method,
    headers: { ...request.headers, ...length },
    rejectUnauthorized: true,
    ...(proxy === undefined ? { agent: false } : { createConnection: through(proxy, request.url) }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  })
}

type Connected = (error: Error | null, socket: Socket) => void

/** Connects through a proxy: TLS with the API itself, inside of the tunnel. */
function through(proxy: URL, target: URL): NonNullable<RequestOptions['createConnection']> {
  return (_options, done) => {
    void tunnel(proxy, target, done)
    return undefined
  }
}

async function tunnel(proxy: URL, target: URL, done: Connected): Promise<void> {
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1')
  const name = isIP(host) === 0 ? { servername: host } : { host }
  let socket: Socket
  try {
    socket = await openTunnel(proxy, target)
  } catch (error) {
    done(error instanceof Error ? error : new Error(messageOf(error)), new Socket())
    return
  }
  done(null, connect({ socket, ...name, rejectUnauthorized: true }))
}

function limit(outgoing: ClientRequest, ms: number, what: string, done: () => boolean) {
  return setTimeout(() => {
    if (!done()) outgoing.destroy(new Error(`${what} within ${ms / 1000} s`))
  }, ms)
}

function firstValues(incoming: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value[0] : value,
    ]),
  )
}
