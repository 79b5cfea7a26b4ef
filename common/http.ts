/** The two moves of every small HTTP server and client: start to listen, and read a body of bounded size. */
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
 * Reads a whole body of at most `maxBytes`. A larger one is cut off with its connection; with `drain` it is read to its
 * end and thrown away, so that the connection can still carry an answer.
 *
 * @throws BodyTooLargeError
 */
export async function readBounded(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  { drain = false } = {},
): Promise<Buffer> {
  let chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size <= maxBytes) {
      chunks.push(chunk)
      continue
    }
    chunks = []
    if (!drain) break
  }
  if (size > maxBytes) throw new BodyTooLargeError(maxBytes)
  return Buffer.concat(chunks)
}
