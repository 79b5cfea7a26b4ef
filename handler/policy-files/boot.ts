/** Start of the thread that reads policies. */
import { bootThread } from '../../common/thread.ts'
import type { BootedThread } from '../../common/thread.ts'

/** Boots the thread; it reads nothing by itself. */
export function bootPolicyThread(): BootedThread {
  return bootThread(workerUrl())
}

/** Sources that run uncompiled (tests) use the compiled worker: Node 20 loads no TypeScript into a thread. */
function workerUrl(): URL {
  const here = import.meta.url
  const isSource = here.endsWith('.ts')
  return new URL(isSource ? '../../dist/handler/policy-files/worker.js' : './worker.js', here)
}
