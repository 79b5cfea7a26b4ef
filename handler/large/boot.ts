/** Start of the thread for large bodies. */
import { bootThread, compiledModule } from '../../common/thread.ts'
import type { BootedThread } from '../../common/thread.ts'

/** Boots the thread; it does nothing by itself. */
export function bootLargeThread(): BootedThread {
  return bootThread(compiledModule(import.meta.url, 'worker.js'))
}
