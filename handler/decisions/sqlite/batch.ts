/** Runs the calls of one batch so that one that fails takes no other with it, and names each failure. */
import { errnoOf, messageOf } from '../../../common/errors.ts'
import type { Call } from '../calls.ts'
import type { CallResult } from '../decide-batch.ts'
import { StoreError } from '../store-error.ts'
import type { OpenStore } from './open.ts'
import type { WireError, WireResult } from './worker-messages.ts'

/** Change nothing, so that they need no transaction. */
const READS: ReadonlySet<string> = new Set(['recall', 'frozen', 'unsignedHead', 'feedAfter'])
/** Answered even while the store is behind its mark. A decision is not: the store could be a forged one. */
const ALWAYS: ReadonlySet<string> = new Set(['listHolds', 'frozen'])

/** The results, in the order of the calls; what was written is on disk when this returns. */
export function runBatch(store: OpenStore, nowMs: number, calls: readonly Call[]): WireResult[] {
  const behind = store.behind()
  const allowed = behind === undefined ? calls : calls.filter(({ name }) => ALWAYS.has(name))
  const results = runAllowed(store, nowMs, allowed)
  if (behind === undefined) return results
  const error = toWire(behindError(behind))
  return calls.flatMap(({ name }) =>
    ALWAYS.has(name) ? results.splice(0, 1) : [{ ok: false, error }],
  )
}

function runAllowed(store: OpenStore, nowMs: number, calls: readonly Call[]): WireResult[] {
  const { core } = store
  try {
    const results = calls.some(({ name }) => !READS.has(name))
      ? core.transaction(nowMs, () => core.run(calls))
      : core.run(calls)
    store.advanceMark()
    store.logCopier.note(calls.length)
    return results.map(wireResult)
  } catch (error) {
    if (calls.length === 1 || isFatal(error)) {
      return calls.map(() => ({ ok: false, error: toWire(error) }))
    }
    return calls.flatMap((call) => runAllowed(store, nowMs, [call]))
  }
}

function wireResult(result: CallResult): WireResult {
  return result.ok ? result : { ok: false, error: toWire(result.error) }
}

function behindError(reason: string): StoreError {
  return new StoreError('ERR_STORE_BEHIND', `the decision store cannot be trusted: ${reason}`, {
    hint: 'restore the newest store, or accept this one: `countersign-handler audit accept-store`',
  })
}

/** A failed write or sync leaves the disk in an unknown state: the process must end and read it again. */
export function isFatal(error: unknown): boolean {
  return toWire(error).fatal
}

/** An error as it crosses the thread border. */
export function toWire(error: unknown): WireError {
  if (error instanceof StoreError) {
    return { code: error.code, message: error.message, hint: error.hint, fatal: false }
  }
  const sqlite = errnoOf(error) ?? ''
  const message = `the decision store failed: ${sqlite === '' ? messageOf(error) : sqlite}`
  // The shared-memory index beside the log cannot grow: the disk is full, and nothing was written.
  if (sqlite === 'SQLITE_FULL' || sqlite === 'SQLITE_IOERR_SHMSIZE') {
    return { code: 'ERR_STORE_FULL', message, hint: 'free disk space', fatal: false }
  }
  if (sqlite.startsWith('SQLITE_IOERR')) {
    return { code: 'ERR_STORE_FAILED', message, hint: 'check the disk', fatal: true }
  }
  if (sqlite.startsWith('SQLITE_CORRUPT') || sqlite.startsWith('SQLITE_NOTADB')) {
    const hint = 'restore the store from a backup'
    return { code: 'ERR_STORE_DAMAGED', message, hint, fatal: true }
  }
  return { code: 'ERR_STORE_UNAVAILABLE', message, hint: undefined, fatal: false }
}
