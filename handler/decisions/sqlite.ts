/** The decision store as the handler uses it: calls are collected while the worker commits, and go as one batch. */
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../common/clock.ts'
import type { Calls } from './core.ts'
import type { Opening } from './open.ts'
import type { Freeze, OperatorActs } from './operations.ts'
import { StoreError } from './store-error.ts'
import type { DecisionStore } from './store.ts'
import type { FromWorker, ToWorker, WireError, WorkerCall, WorkerData } from './worker-messages.ts'

export interface SqliteStoreOptions {
  /** Path of the database, e.g. `<state>/decisions.db`; its directory must exist. */
  readonly path: string
  readonly clock: Clock
  /** The disk failed or the store's thread died: the process must exit. Called at most once. */
  readonly onFatal: (error: StoreError) => void
  /** Upper bound of the database in pages of 4096 bytes. */
  readonly maxPages?: number
}

/** The store, what was found when it was opened, and the operator's acts. */
export interface SqliteStore extends DecisionStore, OperatorActs {
  readonly opening: Opening
}

interface Waiting {
  readonly call: WorkerCall
  readonly resolve: (value: never) => void
  readonly reject: (error: StoreError) => void
}

/** Calls that may wait for the worker; more are refused at once. */
const MAX_WAITING = 4_096

/**
 * Opens the store in a thread of its own.
 *
 * @throws StoreError when it cannot be opened at all; a store that is behind its mark opens, and refuses to record
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path, clock, maxPages, onFatal } = options
  const data: WorkerData = { path, nowMs: clock.now().getTime(), maxPages }
  const worker = new Worker(workerUrl(), { workerData: data })
  const opening = await opened(worker)

  let waiting: Waiting[] = []
  let running: Waiting[] = []
  let scheduled = false
  let ended: StoreError | undefined
  let whenClosed: (() => void) | undefined

  const end = (error: StoreError) => {
    ended ??= error
    for (const { reject } of [...running, ...waiting]) reject(ended)
    running = []
    waiting = []
  }
  const fail = (error: StoreError) => {
    if (ended !== undefined) return
    end(error)
    onFatal(error)
  }
  const flush = () => {
    scheduled = false
    if (running.length > 0 || waiting.length === 0) return
    running = waiting
    waiting = []
    const calls = running.map(({ call }) => call)
    const message: ToWorker = { kind: 'batch', nowMs: clock.now().getTime(), calls }
    worker.postMessage(message)
  }
  const ask = <K extends keyof Calls>(name: K, ...args: Parameters<Calls[K]>) =>
    send<ReturnType<Calls[K]>>({ name, args })
  const send = <T>(call: WorkerCall): Promise<T> => {
    if (ended !== undefined) return Promise.reject(ended)
    if (waiting.length >= MAX_WAITING) {
      return Promise.reject(new StoreError('ERR_STORE_UNAVAILABLE', 'too much waits for the store'))
    }
    return new Promise<T>((resolve, reject) => {
      waiting.push({ call, resolve, reject })
      if (scheduled) return
      scheduled = true
      queueMicrotask(flush)
    })
  }

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'closed') whenClosed?.()
    if (message.kind !== 'results') return
    const answered = running
    running = []
    for (const [index, { resolve, reject }] of answered.entries()) {
      const result = message.results[index]
      if (result?.ok === true) resolve(result.value as never)
      else if (result !== undefined) reject(fromWire(result.error))
    }
    const fatal = message.results.find((result) => !result.ok && result.error.fatal)
    if (fatal?.ok === false) fail(fromWire(fatal.error))
    flush()
  })
  worker.on('error', (error) => {
    fail(new StoreError('ERR_STORE_FAILED', 'the thread of the store died', { cause: error }))
  })
  worker.on('exit', () => {
    fail(new StoreError('ERR_STORE_FAILED', 'the thread of the store ended'))
    whenClosed?.()
  })

  let freeze = await ask('frozen')
  return {
    opening,
    recall: (key) => ask('recall', key),
    record: (entry) => ask('record', entry),
    check: () => send<undefined>({ name: 'check', args: [] }),
    openHold: (request) => ask('openHold', request),
    listHolds: () => ask('listHolds'),
    approveHold: (id, act) => ask('approveHold', id, act),
    rejectHold: (id, act) => ask('rejectHold', id, act),
    frozen: () => freeze,
    freeze: async (action, act) => {
      freeze = await ask('freeze', action, act)
      return freeze as Freeze
    },
    unfreeze: async (act) => {
      await ask('unfreeze', act)
      freeze = undefined
    },
    releaseCharges: (owner, act) => ask('releaseCharges', owner, act),
    close: async () => {
      if (ended !== undefined) return
      await send({ name: 'check', args: [] }).catch(() => undefined)
      const closed = new Promise<void>((resolve) => {
        whenClosed = resolve
      })
      end(new StoreError('ERR_STORE_UNAVAILABLE', 'the store is closed'))
      worker.postMessage({ kind: 'close' } satisfies ToWorker)
      await closed
      await worker.terminate()
    },
  }
}

/** Sources that run uncompiled (tests) use the compiled worker: Node 20 loads no TypeScript into a thread. */
function workerUrl(): URL {
  const here = import.meta.url
  return new URL(
    here.endsWith('.ts') ? '../../dist/handler/decisions/worker.js' : './worker.js',
    here,
  )
}

function opened(worker: Worker): Promise<Opening> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (message: FromWorker) => {
      worker.off('error', reject)
      if (message.kind === 'opened') resolve(message.opening)
      if (message.kind === 'failed') reject(fromWire(message.error))
    })
  })
}

function fromWire({ code, message, hint }: WireError): StoreError {
  return new StoreError(code, message, hint === undefined ? {} : { hint })
}
