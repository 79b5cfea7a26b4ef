/**
 * Reads the whole audit chain and the tables beside it, and says whether something contradicts something, and what
 * proves that no record was altered, added, moved or cut off.
 */
import type { KeyObject } from 'node:crypto'
import { inTransaction } from '../../../common/sqlite.ts'
import { verifyCheckpoint } from '../checkpoint.ts'
import type { Checkpoint, CheckpointResult } from '../checkpoint.ts'
import type { Database } from '../sqlite/database.ts'
import { readMark } from '../sqlite/mark.ts'
import type { Mark } from '../sqlite/mark.ts'
import { EMPTY, readBody } from '../record.ts'
import type { ChainHead, ChainRow, RecordBody } from '../record.ts'
import type { CosignerKey } from '../../protocol/token.ts'
import { judge } from './verdict.ts'
import type { Judgement } from './verdict.ts'
import { checkRow } from './verify-record.ts'
import { checkSchema } from './verify-schema.ts'
import { createEvidenceCheck } from './verify-evidence.ts'
import { createStateCheck } from './verify-state.ts'
import { createTokenCheck } from './verify-token.ts'

export interface VerifyOptions {
  /** Path of the mark; undefined skips it, for a copy that came without. */
  readonly markPath: string | undefined
  /** Public key of a generation, from a place that is trusted. */
  readonly publicKeyOf: (generation: number) => KeyObject | undefined
  /** Checkpoints kept elsewhere, e.g. from the log: the chain must contain what they sign. */
  readonly checkpoints: readonly string[]
  /** Keys of all co-signers that ever asked, to verify each request with; undefined leaves that out. */
  readonly cosigners?: readonly CosignerKey[] | undefined
  /** Hears how many records were read, about every thousand. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Something that is not as it was written; `seq` when one record shows it. */
export interface Problem {
  readonly seq: number | undefined
  readonly message: string
}

export interface VerifyReport extends Judgement {
  /** Whether nothing contradicts anything; `verdict` says whether something proves it. */
  readonly ok: boolean
  readonly storeId: string | undefined
  readonly records: number
  /** Hash of the last record. */
  readonly head: string
  /** Checkpoints whose signature and contents hold. */
  readonly checkpoints: number
  /** Records up to this one are covered by a signature. */
  readonly signedUpTo: number
  /** Requests whose signature and content hold; undefined when there were no keys to verify them with. */
  readonly requests: number | undefined
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
  const evidence = createEvidenceCheck(db)
  const tokens = options.cosigners && createTokenCheck(options.cosigners)
  const problems: Problem[] = []
  let problemCount = 0
  let checkpoints = 0
  let kept = 0
  let signedUpTo = 0
  let lastContent = 0
  let storeId: string | undefined

  const report = (seq: number | undefined, message: string) => {
    problemCount += 1
    if (problems.length < MAX_PROBLEMS) problems.push({ seq, message })
  }
  const checkCheckpoint = (jws: string, seq: number | undefined): boolean => {
    const result = verifyCheckpoint(jws, options.publicKeyOf)
    const reason =
      result.kind === 'valid'
        ? contradiction(result.checkpoint, storeId, hashAt, seq)
        : unverified(result)
    if (reason !== undefined) report(seq, reason)
    if (reason !== undefined || result.kind !== 'valid') return false
    checkpoints += 1
    signedUpTo = Math.max(signedUpTo, result.checkpoint.seq)
    return true
  }

  const visit: Visit = (row, body, before) => {
    for (const problem of checkRow(row, body, before)) report(row.seq, problem)
    const isCheckpoint = body?.kind === 'checkpoint' && checkCheckpoint(body.jws, row.seq)
    if (!isCheckpoint) lastContent = row.seq
    if (body === undefined) return
    if ((body.kind === 'created') !== (row.seq === 1)) {
      report(row.seq, 'record kind is not allowed at this position')
    }
    if (body.kind === 'created') storeId = body.storeId
    for (const problem of state.record(row, body)) report(row.seq, problem)
    if (body.kind !== 'decision') return
    const { token, problem: missing } = evidence(row, body)
    if (missing !== undefined) report(row.seq, missing)
    if (tokens === undefined) return
    for (const problem of tokens.record(body, token ?? '', Date.parse(body.time))) {
      report(row.seq, problem)
    }
  }
  const almost = eachRecord(db, EMPTY, options.onProgress, visit)
  // The rest and the tables beside it belong to one moment, or a handler could write in between.
  const head = inTransaction(db, 'DEFERRED', () => {
    const last = eachRecord(db, almost, options.onProgress, visit)
    for (const message of [...checkSchema(db), ...state.finish(last.timeMs)]) {
      report(undefined, message)
    }
    return last
  })
  for (const jws of options.checkpoints) if (checkCheckpoint(jws, undefined)) kept += 1
  if (options.markPath !== undefined) {
    const message = markProblem(mark, storeId, hashAt)
    if (message !== undefined) report(undefined, message)
  }
  if (head.seq === 0) report(undefined, 'the store has no records')
  const requests = tokens && { signed: tokens.signed(), unsigned: tokens.unsigned() }
  const hasMark = options.markPath !== undefined
  const unrecordedHolds = state.unrecordedHolds()
  const found = {
    problemCount,
    checkpoints,
    kept,
    signedUpTo,
    lastContent,
    requests,
    hasMark,
    unrecordedHolds,
  }
  return {
    ok: problemCount === 0,
    ...judge(found),
    storeId,
    records: head.seq,
    head: head.hash,
    checkpoints,
    signedUpTo,
    requests: requests?.signed,
    problems,
    problemCount,
  }
}

function unverified(result: Exclude<CheckpointResult, { kind: 'valid' }>): string {
  return result.kind === 'invalid'
    ? 'the checkpoint is not validly signed'
    : `the checkpoint is signed by generation ${result.generation}, whose key is not here`
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
