/** The thread that owns the database: a disk that hangs stops this thread only, never the one that answers. */
import { parentPort } from 'node:worker_threads'
import { runBatch, toWire } from './batch.ts'
import { openStore } from './open.ts'
import type { OpenStore } from './open.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'

/** Fingerprints read per turn, between batches. */
const CHUNK = 10_000

/** How long after the last batch work begins that decisions should not wait for, in milliseconds. */
const IDLE_MS = 50

const port = parentPort
let isOpen = true

function say(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer)
}

/**
 * Does something between batches, as long as there is more to do; a disk that fails there ends the process like one that
 * fails a commit.
 */
function whenIdle(work: () => boolean): void {
  setImmediate(() => {
    try {
      if (isOpen && work()) whenIdle(work)
    } catch (error) {
      const wire = toWire(error)
      if (wire.fatal) say({ kind: 'failed', error: wire })
    }
  })
}

/** Tells the fingerprints in the store: those in memory first, for a merge may move them meanwhile. */
function tellKnown({ core: { index } }: OpenStore): void {
  let after = -1
  sayKnown(index.unmerged(), false)
  whenIdle(() => {
    const merged = index.merged(after, CHUNK)
    after = merged.at(-1) ?? after
    sayKnown(merged, merged.length < CHUNK)
    return merged.length === CHUNK
  })
}

function sayKnown(list: readonly number[], complete: boolean): void {
  const fingerprints = Float64Array.from(list)
  say({ kind: 'known', fingerprints, complete }, [fingerprints.buffer])
}

/** Serves until it is told to close; what cannot be opened is said, and the thread ends. */
async function serve(open: Extract<ToWorker, { kind: 'open' }>): Promise<void> {
  const { path, nowMs, maxPages } = open
  try {
    const store = await openStore(path, nowMs, { maxPages })
    // A store that is not trusted is left as it is.
    const merge = () => store.behind() === undefined && store.core.index.merge()
    const idle = setTimeout(() => whenIdle(merge), IDLE_MS)
    port?.on('message', (message: ToWorker) => {
      idle.refresh()
      if (message.kind === 'batch') {
        say({ kind: 'results', results: runBatch(store, message.nowMs, message.calls) })
        whenIdle(store.logCopier.step)
      }
      if (message.kind !== 'close') return
      isOpen = false
      clearTimeout(idle)
      store.close()
      port.close()
    })
    say({ kind: 'opened', opening: store.opening })
    tellKnown(store)
  } catch (error) {
    say({ kind: 'failed', error: toWire(error) })
  }
}

port?.once('message', (message: ToWorker) => {
  if (message.kind === 'open') void serve(message)
})
