/** The thread that owns the database: a disk that hangs stops this thread only, never the one that answers. */
import { parentPort, workerData } from 'node:worker_threads'
import { runBatch, toWire } from './batch.ts'
import { openStore } from './open.ts'
import type { FromWorker, ToWorker, WorkerData } from './worker-messages.ts'

const port = parentPort
const { path, nowMs, maxPages } = workerData as WorkerData
const say = (message: FromWorker) => port?.postMessage(message)

try {
  const store = await openStore(path, nowMs, { maxPages })
  port?.on('message', (message: ToWorker) => {
    if (message.kind === 'batch') {
      say({ kind: 'results', results: runBatch(store, message.nowMs, message.calls) })
      return
    }
    store.close()
    say({ kind: 'closed' })
    port.close()
  })
  say({ kind: 'opened', opening: store.opening })
} catch (error) {
  say({ kind: 'failed', error: toWire(error) })
}
