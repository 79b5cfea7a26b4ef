/** Bare answers: one constant body and one set of headers per status, so that a refusal tells nothing but its status. */
import type { IncomingMessage, ServerResponse } from 'node:http'

const BODIES: Readonly<Record<number, string>> = {
  400: 'bad request\n',
  401: 'unauthorized\n',
  404: 'not found\n',
  410: 'gone\n',
  413: 'content too large\n',
  415: 'unsupported media type\n',
  500: 'internal error\n',
  503: 'service unavailable\n',
}

/** What may still arrive of a body that nobody wants before the connection is closed. */
const LINGER = { bytes: 1024 * 1024, ms: 1_000 }

/** An unwanted body up to this size is read to its end. */
const SMALL_BODY_BYTES = 64 * 1024

/** How long a connection may be reused after a bare answer; a decision announces the server's own, longer time. */
export const BARE_KEEP_ALIVE_SECONDS = 5

/** Headers of every answer; without a date, so that equal answers are equal bytes. */
export function answerHeaders(contentType: string, body: string): Record<string, string | number> {
  return {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  }
}

/**
 * Sends the constant answer of the status. A connection whose request was not read to its end is closed after it, unless
 * little is missing: a new handshake costs more than a decision, so closing would make an overload worse.
 */
export function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  const body = BODIES[status] ?? ''
  const unread = !request.complete && !endsSoon(request)
  if (unread) response.setHeader('Connection', 'close')
  else if (response.shouldKeepAlive && !response.hasHeader('Connection')) {
    response.setHeader('Connection', 'keep-alive')
    response.setHeader('Keep-Alive', `timeout=${BARE_KEEP_ALIVE_SECONDS}`)
  }
  response.writeHead(status, answerHeaders('text/plain; charset=utf-8', body))
  if (!unread) {
    request.resume()
    response.end(body)
    return
  }
  // Closing while the caller still sends would reset the connection and might take the answer with it.
  response.write(body)
  linger(request, () => response.end())
}

/** True when the rest of the body may be read, and dropped, before the next request of the connection. */
function endsSoon({ headers }: IncomingMessage): boolean {
  const { expect, 'transfer-encoding': coding, 'content-length': length = '0' } = headers
  return expect === undefined && coding === undefined && Number(length) <= SMALL_BODY_BYTES
}

function linger(request: IncomingMessage, done: () => void): void {
  let bytes = 0
  const stop = () => {
    clearTimeout(timer)
    request.off('data', onData).off('end', stop).off('close', stop)
    done()
  }
  const onData = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > LINGER.bytes) stop()
  }
  const timer = setTimeout(stop, LINGER.ms)
  request.on('data', onData).on('end', stop).on('close', stop)
  request.resume()
}
