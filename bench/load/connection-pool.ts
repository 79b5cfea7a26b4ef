/** Many connections, opened beforehand; a closed one is replaced, and a request that finds none free is not sent. */
import { openConnection } from './connection.ts'
import type { Connection, Target } from './connection.ts'
import type { HttpAnswer } from './http-answer.ts'

export interface ConnectionPool {
  /** Posts one body; undefined when every connection is busy. */
  post(body: string): Promise<HttpAnswer> | undefined
  close(): void
}

/** Handshakes at a time while the pool is filled. */
const AT_ONCE = 32

/**
 * Opens `size` connections, and sends the primer over each of them: servers cut a connection that stays silent after the
 * handshake far sooner than one that was used.
 */
export async function createConnectionPool(
  target: Target,
  size: number,
  primer: string,
): Promise<ConnectionPool> {
  const idle: Connection[] = []
  let closed = false

  const opened = async () => {
    const connection = await openConnection(target)
    await connection.post(primer)
    return connection
  }
  const replace = async () => {
    if (closed) return
    const connection = await opened()
    if (closed) connection.close()
    else idle.push(connection)
  }
  const release = (connection: Connection) => {
    if (connection.isOpen() && !closed) {
      idle.push(connection)
      return
    }
    connection.close()
    void replace().catch(() => undefined)
  }
  const acquire = (): Connection | undefined => {
    for (let found = idle.pop(); found !== undefined; found = idle.pop()) {
      if (found.isOpen()) return found
      void replace().catch(() => undefined)
    }
    return undefined
  }

  for (let made = 0; made < size; made += AT_ONCE) {
    idle.push(
      ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, size - made) }, opened))),
    )
  }

  return {
    post(body) {
      const connection = acquire()
      return connection?.post(body).finally(() => release(connection))
    },
    close() {
      closed = true
      for (const connection of idle) connection.close()
    },
  }
}
