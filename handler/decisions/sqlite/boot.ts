/** Starts the store's thread before it is needed: it loads its modules while the rest of the program loads its own. */
import { bootThread, compiledModule } from '../../../common/thread.ts'
import type { BootedThread } from '../../../common/thread.ts'

/** Boots the thread; it opens nothing by itself. */
export function bootStoreThread(): BootedThread {
  return bootThread(compiledModule(import.meta.url, 'worker.js'))
}
