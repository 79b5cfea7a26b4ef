/** The decision store as the handler uses it: durable in a thread of its own, with what can be known in memory. */
import type { Clock } from '../../../common/clock.ts'
import type { BootedThread } from '../../../common/thread.ts'
import type { ChainEnd } from '../calls.ts'
import type { CheckpointKey } from '../checkpoint.ts'
import { createCheckpointer } from '../checkpointer.ts'
import { createClockGuard } from '../clock-guard.ts'
import type { FeedPage } from '../feed.ts'
import { createFingerprintSet } from './fingerprint-set.ts'
import type { Opening } from './open.ts'
import type { OperatorActs } from '../operations.ts'
import type { AlarmContent } from '../record.ts'
import { StoreError } from '../store-error.ts'
import type { DecisionStore, NewDecision, Receipt } from '../store.ts'
import { startThread } from './thread.ts'

export interface SqliteStoreOptions {
  /** Path of the database, e.g. `<state>/decisions.db`; its directory must exist. */
  readonly path: string
  readonly clock: Clock
  /** The disk failed or the store's thread died: the process must exit. Called at most once. */
  readonly onFatal: (error: StoreError) => void
  /** The key that signs checkpoints; without it the chain is not signed. */
  readonly checkpointKey?: () => CheckpointKey | undefined
  /** Hears each signed checkpoint: log it, so that a copy leaves the machine. */
  readonly onCheckpoint?: (jws: string) => void
  /** Hears why a checkpoint could not be made; it is tried again. */
  readonly onCheckpointError?: (error: unknown) => void
  /** Records between checkpoints; default 1,000. */
  readonly checkpointEvery?: number
  /** Milliseconds between checkpoints while there are new records; default five minutes. */
  readonly checkpointIntervalMs?: number
  /** Upper bound of the database in pages of 4,096 bytes; default SQLite's own. */
  readonly maxPages?: number
  /** The store's thread, when it was started ahead. */
  readonly booted?: BootedThread | undefined
}

/** The store, what was found when it was opened, the operator's acts, and what there is to tell of them. */
export interface SqliteStore extends DecisionStore, OperatorActs {
  /** What the records after that number tell. */
  readonly feedAfter: (seq: number) => Promise<FeedPage>
  /** How far the chain has come, and how far it is signed. */
  readonly chainEnd: () => Promise<ChainEnd>
  /** Records an alarm. */
  readonly recordAlarm: (alarm: Omit<AlarmContent, 'kind'>) => Promise<void>
  /** Log it: it says whether the last process crashed, and whether the store is behind its mark. */
  readonly opening: Opening
}

/**
 * Opens the store, creating it when there never was one.
 *
 * @throws StoreError when it cannot be opened at all; a store that is behind its mark opens, and refuses to record
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path, clock, maxPages, onFatal } = options
  const readClock = createClockGuard(clock)
  const seen = createFingerprintSet()
  let knowsAll = false

  const thread = await startThread({
    path,
    maxPages,
    readClock,
    onFatal,
    booted: options.booted,
    onKnown: (fingerprints, complete) => {
      for (const fingerprint of fingerprints) seen.add(fingerprint)
      knowsAll ||= complete
    },
  })
  const { ask, askBy, opening } = thread
  const checkpointer = createCheckpointer({
    storeId: opening.storeId,
    clock,
    key: options.checkpointKey ?? (() => undefined),
    append: (jws) => ask('append', { kind: 'checkpoint', jws }),
    onCheckpoint: options.onCheckpoint ?? (() => undefined),
    onError: options.onCheckpointError ?? (() => undefined),
    every: options.checkpointEvery ?? 1_000,
    intervalMs: options.checkpointIntervalMs ?? 300_000,
  })
  const timer = setInterval(checkpointer.tick, 10_000).unref()

  const assertClock = () => {
    const { offByMs } = readClock()
    if (offByMs === undefined) return
    throw new StoreError('ERR_STORE_CLOCK', `the clock jumped by ${Math.round(offByMs / 1000)} s`, {
      hint: 'set the clock right, or restart the handler to accept the new time',
    })
  }
  const record = async (entry: NewDecision, turn?: Promise<void>): Promise<Receipt> => {
    if (entry.decision.action === 'APPROVE') assertClock()
    seen.add(entry.key.fingerprint)
    const receipt = await askBy(turn, 'record', entry)
    checkpointer.advance(receipt.seq, receipt.hash)
    return receipt
  }

  /** The next checkpoint signs all that is there, whoever wrote it. */
  const advance = async () => {
    const head = await ask('unsignedHead')
    if (head !== undefined) checkpointer.advance(head.seq, head.hash)
  }
  const acted = async <T>(act: Promise<T>): Promise<T> => {
    const result = await act
    await advance()
    return result
  }

  // What the last process had not signed, because it was killed.
  if (opening.behind === undefined) await advance()
  let frozen = await ask('frozen')
  return {
    opening,
    recall: async (key, token) => {
      if (knowsAll && !seen.mayHave(key.fingerprint)) return { kind: 'new' }
      return ask('recall', key, token)
    },
    record,
    check: async () => {
      assertClock()
      await ask('probe')
    },
    openHold: (request) => ask('openHold', request),
    listHolds: () => ask('listHolds'),
    findHold: (id) => ask('findHold', id),
    approveHold: (id, act) => acted(ask('approveHold', id, { ...act, store: opening.storeId })),
    rejectHold: (id, act) => acted(ask('rejectHold', id, { ...act, store: opening.storeId })),
    frozen: () => frozen,
    freeze: async (action, act, replace) => {
      const freeze = await ask('freeze', action, act, replace)
      frozen = freeze
      await advance()
      return freeze
    },
    unfreeze: async (act, release) => {
      await ask('unfreeze', act, release)
      frozen = undefined
      await advance()
    },
    releaseCharges: (owner, act, release) => acted(ask('releaseCharges', owner, act, release)),
    askAct: (request) => acted(ask('askAct', request)),
    actDone: (act, subject, release) => acted(ask('actDone', act, subject, release)),
    policyLoaded: (load, release) => acted(ask('policyLoaded', load, release)),
    fullLimits: (entry) => ask('fullLimits', entry),
    limitUsage: (windows) => ask('limitUsage', windows),
    feedAfter: (seq) => ask('feedAfter', seq),
    chainEnd: () => ask('chainEnd'),
    recordAlarm: async (alarm) => {
      await acted(ask('append', { kind: 'alarm', ...alarm }))
    },
    close: async () => {
      clearInterval(timer)
      await checkpointer.finish()
      await thread.close()
    },
  }
}
