/**
 * Rules of the decision store: from what a store holds and what is asked to what is written and answered. Pure, and the
 * same for every database. The calls of a batch see what those before them changed, so that a batch of many leaves
 * exactly what batches of one would have left.
 */
import type { Decision } from '../policy/decision.ts'
import { reserved } from '../policy/reserved.ts'
import { actIdOf, askAct, operatorContent, useRelease } from './acts.ts'
import type { Call, Writes, WriteTable } from './calls.ts'
import { carrierOf, provenIn } from './carried.ts'
import type { Proven } from './carried.ts'
import { createTail } from './chain.ts'
import type { Tail } from './chain.ts'
import { bodyOf } from './decision-fields.ts'
import {
  approveHold,
  askHold,
  heldContent,
  holdIdOf,
  holdOf,
  openHold,
  rejectHold,
} from './holds.ts'
import type { HoldRow } from './holds.ts'
import { describeCharge } from './limits.ts'
import { addFreeze, freezeActOf } from './freeze.ts'
import type { Freeze } from '../../common/admin-api.ts'
import type { ChainRow } from './record.ts'
import { recallFrom } from './requests.ts'
import type { Changes, Snapshot } from './snapshot.ts'
import { createSpending } from './spending.ts'
import type { Spending } from './spending.ts'
import { StoreError } from './store-error.ts'
import type { NewDecision, Recall, Spent } from './store.ts'
import { isVariantOf } from './variants.ts'

/** What a call returned, or why nothing was changed by it. */
export type CallResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: StoreError }

/** What is written for a batch, and answered once it is durable. */
export interface BatchOutcome {
  readonly changes: Changes
  readonly results: readonly CallResult[]
}

/** Decides calls in order. Any error but a `StoreError` is a fault: it is thrown, and nothing may be written. */
export function decideBatch(
  snapshot: Snapshot,
  calls: readonly Call<keyof WriteTable>[],
  nowMs: number,
): BatchOutcome {
  const batch = beginBatch(snapshot, nowMs)
  const writes: WriteTable = batch.writes
  const results = calls.map(({ name, args }) =>
    // INVARIANT: our own errors are raised before a call changes anything.
    resultOf(() => Reflect.apply(writes[name], writes, args)),
  )
  return { changes: batch.changes(), results }
}

/** What a call returns, or the `StoreError` that it throws. */
export function resultOf(call: () => unknown): CallResult {
  try {
    return { ok: true, value: call() }
  } catch (error) {
    if (error instanceof StoreError) return { ok: false, error }
    throw error
  }
}

/** Calls on one snapshot, and what they have changed so far. */
export interface Batch {
  readonly writes: Writes
  changes(): Changes
}

/** Begins a batch that nothing was changed by yet. */
export function beginBatch(snapshot: Snapshot, nowMs: number): Batch {
  const tail = createTail(snapshot.head, nowMs)
  const { timeMs, time } = tail
  const spending = createSpending(snapshot, timeMs)
  const { holds } = spending
  const known = createKnown(snapshot)
  const carrier = (proven: Proven | undefined): HoldRow | undefined => {
    if (proven === undefined) return undefined
    const rows = known.rowsOf(proven.key.fingerprint)
    return carrierOf(
      proven,
      { rows, hold: (id) => holds.get(id), use: (name) => spending.uses.get(name) },
      timeMs,
    )
  }
  let freeze: Freeze | null | undefined
  let released: Changes['released'] = []
  const act = (...what: Parameters<typeof operatorContent>) => {
    tail.append(operatorContent(...what))
  }
  const releasing = (id: string | undefined) =>
    useRelease(id, holds, { timeMs, seq: () => tail.head().seq })
  const frozen = () => (freeze === undefined ? snapshot.freeze : (freeze ?? undefined))

  const writes: Writes = {
    record: createRecorder({ known, tail, spending, frozen, carrier }),
    openHold: (request) => {
      const { key, terms, proven } = request
      const id = holdIdOf(key)
      const before = holds.get(id)
      const served = before === undefined && proven ? carrier({ key, terms, ...proven }) : undefined
      if (served !== undefined) return holdOf(served, timeMs)
      const { row, after } =
        before === undefined
          ? { row: openHold(request, timeMs, tail.head().hash), after: undefined }
          : askHold(before, request, timeMs, tail.head().hash)
      if (row !== before) {
        holds.set(id, row)
        tail.append(heldContent(request, row, after))
      }
      return holdOf(row, timeMs)
    },
    approveHold: (id, by) => {
      const row = approveHold(holds.get(id), id, by, timeMs)
      holds.set(id, row)
      act('hold-approve', id, by, row.approvals.at(-1))
      return holdOf(row, timeMs)
    },
    rejectHold: (id, by) => {
      const { row, by: person } = rejectHold(holds.get(id), id, by, timeMs)
      holds.set(id, row)
      act('hold-reject', id, by, person)
      return holdOf(row, timeMs)
    },
    freeze: (action, by, replace = false) => {
      const before = replace ? undefined : frozen()
      freeze = addFreeze(before, freezeActOf(action, by, time))
      act(before === undefined ? 'freeze' : 'freeze-again', action, by)
      return freeze
    },
    unfreeze: (by, release) => {
      const use = releasing(release)
      freeze = null
      act('unfreeze', '', by, undefined, use.noted)
      use.up()
    },
    askAct: (request) => {
      const id = actIdOf(request)
      const { row, record } = askAct(holds.get(id), request, timeMs, tail.head().hash)
      if (record !== undefined) {
        holds.set(id, row)
        tail.append(record)
      }
      return holdOf(row, timeMs)
    },
    policyLoaded: ({ digest, before, by }, release) => {
      const use = releasing(release)
      const previous = before === undefined ? {} : { before }
      act('policy-load', digest, { by, note: '' }, undefined, { ...use.noted, ...previous })
      use.up()
      return tail.head()
    },
    actDone: (name, subject, release) => {
      const use = releasing(release)
      act(name, subject, { by: 'bootstrapper', note: '' }, undefined, use.noted)
      use.up()
    },
    releaseCharges: (owner, by, release) => {
      const use = releasing(release)
      const owned = snapshot.owned.filter((row) => isVariantOf(row.owner, owner))
      if (owned.length === 0) {
        throw new StoreError('ERR_NOTHING_TO_RELEASE', `\`${owner}\` was charged nothing`)
      }
      released = owned
      act('release-charges', owner, by, undefined, use.noted)
      use.up()
      return owned.map(describeCharge)
    },
    append: (content) => tail.append(content),
  }
  const changes = (): Changes => ({
    records: tail.rows,
    head: tail.head(),
    released,
    freeze,
    ...spending.changes(),
  })
  return { writes, changes }
}

/** What stands, and what it spends when that is the approval that was proposed. */
interface Decided {
  readonly decision: Decision
  readonly spent?: Spent
}

/** The records of a snapshot that requests are recalled by, and those that a batch adds. */
interface Known {
  rowsOf(fingerprint: number): readonly ChainRow[]
  add(fingerprint: number, row: ChainRow): void
}

function createKnown({ records }: Pick<Snapshot, 'records'>): Known {
  const found = new Map<number, readonly ChainRow[]>()
  const rowsOf = (fingerprint: number) => found.get(fingerprint) ?? records.get(fingerprint) ?? []
  return {
    rowsOf,
    add: (fingerprint, row) => {
      found.set(fingerprint, [...rowsOf(fingerprint), row])
    },
  }
}

interface RecorderDeps {
  readonly known: Known
  readonly tail: Tail
  readonly spending: Spending
  readonly frozen: () => Freeze | undefined
  /** The hold of the approval stage that serves a signing request. */
  readonly carrier: (proven: Proven | undefined) => HoldRow | undefined
}

/** Records a decision; the receipt holds the one that must be answered. */
function createRecorder({
  known,
  tail,
  spending,
  frozen,
  carrier,
}: RecorderDeps): Writes['record'] {
  const decide = (entry: NewDecision, recall: Recall): Decided => {
    const { decision } = entry
    if (decision.action !== 'APPROVE' && decision.action !== 'IGNORE') return { decision }
    if (recall.kind === 'conflict') return { decision: reserved('REJECT', 'conflict') }
    if (recall.kind === 'rejected-sibling') {
      return { decision: { ...recall.decision, action: 'REJECT' } }
    }
    if (decision.action === 'IGNORE') return { decision }
    const freeze = frozen()
    if (freeze !== undefined) return { decision: reserved(freeze.action, 'freeze') }
    const { carried } = entry
    if (carried !== undefined && carrier(provenIn(entry))?.id !== carried.id) {
      return { decision: carried.otherwise }
    }
    const result = spending.charge(entry)
    if (!('refusal' in result)) return { decision, spent: result }
    const { refusal } = result
    // INVARIANT: what could not be spent never approves, whatever the policy says instead.
    return { decision: refusal.action === 'APPROVE' ? { ...refusal, action: 'REJECT' } : refusal }
  }
  return (entry) => {
    const { fingerprint } = entry.key
    const { token, cosigner } = entry.evidence
    const rows = known.rowsOf(fingerprint)
    const { recall, indexed, differs, evidenceIn } = recallFrom(rows, entry.key, token, cosigner)
    if (recall.kind === 'decided') {
      const { seq, decision } = recall
      return { seq, hash: rows.find((each) => each.seq === seq)?.hash ?? '', decision }
    }
    const { decision, spent } = decide(entry, recall)
    const isRetry = decision.action === 'RETRY'
    const isIndexed = isRetry ? indexed.retry : indexed.final
    // INVARIANT: only what is no decision yet may stand on the evidence of another record.
    const before = isRetry ? evidenceIn : undefined
    const body = bodyOf({ entry, decision, spent, differs, evidenceIn: before }, tail.time)
    const row = tail.appendBody(body, {
      ...(before === undefined ? { token } : {}),
      ...(isIndexed ? { fingerprint } : {}),
    })
    if (isIndexed) known.add(fingerprint, row)
    const { seq, hash } = row
    if (spent !== undefined) spending.use(entry, spent, seq)
    return differs.length === 0 ? { seq, hash, decision } : { seq, hash, decision, differs }
  }
}
