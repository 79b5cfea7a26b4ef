/**
 * The store itself, synchronous, on an open database: every call is durable when its batch returns. A batch is one
 * transaction, so that decisions which arrive together share one sync of the disk.
 */
import { formatDecimal } from '../protocol/decimal.ts'
import { createChain } from './chain.ts'
import type { Database } from './database.ts'
import { createFreezeTable } from './freeze.ts'
import { createHoldTable } from './holds.ts'
import { createLimitTable } from './limits.ts'
import type { Act, Freeze, Hold, HoldRequest, ReleasedCharge } from './operations.ts'
import type { ChainHead, OperatorContent, RecordContent } from './record.ts'
import { createRecorder } from './recorder.ts'
import { createRequestTable, requestIdentity } from './requests.ts'
import { createSingleUseTable } from './single-uses.ts'
import type { NewDecision, Recall, Receipt, RequestKey } from './store.ts'

/** What can be asked of the store; all of it crosses the thread border by name. */
export interface Calls {
  recall(key: RequestKey): Recall
  record(entry: NewDecision): Receipt
  openHold(request: HoldRequest): Hold
  listHolds(): readonly Hold[]
  approveHold(id: string, act: Act): Hold
  rejectHold(id: string, act: Act): Hold
  freeze(action: Freeze['action'], act: Act): Freeze | undefined
  unfreeze(act: Act): void
  frozen(): Freeze | undefined
  releaseCharges(owner: string, act: Act): readonly ReleasedCharge[]
  /** Adds any other record. */
  append(content: RecordContent): ChainHead
}

export interface Core {
  readonly calls: Calls
  head(): ChainHead
  /** Runs `work` in one durable transaction at that time; an error rolls all of it back. */
  transaction<T>(nowMs: number, work: () => T): T
}

/** The store on an open database. */
export function createCore(db: Database): Core {
  const chain = createChain(db)
  const requests = createRequestTable(db, chain)
  const limits = createLimitTable(db)
  const holds = createHoldTable(db)
  const freezes = createFreezeTable(db)
  const singleUses = createSingleUseTable(db)
  const recorder = createRecorder({ db, chain, requests, limits, holds, freezes, singleUses })
  const dataVersion = db.prepare('PRAGMA data_version').pluck()

  let nowMs = 0
  let seenVersion: unknown
  const transaction = db.transaction((work: () => unknown) => {
    const version = dataVersion.get()
    if (version !== seenVersion) chain.reload()
    seenVersion = version
    nowMs = Math.max(nowMs, chain.head().timeMs)
    return work()
  })
  const act = (name: OperatorContent['act'], subject: string, { by, note }: Act) => {
    chain.append({ kind: 'operator', act: name, by, subject, note }, nowMs)
  }

  const calls: Calls = {
    recall: (key) => requests.recall(key, Buffer.from(requestIdentity(key), 'hex')),
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
      freezes.set(action, by, nowMs)
      act('freeze', action, by)
      return freezes.get()
    },
    unfreeze: (by) => {
      freezes.clear()
      act('unfreeze', '', by)
    },
    frozen: () => freezes.get(),
    releaseCharges: (owner, by) => {
      const released = limits.release(owner)
      act('release-charges', owner, by)
      return released.map(({ limit, key, amount }) => ({
        limit,
        key,
        amount: formatDecimal(amount),
      }))
    },
    append: (content) => chain.append(content, nowMs),
  }

  return {
    calls,
    head: chain.head,
    transaction: <T>(atMs: number, work: () => T): T => {
      nowMs = Math.trunc(atMs)
      try {
        return transaction.immediate(work) as T
      } catch (error) {
        seenVersion = undefined
        throw error
      }
    },
  }
}
