/** Start of the thread that reads policies. */
import { bootThread, compiledModule } from '../../common/thread.ts'
import type { BootedThread } from '../../common/thread.ts'

/** Boots the thread; it reads nothing by itself. */
export function bootPolicyThread(): BootedThread {
  return bootThread(compiledModule(import.meta.url, 'worker.js'))
}
