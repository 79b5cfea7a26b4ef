/** One POST to the handler as the co-signer's client sends it, with its patience of 30 seconds. */
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { errnoOf, messageOf } from '../common/errors.ts'
import { BodyTooLargeError, readBounded } from '../common/http.ts'
import type { Sleep } from '../common/clock.ts'
import { type Destination, openConnection } from './connection.ts'
import { DeliveryError } from './delivery-error.ts'

/** Longest answer that is read. */
const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * How the client sends its request. `half-close` ends its side of the connection first, which
 * node:http servers refuse.
 */
export type ClientStyle = 'plain' | 'drip' | 'chunked' | 'expect' | 'half-close'

/** One delivery. */
export interface Delivery extends Destination {
  readonly body: string
  readonly contentType: string
  readonly style: ClientStyle
  /**
   * Connections of equal name are shared between deliveries; undefined = a new connection each
   * time.
   */
  readonly pool: string | undefined
  readonly deadlineMs: number
}

/** The answer as received. */
export interface Delivered {
  readonly status: number
  readonly body: string
}

/** Sends deliveries; holds the connections that may be reused. */
export interface Transport {
  /** @throws DeliveryError */
  post(delivery: Delivery): Promise<Delivered>
  close(): void
}

/** A transport whose deliveries all end when `stop` aborts. */
export function createTransport(sleep: Sleep, stop: AbortSignal): Transport {
  const pools = new Map<string, Agent>()

  function agentFor(delivery: Delivery, signal: AbortSignal): Agent {
    const { pool } = delivery
    if (pool === undefined) return createAgent(delivery, false, signal)
    const agent = pools.get(pool) ?? createAgent(delivery, true, stop)
    pools.set(pool, agent)
    return agent
  }

  return {
    async post(delivery) {
      const patience = new AbortController()
      const giveUp = () => patience.abort()
      stop.addEventListener('abort', giveUp)
      if (stop.aborted) giveUp()
      let late = false
      const expire = async () => {
        await sleep(delivery.deadlineMs, patience.signal)
        late ||= !patience.signal.aborted
        giveUp()
      }
      const expired = expire()
      try {
        const agent = agentFor(delivery, patience.signal)
        return await send(delivery, agent, sleep, patience.signal)
      } catch (error) {
        if (late) throw new DeliveryError('TIMEOUT', `no answer within ${delivery.deadlineMs} ms`)
        if (error instanceof DeliveryError) throw error
        throw new DeliveryError(kindOf(error), messageOf(error))
      } finally {
        giveUp()
        await expired
        stop.removeEventListener('abort', giveUp)
      }
    },
    close() {
      for (const agent of pools.values()) agent.destroy()
    },
  }
}

function kindOf(error: unknown): 'CONNECT' | 'RESET' | 'TLS' | 'ANSWER' {
  const code = errnoOf(error) ?? ''
  if (code.startsWith('HPE_')) return 'ANSWER'
  if (['ECONNRESET', 'EPIPE', 'ABORT_ERR'].includes(code)) return 'RESET'
  return /^ERR_(SSL|TLS)|^EPROTO/.test(code) ? 'TLS' : 'CONNECT'
}

function createAgent(destination: Destination, keepAlive: boolean, signal: AbortSignal): Agent {
  return Object.assign(new Agent({ keepAlive }), {
    createConnection(_options: unknown, done: (error: unknown, socket?: Socket) => void) {
      void hand(openConnection(destination, signal), done)
    },
  })
}

async function hand(
  opening: Promise<Socket>,
  done: (error: unknown, socket?: Socket) => void,
): Promise<void> {
  let socket: Socket
  try {
    socket = await opening
  } catch (error) {
    done(error)
    return
  }
  done(null, socket)
}

async function send(
  delivery: Delivery,
  agent: Agent,
  sleep: Sleep,
  signal: AbortSignal,
): Promise<Delivered> {
  const { url, body, contentType, style } = delivery
  const request = httpRequest({
    agent,
    host: url.hostname,
    path: `${url.pathname}${url.search}`,
    method: 'POST',
    headers: {
      host: url.host,
      'user-agent': 'cosigner-emulator',
      accept: '*/*',
      'content-type': contentType,
      ...(style === 'chunked' ? {} : { 'content-length': Buffer.byteLength(body) }),
      ...(style === 'expect' ? { expect: '100-continue' } : {}),
    },
    signal,
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
  })
  await Promise.race([answered, writeBody(request, Buffer.from(body), style, sleep, signal)])
  return readAnswer(await answered)
}

async function writeBody(
  request: ClientRequest,
  body: Buffer,
  style: ClientStyle,
  sleep: Sleep,
  signal: AbortSignal,
): Promise<void> {
  if (style === 'plain') {
    request.end(body)
    return
  }
  if (style === 'half-close') {
    request.end(body, () => request.socket?.end())
    return
  }
  if (style === 'expect') {
    request.flushHeaders()
    const invited = new AbortController()
    for (const event of ['continue', 'response', 'error'])
      request.once(event, () => invited.abort())
    // As libcurl does: sends anyway after a second without an answer.
    await sleep(1000, invited.signal)
    request.end(body)
    return
  }
  const size = Math.max(1, Math.ceil(body.length / 4))
  for (let at = 0; at < body.length && !request.destroyed; at += size) {
    request.write(body.subarray(at, at + size))
    if (style === 'drip') await sleep(40, signal)
  }
  request.end()
}

async function readAnswer(response: IncomingMessage): Promise<Delivered> {
  const body = await readBounded(response, MAX_ANSWER_BYTES).catch((error: unknown) => {
    if (!(error instanceof BodyTooLargeError)) throw error
    throw new DeliveryError('ANSWER', 'the answer is too long')
  })
  return { status: response.statusCode ?? 0, body: body.toString('utf8') }
}
