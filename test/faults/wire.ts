/** Bytes on a TLS connection, with nothing between: what is sent is what was written, what came is kept as it came. */
import { connect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** A connection that is ready for bytes. @throws when the handshake fails */
export async function openTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}

/** Everything that comes back for these bytes until the peer closes, or until nothing came for `quietMs`. */
export async function exchange(
  port: number,
  parts: readonly (string | Buffer)[],
  quietMs = 400,
): Promise<string> {
  const socket = await openTls(port)
  const chunks: Buffer[] = []
  let last = performance.now()
  let open = true
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    last = performance.now()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    open = false
  })
  for (const part of parts) if (open) socket.write(part)
  while (open && (chunks.length === 0 || performance.now() - last < quietMs)) {
    if (performance.now() - last > 8_000) break
    await sleep(10)
  }
  socket.destroy()
  return Buffer.concat(chunks).toString('latin1')
}

/** The status codes of all answers in what came back. */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
}

/** A kept connection that asks one thing after another and gives each answer byte for byte. */
export interface Wire {
  post(path: string, body: string | Buffer): Promise<string>
  close(): void
}

/** Requests on one connection before the handler ends it would make answers differ. */
const PER_CONNECTION = 900

/** Connects when needed, and anew before the handler's own limit of requests per connection. */
export function createWire(port: number): Wire {
  let socket: TLSSocket | undefined
  let sent = 0
  return {
    close: () => socket?.destroy(),
    async post(path, body) {
      if (socket === undefined || socket.destroyed || sent >= PER_CONNECTION) {
        socket?.destroy()
        socket = await openTls(port)
        sent = 0
      }
      sent += 1
      const length = Buffer.byteLength(body)
      const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`
      // One write: two small ones would wait for each other on the way (RFC 896).
      socket.write(Buffer.concat([Buffer.from(head), Buffer.from(body)]))
      return oneAnswer(socket)
    },
  }
}

/** One answer with a content length, or what came before the connection ended. */
function oneAnswer(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const done = () => {
      socket.off('data', onData).off('close', done).off('error', done)
      clearTimeout(timer)
      resolve(text)
    }
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const [, length] = /^content-length: (\d+)/im.exec(text) ?? []
      if (head >= 0 && length !== undefined && text.length >= head + 4 + Number(length)) done()
    }
    const timer = setTimeout(done, 8_000)
    socket.on('data', onData).on('close', done).on('error', done)
  })
}
