/** The store's thread, seen from outside: calls are collected while it commits, and go to it as one batch. */
import { bootStoreThread } from './boot.ts'
import type { BootedThread } from '../../../common/thread.ts'
import type { ClockReading } from '../clock-guard.ts'
import type { Call, Calls } from '../calls.ts'
import type { Opening } from './open.ts'
import { StoreError } from '../store-error.ts'
import type { FromWorker, ToWorker, WireError } from './worker-messages.ts'

export interface ThreadOptions {
  readonly path: string
  readonly maxPages: number | undefined
  readonly readClock: () => ClockReading
  /** The disk failed or the thread died. Called at most once. */
  readonly onFatal: (error: StoreError) => void
  /** Hears the fingerprints that were in the store when it was opened; `complete` with the last of them. */
  readonly onKnown: (fingerprints: Float64Array, complete: boolean) => void
  /** A thread that was booted ahead; one is started otherwise. */
  readonly booted?: BootedThread | undefined
}

export interface StoreThread {
  readonly opening: Opening
  /** Resolves when what was asked is on disk. */
  readonly ask: <K extends keyof Calls>(
    name: K,
    ...args: Parameters<Calls[K]>
  ) => Promise<ReturnType<Calls[K]>>
  /** The same, but until `turn` resolves the call may wait for others to go with. */
  readonly askBy: <K extends keyof Calls>(
    turn: Promise<void> | undefined,
    name: K,
    ...args: Parameters<Calls[K]>
  ) => Promise<ReturnType<Calls[K]>>
  /** Refuses further calls, waits for those under way, and closes the database. */
  close(): Promise<void>
}

interface Waiting {
  readonly call: Call
  readonly resolve: (value: unknown) => void
  readonly reject: (error: StoreError) => void
}

/** Calls that may wait for the thread; more are refused at once. */
const MAX_WAITING = 4_096
/**
 * Calls whose turn came while a batch was running show that decisions come concurrently: the next batch gathers for this
 * long. One that finds the thread idle goes at once.
 */
const GATHER_MS = 2

/** Starts the thread and opens the database in it. @throws StoreError when it cannot be opened */
export async function startThread(options: ThreadOptions): Promise<StoreThread> {
  const { path, maxPages, readClock, onFatal, onKnown } = options
  const booted = options.booted ?? bootStoreThread()
  const { worker } = booted
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  const post = (message: ToWorker) => worker.postMessage(message)
  post({ kind: 'open', path, nowMs: readClock().nowMs, maxPages })
  const opening = await opened(booted)

  let waiting: Waiting[] = []
  let running: readonly Waiting[] = []
  let scheduled = false
  /** Something waits that must not wait any longer. */
  let due = false
  let ended: StoreError | undefined

  const end = (error: StoreError) => {
    ended = error
    for (const { reject } of [...running, ...waiting]) reject(error)
    running = []
    waiting = []
  }
  const fail = (error: StoreError) => {
    if (ended !== undefined) return
    end(error)
    void worker.terminate()
    onFatal(error)
  }
  const flush = () => {
    scheduled = false
    if (running.length > 0 || waiting.length === 0) return
    running = waiting
    waiting = []
    due = false
    post({ kind: 'batch', nowMs: readClock().nowMs, calls: running.map(({ call }) => call) })
  }
  const hurry = () => {
    due = true
    if (scheduled || running.length > 0) return
    scheduled = true
    setImmediate(flush)
  }
  const send = (call: Call, turn?: Promise<void>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined || waiting.length >= MAX_WAITING) {
        reject(ended ?? new StoreError('ERR_STORE_UNAVAILABLE', 'too much waits for the store'))
        return
      }
      const own = waiting
      own.push({ call, resolve, reject })
      if (turn === undefined) hurry()
      else void turn.then(() => own === waiting && hurry())
    })
  const finish = (results: Extract<FromWorker, { kind: 'results' }>['results']) => {
    const answered = running
    running = []
    for (const [index, { resolve, reject }] of answered.entries()) {
      const result = results[index]
      if (result?.ok === true) resolve(result.value)
      else reject(fromWire(result?.error))
    }
    const fatal = results.find((result) => !result.ok && result.error.fatal)
    if (fatal?.ok === false) fail(fromWire(fatal.error))
    if (!due || scheduled) return
    scheduled = true
    setTimeout(flush, GATHER_MS)
  }

  const askBy: StoreThread['askBy'] = async <K extends keyof Calls>(
    turn: Promise<void> | undefined,
    name: K,
    ...args: Parameters<Calls[K]>
  ) =>
    // The worker answers a call with what the method of that name returns.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    (await send({ name, args }, turn)) as ReturnType<Calls[K]>

  const closed = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      fail(new StoreError('ERR_STORE_FAILED', 'the thread of the store ended'))
      resolve()
    })
  })
  worker.on('error', (cause) => {
    fail(new StoreError('ERR_STORE_FAILED', 'the thread of the store died', { cause }))
  })
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'results') finish(message.results)
    if (message.kind === 'failed') fail(fromWire(message.error))
    if (message.kind === 'known') onKnown(message.fingerprints, message.complete)
  })

  return {
    opening,
    ask: (name, ...args) => askBy(undefined, name, ...args),
    askBy,
    close: async () => {
      // Whatever was asked before is answered before this.
      await send({ name: 'frozen', args: [] }).catch(() => undefined)
      if (ended === undefined) end(new StoreError('ERR_STORE_UNAVAILABLE', 'the store is closed'))
      post({ kind: 'close' })
      await closed
    },
  }
}

async function opened({ worker, died }: BootedThread): Promise<Opening> {
  const heard = new Promise<FromWorker>((resolve) => {
    worker.once('message', resolve)
  })
  const message = await Promise.race([heard, died])
  if (message.kind === 'opened') return message.opening
  if (message.kind === 'failed') throw fromWire(message.error)
  throw new StoreError('ERR_STORE_FAILED', 'unexpected first message from the store thread')
}

function fromWire(error: WireError | undefined): StoreError {
  if (error === undefined)
    return new StoreError('ERR_STORE_UNAVAILABLE', 'the store gave no answer')
  const { code, message, hint } = error
  return new StoreError(code, message, hint === undefined ? {} : { hint })
}
