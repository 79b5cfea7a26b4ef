/**
 * The thin adapter between node:http and the plain functions: bytes in, value out, connections cut
 * on request.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Sleep } from '../common/clock.ts'
import { messageOf } from '../common/errors.ts'
import { BodyTooLargeError, readBounded } from '../common/http.ts'
import { isLoopbackHost } from './guard.ts'
import { type ApiRequest, flatError, type Reply } from './message.ts'

/**
 * Enough for any request of the API, and for callback payloads of the size that the handler must
 * take.
 */
const MAX_BODY_BYTES = 16 * 1024 * 1024

/** What the adapter needs. */
export interface HttpDeps {
  readonly answer: (request: ApiRequest) => Reply | Promise<Reply>
  readonly sleep: Sleep
  /** Aborts what is still waiting when the emulator stops. */
  readonly signal: AbortSignal
  /** Told about bugs; the caller of the API only gets a bare 500. */
  readonly onBug: (message: string) => void
}

/**
 * An HTTP server for the answers. It serves loopback names only: a browser page that rebinds its
 * host name to this address is refused.
 */
export function createHttpServer(deps: HttpDeps): Server {
  const server = createServer((incoming, response) => {
    serve(incoming, response, deps).catch((error: unknown) => {
      deps.onBug(messageOf(error))
      incoming.destroy()
    })
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 60_000
  return server
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  deps: HttpDeps,
): Promise<void> {
  const body = await readBounded(incoming, MAX_BODY_BYTES).catch((error: unknown) => {
    if (error instanceof BodyTooLargeError) return undefined
    throw error
  })
  const reply = await answer(incoming, body, deps)
  if (reply.delayMs > 0) await deps.sleep(reply.delayMs, deps.signal)
  if (reply.fate === 'drop') {
    incoming.socket.destroy()
    return
  }
  response.writeHead(reply.status, {
    ...reply.headers,
    'content-length': Buffer.byteLength(reply.body),
  })
  response.end(reply.body)
}

function answer(
  incoming: IncomingMessage,
  body: Buffer | undefined,
  deps: HttpDeps,
): Reply | Promise<Reply> {
  if (body === undefined) return flatError(413, 'The request body is too large')
  const host = (incoming.headers.host ?? '').replace(/:\d+$/, '')
  if (!isLoopbackHost(host)) return flatError(403, 'The emulator serves loopback names only')
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  )
  const { method = '', url = '' } = incoming
  return deps.answer({ method, target: url, headers, body })
}
