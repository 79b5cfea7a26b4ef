/** The listeners for callbacks: bounded in time, number and size, with certificates that change without a restart. */
import { createServer } from 'node:http'
import type { RequestListener, Server as HttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server as HttpsServer } from 'node:https'
import { BlockList, Server as NetServer } from 'node:net'
import type { Socket } from 'node:net'
import { systemSleep } from '../../common/clock.ts'
import { CountersignError, errnoOf } from '../../common/errors.ts'
import { listen } from '../../common/http.ts'
import type { App } from './app.ts'
import type { Cidr } from '../config/config-values.ts'
import { createConnections } from './connections.ts'
import type { Connections, DropReason } from './connections.ts'
import { buildContexts, listenerPlans, TLS_OPTIONS } from './tls-contexts.ts'
import type { ListenerContexts, ListenerPlan } from './tls-contexts.ts'
import type { TlsPair } from '../../certs/store.ts'
import type { Slot } from '../config/slots.ts'

/**
 * Times in milliseconds. Node.js counts them from when the handler accepted, its own pauses included, and the co-signer
 * waits for 30 s: shorter ones would reset genuine requests after a pause. Number bounds the slow, not time.
 */
export const LIMITS = {
  handshakeTimeout: 27_000,
  headersTimeout: 27_000,
  requestTimeout: 27_000,
  connectionsCheckingInterval: 500,
  keepAliveTimeout: 75_000,
  maxHeaderSize: 8_192,
  maxRequestsPerSocket: 1_000,
} as const

/** Connections of one listener. */
const MAX_CONNECTIONS = 2_048

/** Of these, what one address may hold without ever having sent a genuine request. */
const UNVERIFIED_PER_ADDRESS = 1_024

/** A listener cannot be opened. */
export class ListenError extends CountersignError {
  readonly code = 'ERR_LISTEN'
}

export interface ListenersOptions {
  readonly app: App
  readonly slots: readonly Slot[]
  /** False: plain HTTP, a proxy in front terminates TLS. */
  readonly tls: boolean
  /** The certificate of a slot at this moment; undefined when it has none, then handshakes fail. */
  readonly presented: (slot: string) => TlsPair | undefined
  readonly allowedCidrs: readonly Cidr[] | undefined
  /** A connection was closed to make room. */
  readonly dropped: (reason: DropReason) => void
}

export interface Listeners {
  /** Presents the current certificates from the next handshake on; on an error everything stays as it was. */
  readonly refresh: () => void
  /** Stops listening and closes idle connections; resolves when the last connection is gone. */
  readonly close: () => Promise<void>
  /** Cuts every connection. */
  readonly cut: () => void
}

interface Listener {
  readonly plan: ListenerPlan
  readonly server: HttpServer | HttpsServer
  readonly use: (contexts: ListenerContexts) => void
}

/** Opens one listener per distinct address, all or none. @throws ListenError */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const listeners = listenerPlans(options.slots).map((plan) =>
    options.tls ? tlsListener(plan, options) : plainListener(plan, options),
  )
  const mayConnect = options.allowedCidrs && allowList(options.allowedCidrs)
  try {
    for (const { server, plan } of listeners) {
      const connections = createConnections(
        {
          total: MAX_CONNECTIONS,
          unverifiedPerAddress: options.tls ? UNVERIFIED_PER_ADDRESS : Infinity,
        },
        options.dropped,
      )
      // Before TLS begins, so that who is not let in costs no handshake.
      server.prependListener('connection', (socket: Socket) => {
        if (mayConnect?.(socket.remoteAddress) === false) socket.destroy()
        else connections.accept(socket)
      })
      serve(server, options.app, connections)
      await openAt(server, plan)
    }
  } catch (error) {
    for (const { server } of listeners) server.close()
    throw error
  }
  return {
    refresh() {
      const built = listeners.map(({ plan }) => buildContexts(plan, options.presented))
      for (const [index, contexts] of built.entries()) listeners[index]?.use(contexts)
    },
    close: async () => {
      await Promise.all(listeners.map(({ server }) => closeServer(server)))
    },
    cut() {
      for (const { server } of listeners) server.closeAllConnections()
    },
  }
}

function serverOptions({ classes }: App) {
  const { handshakeTimeout: _tlsOnly, ...limits } = LIMITS
  return { ...classes, ...limits, noDelay: true }
}

function plainListener(plan: ListenerPlan, { app }: ListenersOptions): Listener {
  return { plan, server: createServer(serverOptions(app)), use: () => undefined }
}

function tlsListener(plan: ListenerPlan, { app, presented }: ListenersOptions): Listener {
  let contexts = buildContexts(plan, presented)
  const server = createTlsServer({
    ...serverOptions(app),
    ...TLS_OPTIONS,
    ...contexts.standard,
    handshakeTimeout: LIMITS.handshakeTimeout,
    ALPNProtocols: ['http/1.1'],
    SNICallback: (name, answer) => {
      answer(null, contexts.named.get(name.toLowerCase()))
    },
  })
  return {
    plan,
    server,
    use(next) {
      contexts = next
      // New ticket keys come with it: nobody resumes a session that has seen another certificate.
      if (next.standard !== undefined) server.setSecureContext({ ...TLS_OPTIONS, ...next.standard })
    },
  }
}

function serve(
  server: HttpServer | HttpsServer,
  { listener }: App,
  connections: Connections,
): void {
  const onRequest: RequestListener = (request, response) => {
    listener(request, response, connections.of(request.socket))
  }
  server.on('request', onRequest)
  // Without this listener Node invites every body with `100 Continue` before anything has been checked.
  server.on('checkContinue', onRequest)
}

/** Has a server listen. @throws ListenError */
export async function openAt(
  server: NetServer,
  { host, port }: Pick<ListenerPlan, 'host' | 'port'>,
): Promise<void> {
  await listen(server, { host, port, backlog: 511 }).catch((cause: unknown) => {
    const code = errnoOf(cause) ?? 'unknown error'
    const hint = code === 'EADDRINUSE' ? 'another process listens there' : undefined
    throw new ListenError(`cannot listen on \`${host}:${port}\` (${code})`, { cause, hint })
  })
}

/** Until then a connection that has just been made may still bring its first request. */
const LAST_REQUEST_MS = 500

async function closeServer(server: HttpServer | HttpsServer): Promise<void> {
  // The HTTP server's own `close` would at once cut connections whose request is on its way.
  const closed = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
  })
  const done = new AbortController()
  const swept = sweepIdle(server, done.signal)
  await closed
  done.abort()
  await swept
}

/** Connections become idle one by one while the last answers leave. */
async function sweepIdle(server: HttpServer | HttpsServer, done: AbortSignal): Promise<void> {
  await systemSleep(LAST_REQUEST_MS, done)
  while (!done.aborted) {
    server.closeIdleConnections()
    await systemSleep(50, done)
  }
}

function allowList(cidrs: readonly Cidr[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const { address, prefix, family } of cidrs) list.addSubnet(address, prefix, family)
  return (address) =>
    address !== undefined && list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}
