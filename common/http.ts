/**
 * The two moves of every small HTTP server and client: start to listen, and read a body of bounded
 * size.
 */
import type { ListenOptions, Server } from 'node:net'

/** Resolves once the server listens; rejects with the error of the system, such as `EADDRINUSE`. */
export function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** A body was larger than its reader allows. */
export class BodyTooLargeError extends Error {
  constructor(maxBytes: number) {
    super(`the body is larger than ${maxBytes} bytes`)
    this.name = 'BodyTooLargeError'
  }
}

/**
 * Reads a whole body of at most `maxBytes`; no more of a larger one. A client's connection is cut
 * then, a server's can still carry its answer.
 *
 * @throws BodyTooLargeError
 */
export async function readBounded(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new BodyTooLargeError(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
