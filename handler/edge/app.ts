/** The web edge: brings one POST to the straight line and its answer back; the only file that knows Express. */
import { randomUUID } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import express from 'express'
import type { GenerationState } from '../../common/admin-api.ts'
import type { Clock } from '../../common/clock.ts'
import type { Gate } from './admission.ts'
import { PROBE_BODY } from '../../common/admin-api.ts'
import { BodyAbortedError, readBody } from './body.ts'
import type { ByteBudget } from './byte-budget.ts'
import { CallbackError } from '../protocol/errors.ts'
import type { Answer, CallbackLog, Delivery } from '../callback/ports.ts'
import { routeOf, speaksOtherMode } from '../protocol/endpoints.ts'
import type { Route, Routes } from '../protocol/endpoints.ts'
import { answerHeaders, BARE_KEEP_ALIVE_SECONDS, refuse } from './bare-status.ts'
import { UNTRACKED } from './connections.ts'
import type { Connection } from './connections.ts'
import { MARGIN_MS } from '../callback/faults.ts'

export interface AppDeps {
  /** The straight line. */
  readonly answer: (delivery: Delivery) => Promise<Answer>
  readonly routes: () => Routes
  readonly stateOf: (generation: number) => GenerationState | undefined
  /** What lets in the requests of a generation. */
  readonly gateOf: (generation: number) => Gate
  readonly budget: ByteBudget
  readonly maxBodyBytes: number
  readonly clock: Clock
  /** Milliseconds that an answer may take from now on; less than the setting while the handler shuts down. */
  readonly timeLeftMs: () => number
  /** True while the handler shuts down: answers then close their connections. */
  readonly draining: () => boolean
  readonly log: CallbackLog
  /** Somebody calls the paths of the other authentication mode. */
  readonly otherMode: (target: string) => void
  /** An answer left: its status and the milliseconds since its request arrived. */
  readonly answered: (status: number, durationMs: number) => void
}

/** Takes the requests of a server, which must be made with these classes. */
export interface App {
  readonly listener: (
    request: IncomingMessage,
    response: ServerResponse,
    /** Untracked by default: then nothing closes it to make room. */
    connection?: Connection,
  ) => void
  readonly classes: {
    readonly IncomingMessage: typeof IncomingMessage
    readonly ServerResponse: typeof ServerResponse
  }
}

/** Builds the application. Express never trusts a proxy: addresses are those of the connection. */
export function createApp(deps: AppDeps): App {
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', false)
  const classes = adoptPrototypes(app)
  app.use(async (request, response) => {
    const deliveryId = randomUUID()
    try {
      await answerRequest(deliveryId, request, response, deps)
    } catch (error) {
      mapError(error, deliveryId, request, response, deps)
    }
  })
  const handle: Handle = app
  const listener: App['listener'] = (request, response, connection = UNTRACKED) => {
    const arrivedMs = deps.clock.monotonicMs()
    response.sendDate = false
    if (deps.draining()) response.setHeader('Connection', 'close')
    // The request loses its error listeners when its body has been read; a late reset is nobody's error.
    request.on('error', () => undefined)
    connection.began()
    request.on('end', () => {
      if (!response.writableFinished) connection.complete()
    })
    response.on('finish', () => {
      const genuine = response.statusCode === 200
      if (genuine) connection.genuine()
      connection.idle()
      keepIdle(request.socket, genuine || connection.verified)
      deps.answered(response.statusCode, deps.clock.monotonicMs() - arrivedMs)
    })
    // With a callback of ours Express never writes an answer of its own, whatever it makes of the target.
    handle(request, response, (error = notFound('no such target')) => {
      mapError(error, randomUUID(), request, response, deps)
    })
  }
  return { listener, classes }
}

/**
 * How much longer an idle connection is kept than its `Keep-Alive` header says, in milliseconds. A caller that trusts
 * the header must not find the connection closed under a request that is on its way, nor under one that it sent while
 * the handler's process stood still.
 */
const KEEP_ALIVE_GRACE_MS = 27_000

/** Only who has sent a genuine request is worth an idle connection for long. */
function keepIdle(socket: Socket, verified: boolean): void {
  const { timeout = 0 } = socket
  if (timeout === 0) return
  socket.setTimeout((verified ? timeout : BARE_KEEP_ALIVE_SECONDS * 1_000) + KEEP_ALIVE_GRACE_MS)
}

type Handle = (
  request: IncomingMessage,
  response: ServerResponse,
  done: (error?: unknown) => void,
) => void

/**
 * Express sets the prototypes of every request and response to its own objects, which costs more than all the rest it
 * does (docs/performance.md). Classes that are made with these prototypes turn that into no change at all.
 */
function adoptPrototypes(app: express.Express): App['classes'] {
  class AppRequest extends IncomingMessage {}
  class AppResponse<R extends IncomingMessage> extends ServerResponse<R> {}
  Object.setPrototypeOf(AppRequest.prototype, app.request)
  Object.setPrototypeOf(AppResponse.prototype, app.response)
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype })
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse }
}

/** Body of a probe (common/admin-api.ts): answered like anything that is not signed, and no reason for an alarm. */
const PROBE = Buffer.from(PROBE_BODY)

async function answerRequest(
  deliveryId: string,
  request: express.Request,
  response: express.Response,
  deps: AppDeps,
): Promise<void> {
  const { endpoint, generation } = findRoute(request, deps)
  const gate = deps.gateOf(generation)
  const budgetMs = deps.timeLeftMs()
  if (!gate.enter(budgetMs - MARGIN_MS)) {
    throw new CallbackError('ERR_OVERLOADED', 'no answer would be ready before the deadline')
  }
  const deadlineAtMs = deps.clock.monotonicMs() + budgetMs
  try {
    const { bytes, release } = await readBody(request, deps.maxBodyBytes, deps.budget, () => {
      if (request.headers.expect !== undefined) response.writeContinue()
    })
    try {
      if (bytes.equals(PROBE)) throw new CallbackError('ERR_PROBE', 'a probe of the bootstrapper')
      const traceparent = traceOf(request)
      const delivery = { deliveryId, endpoint, generation, body: bytes, deadlineAtMs, traceparent }
      const { contentType, body } = await gate.work(deadlineAtMs - MARGIN_MS, () =>
        deps.answer(delivery),
      )
      response.writeHead(200, answerHeaders(contentType, body)).end(body)
    } finally {
      release()
    }
  } finally {
    gate.leave()
  }
}

function findRoute(request: express.Request, deps: AppDeps): Route {
  // Node's parser reads a request line without a version, or with 2.0, as if it were HTTP/1.
  if (request.httpVersionMajor !== 1) {
    throw new CallbackError('ERR_HTTP_VERSION', 'not HTTP/1')
  }
  if (countHosts(request.rawHeaders) !== 1) {
    throw new CallbackError('ERR_HOST_HEADER', 'not exactly one host header')
  }
  const target = request.originalUrl
  const routes = deps.routes()
  const route = routeOf(target, routes)
  if (route === undefined) {
    if (request.method === 'POST' && speaksOtherMode(target, routes)) deps.otherMode(target)
    throw notFound('no such target')
  }
  if (request.method !== 'POST') throw notFound('not a POST')
  if (deps.stateOf(route.generation) === 'retired') {
    throw new CallbackError('ERR_GENERATION_RETIRED', 'a retired generation is called')
  }
  return route
}

/** Hexadecimal digits of fixed number and nothing else, so that a log may have it whoever sent it. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The trace that a proxy or the caller names (W3C Trace Context, version 00); undefined when there is none. */
function traceOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined
}

function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'host') hosts += 1
  }
  return hosts
}

/** The one place where an error becomes an answer: a status and nothing else. */
function mapError(
  error: unknown,
  deliveryId: string,
  request: IncomingMessage,
  response: ServerResponse,
  deps: AppDeps,
): void {
  if (error instanceof BodyAbortedError) {
    response.destroy()
    return
  }
  const route = routeOf(request.url ?? '', deps.routes())
  deps.log.refused({
    deliveryId,
    endpoint: route?.endpoint,
    generation: route?.generation,
    error: error instanceof Error ? error : new Error('not an error was thrown'),
    traceparent: traceOf(request),
  })
  if (response.headersSent) response.destroy()
  else refuse(request, response, error instanceof CallbackError ? error.status : 500)
}

function notFound(message: string): CallbackError {
  return new CallbackError('ERR_NOT_FOUND', message)
}
