/** One TLS keep-alive connection that carries one request at a time, far cheaper than Node's own HTTP client. */
import { once } from 'node:events'
import { connect, createSecureContext } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import { parseAnswer, postRequest } from './http-answer.ts'
import type { HttpAnswer } from './http-answer.ts'

/** Where requests go. */
export interface Target {
  readonly port: number
  readonly path: string
  /** The server's self-signed certificate: trusted, and nothing else is. */
  readonly certificatePem: string
  /** Must have signed the answers. */
  readonly answerKeyPem: string
}

export interface Connection {
  /** Posts one body; rejects when the connection ends first. */
  post(body: string): Promise<HttpAnswer>
  /** False after an error or an answer that closes the connection. */
  isOpen(): boolean
  close(): void
}

const contexts = new Map<string, SecureContext>()

/** One context per certificate: making one costs more than a handshake. */
function contextOf(certificatePem: string): SecureContext {
  const context = contexts.get(certificatePem) ?? createSecureContext({ ca: certificatePem })
  contexts.set(certificatePem, context)
  return context
}

/** A TLS socket to the target, after the handshake. */
export async function openSocket(target: Target): Promise<TLSSocket> {
  const secureContext = contextOf(target.certificatePem)
  const socket = connect({
    host: '127.0.0.1',
    port: target.port,
    servername: 'localhost',
    secureContext,
  })
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  return socket
}

/** Opens a connection to the target. */
export async function openConnection(target: Target): Promise<Connection> {
  const socket = await openSocket(target)
  const host = `localhost:${target.port}`
  let waiting: Settle | undefined
  let received = ''
  let open = true

  const fail = (error: Error) => {
    open = false
    waiting?.reject(error)
    waiting = undefined
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the connection was closed')))
  const receive = (chunk: Buffer) => {
    received += chunk.toString('latin1')
    const parsed = parseAnswer(received)
    if (parsed === undefined) return
    received = received.slice(parsed.end)
    if (parsed.answer.close) open = false
    waiting?.resolve(parsed.answer)
    waiting = undefined
  }
  socket.on('data', (chunk: Buffer) => {
    try {
      receive(chunk)
    } catch (cause) {
      fail(new Error('the answer cannot be read', { cause }))
      socket.destroy()
    }
  })

  return {
    post(body) {
      const promise = new Promise<HttpAnswer>((resolve, reject) => {
        waiting = { resolve, reject }
      })
      socket.write(postRequest(target.path, host, body), 'latin1')
      return promise
    },
    isOpen: () => open,
    close() {
      open = false
      socket.destroy()
    },
  }
}

interface Settle {
  readonly resolve: (answer: HttpAnswer) => void
  readonly reject: (error: Error) => void
}
