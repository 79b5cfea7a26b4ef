/** Reads the whole audit chain and says whether it is what was written: no record altered, added, moved or cut off. */
import type { KeyObject } from 'node:crypto'
import { inTransaction } from '../../../common/sqlite.ts'
import { verifyCheckpoint } from '../checkpoint.ts'
import type { Checkpoint } from '../checkpoint.ts'
import type { Database } from '../sqlite/database.ts'
import { readMark } from '../sqlite/mark.ts'
import type { Mark } from '../sqlite/mark.ts'
import { EMPTY, readBody } from '../record.ts'
import type { ChainHead, ChainRow, RecordBody } from '../record.ts'
import { checkRow } from './verify-record.ts'
import { createStateCheck } from './verify-state.ts'

export interface VerifyOptions {
  /** Path of the mark; undefined skips it, for a copy that came without. */
  readonly markPath: string | undefined
  /** Public key of a generation, from a place that is trusted. */
  readonly publicKeyOf: (generation: number) => KeyObject | undefined
  /** Checkpoints kept elsewhere, e.g. from the log: the chain must contain what they sign. */
  readonly checkpoints: readonly string[]
  /** Hears how many records were read, about every thousand. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Something that is not as it was written; `seq` when one record shows it. */
export interface Problem {
  readonly seq: number | undefined
  readonly message: string
}

export interface VerifyReport {
  readonly ok: boolean
  readonly storeId: string | undefined
  readonly records: number
  /** Hash of the last record. */
  readonly head: string
  /** Checkpoints whose signature and contents hold. */
  readonly checkpoints: number
  /** Records up to this one are covered by a signature. */
  readonly signedUpTo: number
  /** At most 100; `problemCount` counts all. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
}

const MAX_PROBLEMS = 100
const PAGE = 1_000

/** Verifies a store, also while a handler writes to it: what is appended meanwhile is read as far as it goes. */
export function verifyStore(db: Database, options: VerifyOptions): VerifyReport {
  const mark = options.markPath === undefined ? undefined : readMark(options.markPath)
  const hashAt = db.prepare<[number], string>('SELECT hash FROM chain WHERE seq = ?').pluck()
  const state = createStateCheck(db)
  const problems: Problem[] = []
  let problemCount = 0
  let checkpoints = 0
  let signedUpTo = 0
  let storeId: string | undefined

  const report = (seq: number | undefined, message: string) => {
    problemCount += 1
    if (problems.length < MAX_PROBLEMS) problems.push({ seq, message })
  }
  const checkCheckpoint = (jws: string, seq: number | undefined) => {
    const result = verifyCheckpoint(jws, options.publicKeyOf)
    if (result.kind === 'invalid') return report(seq, 'the checkpoint is not validly signed')
    if (result.kind === 'unknown-key') {
      return report(
        seq,
        `the checkpoint is signed by generation ${result.generation}, whose key is not here`,
      )
    }
    const reason = contradiction(result.checkpoint, storeId, hashAt, seq)
    if (reason !== undefined) return report(seq, reason)
    checkpoints += 1
    signedUpTo = Math.max(signedUpTo, result.checkpoint.seq)
  }

  const visit: Visit = (row, body, before) => {
    for (const problem of checkRow(row, body, before)) report(row.seq, problem)
    if (body === undefined) return
    if ((body.kind === 'created') !== (row.seq === 1)) {
      report(row.seq, 'record kind is not allowed at this position')
    }
    if (body.kind === 'created') storeId = body.storeId
    if (body.kind === 'checkpoint') checkCheckpoint(body.jws, row.seq)
    for (const problem of state.record(row, body)) report(row.seq, problem)
  }
  const almost = eachRecord(db, EMPTY, options.onProgress, visit)
  // The rest and the tables beside it belong to one moment, or a handler could write in between.
  const head = inTransaction(db, 'DEFERRED', () => {
    const last = eachRecord(db, almost, options.onProgress, visit)
    for (const message of state.finish()) report(undefined, message)
    return last
  })
  for (const jws of options.checkpoints) checkCheckpoint(jws, undefined)
  if (options.markPath !== undefined) {
    const message = markProblem(mark, storeId, hashAt)
    if (message !== undefined) report(undefined, message)
  }
  if (head.seq === 0) report(undefined, 'the store has no records')
  const ok = problemCount === 0
  const { seq: records, hash } = head
  return { ok, storeId, records, head: hash, checkpoints, signedUpTo, problems, problemCount }
}

/** One row, its body unless that is no record, and the head that the row before left. */
type Visit = (row: ChainRow, body: RecordBody | undefined, before: ChainHead) => void

/** Visits the records in order, each body parsed once, in short reads that do not hold up a handler; returns the head that was reached. */
function eachRecord(
  db: Database,
  from: ChainHead,
  onProgress: VerifyOptions['onProgress'],
  visit: Visit,
): ChainHead {
  const page = db.prepare<[number], ChainRow>(
    `SELECT seq, fingerprint, body, token, prev, hash FROM chain
     WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`,
  )
  const total = db.prepare<[], number>('SELECT ifnull(max(seq), 0) FROM chain').pluck().get() ?? 0
  let head = from
  for (;;) {
    const rows = page.all(head.seq)
    for (const row of rows) {
      const body = readBody(row.body)
      visit(row, body, head)
      const timeMs = Date.parse(body?.time ?? '')
      head = { seq: row.seq, hash: row.hash, timeMs: Number.isNaN(timeMs) ? head.timeMs : timeMs }
    }
    onProgress?.(head.seq, Math.max(total, head.seq))
    if (rows.length < PAGE) return head
  }
}

type HashAt = { get(seq: number): string | undefined }

/** Why a validly signed checkpoint does not fit the chain; `at` is the record that holds it. */
function contradiction(
  { storeId: signedStore, seq, hash }: Checkpoint,
  storeId: string | undefined,
  hashAt: HashAt,
  at: number | undefined,
): string | undefined {
  if (signedStore !== storeId) return 'the checkpoint is of another store'
  if (at !== undefined && seq >= at) return 'the checkpoint signs a record that comes after it'
  const found = hashAt.get(seq)
  if (found === undefined) return `record ${seq}, which the checkpoint signs, is missing`
  return found === hash ? undefined : `record ${seq} is not the one that the checkpoint signs`
}

function markProblem(
  mark: Mark | 'damaged' | undefined,
  storeId: string | undefined,
  hashAt: HashAt,
): string | undefined {
  if (mark === undefined) return 'the high-water mark is missing'
  if (mark === 'damaged') return 'the high-water mark is damaged'
  if (mark.storeId !== storeId) return 'the high-water mark is of another store'
  const found = hashAt.get(mark.seq)
  if (mark.seq > 0 && found === undefined) return `records up to ${mark.seq} are missing`
  return mark.seq === 0 || found === mark.hash
    ? undefined
    : `record ${mark.seq} is not the one that the high-water mark remembers`
}
