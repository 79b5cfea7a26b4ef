/** Start of the thread for large bodies. */
import { bootThread } from '../../common/thread.ts'
import type { BootedThread } from '../../common/thread.ts'

/** Boots the thread; it does nothing by itself. */
export function bootLargeThread(): BootedThread {
  return bootThread(workerUrl())
}

/** Sources that run uncompiled (tests) use the compiled worker: Node 20 loads no TypeScript into a thread. */
function workerUrl(): URL {
  const here = import.meta.url
  const isSource = here.endsWith('.ts')
  return new URL(isSource ? '../../dist/handler/large/worker.js' : './worker.js', here)
}
