/**
 * The store itself, synchronous, on an open database: every call is durable when its batch returns. A batch is one
 * transaction, so that decisions which arrive together share one sync of the disk.
 */
import { createChain } from './chain.ts'
import type { Database } from './database.ts'
import { createFreezeTable } from './freeze.ts'
import { createHoldTable } from './holds.ts'
import { createLimitTable } from './limits.ts'
import type { LimitUsage } from './limits.ts'
import type { Act, Freeze, Hold, HoldRequest } from './operations.ts'
import type { ChainHead, ChargedLimit, OperatorContent, RecordContent } from './record.ts'
import { createRecorder } from './recorder.ts'
import { createRequestIndex } from './request-index.ts'
import type { RequestIndex } from './request-index.ts'
import { createRequests } from './requests.ts'
import { StoreError } from './store-error.ts'
import { createSingleUseTable } from './single-uses.ts'
import type { NewDecision, Recall, Receipt } from './store.ts'
import type { RequestKey } from '../protocol/digest.ts'

/** What can be asked of the store; all of it crosses the thread border by name. */
export interface Calls {
  recall(key: RequestKey): Recall
  record(entry: NewDecision): Receipt
  openHold(request: HoldRequest): Hold
  listHolds(): readonly Hold[]
  approveHold(id: string, act: Act): Hold
  rejectHold(id: string, act: Act): Hold
  freeze(action: Freeze['action'], act: Act): Freeze
  unfreeze(act: Act): void
  frozen(): Freeze | undefined
  releaseCharges(owner: string, act: Act): readonly ChargedLimit[]
  limitUsage(windows: Readonly<Record<string, number>>): readonly LimitUsage[]
  /** Writes something that is no record, to prove that it could be. */
  probe(): void
  /** Adds any other record. */
  append(content: RecordContent): ChainHead
}

export interface Core {
  readonly calls: Calls
  readonly index: RequestIndex
  readonly head: () => ChainHead
  /** Runs `work` in one durable transaction at that time; an error rolls all of it back. */
  transaction<T>(nowMs: number, work: () => T): T
}

/** The store on an open database. */
export function createCore(db: Database): Core {
  const chain = createChain(db)
  const index = createRequestIndex(db)
  const requests = createRequests(chain, index)
  const limits = createLimitTable(db)
  const holds = createHoldTable(db)
  const freezes = createFreezeTable(db)
  const singleUses = createSingleUseTable(db)
  const recorder = createRecorder({
    db,
    chain,
    index,
    requests,
    limits,
    holds,
    freezes,
    singleUses,
  })
  const probe = db.prepare<[number]>('INSERT OR REPLACE INTO probe (one, time) VALUES (1, ?)')
  const dataVersion = db.prepare('PRAGMA data_version').pluck()

  const reload = () => {
    chain.reload()
    index.reload()
    freezes.reload()
  }

  let nowMs = 0
  let seenVersion = dataVersion.get()
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const transaction = <T>(atMs: number, work: () => T): T => {
    begin.run()
    try {
      const version = dataVersion.get()
      if (version !== seenVersion) reload()
      seenVersion = version
      nowMs = Math.max(Math.trunc(atMs), chain.head().timeMs)
      const result = work()
      commit.run()
      return result
    } catch (error) {
      if (db.inTransaction) rollback.run()
      reload()
      throw error
    }
  }
  const act = (name: OperatorContent['act'], subject: string, { by, note }: Act) => {
    chain.append({ kind: 'operator', act: name, by, subject, note }, nowMs)
  }

  const calls: Calls = {
    recall: (key) => requests.look(key).recall,
    record: (entry) => recorder.record(entry, nowMs),
    openHold: (request) => holds.open(request, nowMs),
    listHolds: () => holds.list(nowMs),
    approveHold: (id, by) => {
      const hold = holds.approve(id, by.by, nowMs)
      act('hold-approve', id, by)
      return hold
    },
    rejectHold: (id, by) => {
      const hold = holds.reject(id, by.by, nowMs)
      act('hold-reject', id, by)
      return hold
    },
    freeze: (action, by) => {
      const freeze = freezes.set(action, by, nowMs)
      act('freeze', action, by)
      return freeze
    },
    unfreeze: (by) => {
      freezes.clear()
      act('unfreeze', '', by)
    },
    frozen: () => freezes.get(),
    releaseCharges: (owner, by) => {
      const released = limits.release(owner)
      if (released.length === 0) {
        throw new StoreError('ERR_NOTHING_TO_RELEASE', `\`${owner}\` was charged nothing`)
      }
      act('release-charges', owner, by)
      return released
    },
    limitUsage: (windows) => limits.usage(windows, nowMs),
    probe: () => {
      probe.run(nowMs)
    },
    append: (content) => chain.append(content, nowMs),
  }

  return {
    calls,
    index,
    head: chain.head,
    transaction,
  }
}
