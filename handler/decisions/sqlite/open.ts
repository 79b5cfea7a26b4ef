/**
 * Opens a store and compares it with its high-water mark: a store that is missing, older or another one than the mark
 * remembers is opened, but stays behind until the operator accepts it.
 */
import { randomUUID } from 'node:crypto'
import { createCore } from './core.ts'
import type { Core } from './core.ts'
import { openDatabase } from './database.ts'
import type { Database, DatabaseOptions } from './database.ts'
import { markPath, openMark, readMark, replaceMark } from './mark.ts'
import type { Mark, MarkWriter } from './mark.ts'
import { NO_HASH } from '../record.ts'
import { StoreError } from '../store-error.ts'
import { createLogCopier, inspectLog } from './write-ahead-log.ts'
import type { LogCopier, LogState } from './write-ahead-log.ts'

/** What was found when the store was opened. */
export interface Opening {
  readonly storeId: string
  /** Records in the chain. */
  readonly records: number
  /** `clean` when the last process closed the store; see `LogState`. */
  readonly log: LogState
  /** Why decisions are refused until the operator accepts the store; undefined when they are not. */
  readonly behind: string | undefined
}

export interface OpenOptions extends DatabaseOptions {
  /** Whether to record that the last process did not close the store; false beside a handler that runs. */
  readonly noteRecovery?: boolean
}

export interface OpenStore {
  readonly core: Core
  readonly logCopier: LogCopier
  readonly opening: Opening
  /** Why the store is behind its mark, looked up anew while it is: the operator may have accepted it. */
  behind(): string | undefined
  /** Notes the head in the mark. */
  advanceMark(): void
  /** Accepts the store as it is. */
  accept(by: string, note: string, nowMs: number): Promise<void>
  close(): void
}

/** Opens the store at that path, creating it when there never was one. */
export async function openStore(
  path: string,
  nowMs: number,
  options: OpenOptions = {},
): Promise<OpenStore> {
  const log = inspectLog(path)
  const mark = readMark(markPath(path))
  const db = openDatabase(path, options)
  try {
    return await settle(db, path, nowMs, log, mark, options.noteRecovery ?? true)
  } catch (error) {
    db.close()
    throw error
  }
}

async function settle(
  db: Database,
  path: string,
  nowMs: number,
  log: LogState,
  found: Mark | 'damaged' | undefined,
  noteRecovery: boolean,
): Promise<OpenStore> {
  const core = createCore(db)
  const markFile = markPath(path)
  const first = db.prepare<[], string>('SELECT body FROM chain WHERE seq = 1').pluck()
  if (core.head().seq === 0) {
    const storeId = newStoreId(found)
    // The mark comes first: a crash between the two is a store that was never used.
    if (found === undefined) await replaceMark(markFile, { storeId, seq: 0, hash: NO_HASH })
    core.transaction(nowMs, () => core.calls.append({ kind: 'created', storeId }))
  }
  const storeId = storeIdOf(first.get())
  const hashAt = db.prepare<[number], string>('SELECT hash FROM chain WHERE seq = ?').pluck()

  const assess = () => {
    const mark = readMark(markFile)
    return behindReason(mark, storeId, mark instanceof Object ? hashAt.get(mark.seq) : undefined)
  }
  let reason = assess()
  let writer: MarkWriter | undefined
  const advanceMark = () => {
    if (reason !== undefined) return
    writer ??= openMark(markFile)
    const { seq, hash } = core.head()
    writer.write({ storeId, seq, hash })
  }
  if (noteRecovery && reason === undefined && log !== 'clean') {
    const tornTail = log === 'torn'
    core.transaction(nowMs, () => core.calls.append({ kind: 'recovered', tornTail }))
  }
  advanceMark()

  return {
    core,
    logCopier: createLogCopier(db),
    opening: { storeId, records: core.head().seq, log, behind: reason },
    behind: () => {
      if (reason !== undefined) reason = assess()
      return reason
    },
    advanceMark,
    accept: async (by, note, atMs) => {
      const { seq, hash } = core.transaction(atMs, () =>
        core.calls.append({ kind: 'operator', act: 'accept-store', by, subject: storeId, note }),
      )
      await replaceMark(markFile, { storeId, seq, hash })
      reason = undefined
    },
    close: () => {
      writer?.sync()
      writer?.close()
      db.close()
    },
  }
}

function newStoreId(mark: Mark | 'damaged' | undefined): string {
  return mark instanceof Object && mark.seq === 0 ? mark.storeId : randomUUID()
}

function storeIdOf(body: string | undefined): string {
  const content: unknown = JSON.parse(body ?? 'null')
  if (content instanceof Object && 'storeId' in content && typeof content.storeId === 'string') {
    return content.storeId
  }
  throw new StoreError('ERR_STORE_DAMAGED', 'the first record of the audit chain names no store')
}

function behindReason(
  mark: Mark | 'damaged' | undefined,
  storeId: string,
  hashAtMark: string | undefined,
): string | undefined {
  if (mark === undefined) return 'its high-water mark is missing'
  if (mark === 'damaged') return 'its high-water mark is damaged'
  if (mark.storeId !== storeId) return 'it is not the store that was used before'
  if (mark.seq === 0 || hashAtMark === mark.hash) return undefined
  return hashAtMark === undefined
    ? `it lacks records up to ${mark.seq}`
    : `its record ${mark.seq} is not the one that was written`
}
