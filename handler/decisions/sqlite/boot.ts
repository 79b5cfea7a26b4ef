/** Starts the store's thread before it is needed: it loads its modules while the rest of the program loads its own. */
import { bootThread } from '../../../common/thread.ts'
import type { BootedThread } from '../../../common/thread.ts'

/** Boots the thread; it opens nothing by itself. */
export function bootStoreThread(): BootedThread {
  return bootThread(workerUrl())
}

/** Sources that run uncompiled (tests) use the compiled worker: Node 20 loads no TypeScript into a thread. */
function workerUrl(): URL {
  const here = import.meta.url
  const compiled = here.endsWith('.ts')
    ? '../../../dist/handler/decisions/sqlite/worker.js'
    : './worker.js'
  return new URL(compiled, here)
}
