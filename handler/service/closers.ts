/** What has been opened, to be closed in the opposite order. */

export interface Closers {
  /** Remembers how to close what was just opened. */
  readonly add: (close: () => void | Promise<void>) => void
  /** Closes everything once, the newest first; every closer runs, and the first failure is thrown at the end. */
  readonly closeAll: () => Promise<void>
}

/** Starts empty. */
export function createClosers(): Closers {
  const closers: (() => void | Promise<void>)[] = []
  return {
    add: (close) => {
      closers.push(close)
    },
    async closeAll() {
      const failures: unknown[] = []
      for (const close of closers.splice(0).toReversed()) {
        try {
          await close()
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}

/** Closes a Node server with all its connections. */
export function serverCloser(server: {
  close(done: () => void): unknown
  closeAllConnections(): void
}): () => Promise<void> {
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
}
