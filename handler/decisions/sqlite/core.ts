/**
 * The store on an open database, synchronous: loads what a batch must see, lets the rules decide, and writes what they
 * made of it. A batch is one transaction, so that decisions which arrive together share one sync of the disk.
 */
import { isWrite, needsOf, partsOf } from '../calls.ts'
import type { Call, Calls, Reads, WriteTable } from '../calls.ts'
import { chainTime } from '../chain.ts'
import { checkpointSeq } from '../checkpoint.ts'
import { beginBatch, decideBatch, resultOf } from '../decide-batch.ts'
import type { CallResult } from '../decide-batch.ts'
import { holdOf } from '../holds.ts'
import { parseBody } from '../record.ts'
import type { ChainHead } from '../record.ts'
import { recallFrom } from '../requests.ts'
import { createSpending, fullLimits } from '../spending.ts'
import { createChainEnd } from './chain-end.ts'
import type { Database } from './database.ts'
import { createFeed } from './feed-table.ts'
import type { RequestIndex } from './request-index.ts'
import { createHoldEvidence } from './hold-evidence.ts'
import { createTables } from './tables.ts'
import type { Tables } from './tables.ts'

export interface Core {
  /** Each call as a batch of its own. All but `recall` and `frozen` must run inside a transaction. */
  readonly calls: Calls
  readonly index: RequestIndex
  readonly head: () => ChainHead
  /** Runs `work` in one durable transaction at that time; an error rolls all of it back. */
  transaction<T>(nowMs: number, work: () => T): T
  /**
   * Runs calls as one batch and returns their results in the order of the calls. Those that change something come first,
   * in their order; the others see all that was changed.
   */
  run(calls: readonly Call[]): readonly CallResult[]
}

/** The store on an open database. */
export function createCore(db: Database): Core {
  const tables = createTables(db)
  const { chain, holds, limits } = tables
  const { transaction, now } = createTransactions(db, tables)
  const probe = db.prepare<[number]>('INSERT OR REPLACE INTO probe (one, time) VALUES (1, ?)')

  const evidenceOf = createHoldEvidence(db)
  const newest = db.prepare<[], string>('SELECT body FROM chain ORDER BY seq DESC LIMIT 1').pluck()

  const reads: Reads & Pick<Calls, 'probe'> = {
    recall: (key, token) =>
      recallFrom(tables.rowsOf({ requests: [key], carries: [] }, key.fingerprint), key, token)
        .recall,
    listHolds: () => holds.openHolds(now()).map((hold) => holdOf(hold, now())),
    findHold: (id) => {
      const row = holds.hold(id)
      return row && { hold: holdOf(row, now()), evidence: evidenceOf(row) }
    },
    frozen: () => holds.freeze(),
    fullLimits: (entry) => {
      const needs = needsOf([{ name: 'record', args: [entry] }])
      return fullLimits(entry, createSpending(tables.load(needs, now()), now()))
    },
    limitUsage: (windows) => limits.usage(windows, now()),
    unsignedHead: () => {
      const head = chain.head()
      const last = parseBody(newest.get() ?? '{}')
      const signs = last.kind === 'checkpoint' ? checkpointSeq(last.jws) : undefined
      return last.kind === 'created' || signs === head.seq - 1 ? undefined : head
    },
    feedAfter: createFeed(db, holds, () => chain.head().seq),
    chainEnd: createChainEnd(db, () => chain.head()),
    probe: () => {
      probe.run(now())
    },
  }
  const alone = <N extends keyof WriteTable>(
    name: N,
    ...args: Parameters<WriteTable[N]>
  ): ReturnType<WriteTable[N]> => {
    const batch = beginBatch(tables.load(needsOf([{ name, args }]), now()), now())
    const writes: WriteTable = batch.writes
    const result = writes[name](...args)
    tables.write(batch.changes())
    return result
  }
  const calls: Calls = {
    ...reads,
    record: (entry) => alone('record', entry),
    openHold: (request) => alone('openHold', request),
    approveHold: (id, act) => alone('approveHold', id, act),
    rejectHold: (id, act) => alone('rejectHold', id, act),
    freeze: (action, act, replace) => alone('freeze', action, act, replace),
    unfreeze: (...args) => alone('unfreeze', ...args),
    releaseCharges: (...args) => alone('releaseCharges', ...args),
    askAct: (request) => alone('askAct', request),
    actDone: (...args) => alone('actDone', ...args),
    policyLoaded: (...args) => alone('policyLoaded', ...args),
    append: (content) => alone('append', content),
  }
  const decide = (part: readonly Call<keyof WriteTable>[]): readonly CallResult[] => {
    const { changes, results } = decideBatch(tables.load(needsOf(part), now()), part, now())
    tables.write(changes)
    return results
  }

  return {
    calls,
    index: chain.index,
    head: chain.head,
    transaction,
    run: (all) => {
      const written = partsOf(all.filter(isWrite)).flatMap(decide)
      return all.flatMap((call) =>
        isWrite(call)
          ? written.splice(0, 1)
          : [resultOf(() => Reflect.apply(calls[call.name], calls, call.args))],
      )
    },
  }
}

/** Durable transactions, and the time of the one at hand. */
function createTransactions(db: Database, { chain, reload }: Tables) {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const dataVersion = db.prepare('PRAGMA data_version').pluck()
  let nowMs = 0
  let seenVersion = dataVersion.get()
  return {
    now: () => nowMs,
    transaction: <T>(atMs: number, work: () => T): T => {
      begin.run()
      try {
        const version = dataVersion.get()
        // Another process has written.
        if (version !== seenVersion) reload()
        seenVersion = version
        nowMs = chainTime(chain.head(), atMs)
        const result = work()
        commit.run()
        return result
      } catch (error) {
        if (db.inTransaction) rollback.run()
        reload()
        throw error
      }
    },
  }
}
