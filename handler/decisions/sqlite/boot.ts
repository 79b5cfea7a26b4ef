/** Starts the store's thread before it is needed: it loads its modules while the rest of the program loads its own. */
import { Worker } from 'node:worker_threads'

/** A thread that waits to be told which database to open. */
export interface BootedThread {
  readonly worker: Worker
  /** Rejects when the thread dies; nothing has to listen. */
  readonly died: Promise<never>
}

/** Boots the thread; it opens nothing by itself. */
export function bootStoreThread(): BootedThread {
  const worker = new Worker(workerUrl())
  const died = new Promise<never>((_, reject) => {
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the thread ended')))
  })
  died.catch(() => undefined)
  return { worker, died }
}

/** Sources that run uncompiled (tests) use the compiled worker: Node 20 loads no TypeScript into a thread. */
function workerUrl(): URL {
  const here = import.meta.url
  const compiled = here.endsWith('.ts')
    ? '../../../dist/handler/decisions/sqlite/worker.js'
    : './worker.js'
  return new URL(compiled, here)
}
