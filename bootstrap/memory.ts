/** What the journals tell, folded into the state that a plan starts from; pure. */
import { ANSWER_ALGORITHMS, type AnswerAlgorithm } from '../common/answer-algorithm.ts'
import { isObject } from '../common/json.ts'
import type { JournalRecord } from './journal.ts'

/**
 * Oldest idempotency key that is used again, in milliseconds: the vendor forgets them after 24
 * hours.
 */
export const KEY_LIFETIME_MS = 23 * 3_600_000

/**
 * How long the same command repeats the result of an operation that finished unreported, in
 * milliseconds.
 */
export const UNSEEN_RESULT_MS = 3_600_000

/**
 * What became of a write. `unknown`: it was about to be sent, or was sent, and no answer is known.
 * `server-error`: a 5xx answer, after which it may have happened and the idempotency key is spent.
 * `clear`: certainly nothing happened.
 */
export type SubmissionOutcome = 'unknown' | 'server-error' | 'accepted' | 'clear'

/** The latest write of an operation. */
export interface Submission {
  readonly method: string
  readonly bodySha: string
  readonly idempotencyKey: string | null
  /**
   * When that key, or without a key that body, was first about to be sent; milliseconds since the
   * epoch.
   */
  readonly firstSentAtMs: number
  readonly attempts: number
  readonly outcome: SubmissionOutcome
  readonly requestId: string | null
  /** Path of the request's status on the API's origin. */
  readonly location: string | null
  /** The last status seen, verbatim. */
  readonly status: string | null
  readonly acceptedAtMs: number | null
}

/** What the answer key of a generation must be; what is not named is as the handler makes it. */
export interface AnswerWish {
  readonly algorithm?: AnswerAlgorithm
  /** One key for the certificate and the answers. */
  readonly oneKey?: true
}

export type OperationKind = 'pair' | 'rotate' | 'unpair'

/** The operations as nouns. */
export const NOUNS: Readonly<Record<OperationKind, string>> = {
  pair: 'pairing',
  rotate: 'rotation',
  unpair: 'unpairing',
}

/** The operations as nouns with their article. */
export const A_NOUN: Readonly<Record<OperationKind, string>> = {
  pair: 'a pairing',
  rotate: 'a rotation',
  unpair: 'an unpairing',
}

/** A pairing operation that was begun and neither finished nor given up. */
export interface Operation {
  readonly kind: OperationKind
  readonly startedAtMs: number
  /** The generation that was paired when it began. */
  readonly from: number | null
  /** The generation that it leads to; null for `unpair`. */
  readonly to: number | null
  readonly renewOf: number | null
  /** What was wished of its answer key. */
  readonly answer?: AnswerWish
  readonly drainMs: number | null
  readonly probedAtMs: number | null
  readonly submission: Submission | null
}

export interface Finished {
  readonly kind: OperationKind
  readonly to: number | null
  readonly outcome: string
  readonly atMs: number
  /** False when the run that finished it did not live to say so. */
  readonly reported: boolean
}

export interface PairingMemory {
  readonly operation: Operation | null
  readonly last: Finished | null
}

export interface TokenMemory {
  readonly idempotencyKey: string
  readonly requestedAtMs: number
  /** Null while no token has been written. */
  readonly expiresAtMs: number | null
}

export interface UserMemory {
  readonly kid: string | null
  readonly name: string | null
  readonly submission: Submission | null
  readonly userId: string | null
  readonly proven: boolean
  readonly token: TokenMemory | null
}

/** True when a lost answer may be asked for again with the same key. */
export function mayReuseKey(submission: Submission, nowMs: number): boolean {
  return (
    submission.outcome === 'unknown' &&
    submission.idempotencyKey !== null &&
    nowMs - submission.firstSentAtMs < KEY_LIFETIME_MS
  )
}

/** Folds the journal of one pairing. Records of an unknown kind are passed over. */
export function rememberPairing(records: readonly JournalRecord[]): PairingMemory {
  return records.reduce<PairingMemory>(
    (memory, record) => foldPairing(memory, record, Date.parse(record.ts)),
    { operation: null, last: null },
  )
}

function foldPairing(memory: PairingMemory, record: JournalRecord, atMs: number): PairingMemory {
  const { op, data } = record
  const { operation, last } = memory
  if (op === 'begin') return { operation: begin(data, atMs), last }
  if (op === 'reported') return { operation, last: last && { ...last, reported: true } }
  if (operation === null) return memory
  switch (op) {
    case 'probe':
      return { operation: { ...operation, probedAtMs: atMs }, last }
    case 'done':
    case 'rolled-back': {
      const outcome = op === 'done' ? 'done' : (text(data['reason']) ?? 'rolled back')
      const { kind, to } = operation
      return { operation: null, last: { kind, to, outcome, atMs, reported: false } }
    }
    default: {
      const submission = foldSubmission(operation.submission, op, data, atMs)
      return { operation: { ...operation, submission }, last }
    }
  }
}

function begin(data: JournalRecord['data'], atMs: number): Operation {
  const kind = data['kind']
  return {
    kind: kind === 'rotate' || kind === 'unpair' ? kind : 'pair',
    startedAtMs: atMs,
    from: count(data['from']),
    to: count(data['to']),
    renewOf: count(data['renewOf']),
    ...(isObject(data['answer']) ? { answer: answerWish(data['answer']) } : {}),
    drainMs: count(data['drainMs']),
    probedAtMs: null,
    submission: null,
  }
}

function answerWish(value: Readonly<Record<string, unknown>>): AnswerWish {
  const algorithm = ANSWER_ALGORITHMS.find((known) => known === value['algorithm'])
  return {
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(value['oneKey'] === true ? { oneKey: true } : {}),
  }
}

/** Generations that a request of this journal has named which the API accepted, or may have. */
export function offeredGenerations(records: readonly JournalRecord[]): number[] {
  const offered = new Set<number>()
  let to: number | null = null
  let isFirst = false
  for (const { op, data } of records) {
    if (op === 'begin') to = count(data['to'])
    if (to === null) continue
    if (op === 'submit-intent') {
      isFirst = !offered.has(to)
      offered.add(to)
    }
    if (op === 'submit' && data['outcome'] === 'clear' && isFirst) offered.delete(to)
  }
  return [...offered]
}

/** True when a journal may be removed: nothing was ever paired, and every request was refused. */
export function mayDrop(records: readonly JournalRecord[]): boolean {
  const isSettled = ({ op }: JournalRecord, at: number) => {
    const next = records.slice(at + 1).find((record) => record.op === 'submit')
    return op !== 'submit-intent' || next?.data['outcome'] === 'clear'
  }
  return records.every(({ op }) => op !== 'done') && records.every(isSettled)
}

/** Folds the journal of one API user. */
export function rememberUser(records: readonly JournalRecord[]): UserMemory {
  return records.reduce<UserMemory>(
    (memory, record) => foldUser(memory, record, Date.parse(record.ts)),
    { kid: null, name: null, submission: null, userId: null, proven: false, token: null },
  )
}

function foldUser(memory: UserMemory, { op, data }: JournalRecord, atMs: number): UserMemory {
  switch (op) {
    case 'key':
      return { ...memory, kid: text(data['kid']), name: text(data['name']) }
    case 'found':
      return { ...memory, userId: text(data['userId']) }
    case 'proven':
      return { ...memory, proven: true }
    case 'token-intent': {
      const idempotencyKey = text(data['idempotencyKey']) ?? ''
      // Asked for again with the same key, the same token comes, as old as the first request.
      const isSame = memory.token?.idempotencyKey === idempotencyKey
      const requestedAtMs = (isSame && memory.token?.requestedAtMs) || atMs
      return { ...memory, token: { idempotencyKey, requestedAtMs, expiresAtMs: null } }
    }
    case 'token-refused':
      return { ...memory, token: null }
    case 'token':
      return {
        ...memory,
        token: memory.token && { ...memory.token, expiresAtMs: count(data['expiresAtMs']) },
      }
    default:
      return { ...memory, submission: foldSubmission(memory.submission, op, data, atMs) }
  }
}

function foldSubmission(
  before: Submission | null,
  op: string,
  data: JournalRecord['data'],
  atMs: number,
): Submission | null {
  if (op === 'submit-intent') return intend(before, data, atMs)
  if (before === null) return null
  if (op === 'status') return { ...before, status: text(data['status']) }
  if (op !== 'submit') return before
  const outcome = data['outcome']
  if (outcome === 'accepted') {
    return {
      ...before,
      outcome,
      requestId: text(data['requestId']),
      location: text(data['location']),
      acceptedAtMs: atMs,
    }
  }
  return outcome === 'clear' || outcome === 'server-error' ? { ...before, outcome } : before
}

/**
 * Attempts add up only while nothing is known to be settled; after a clear refusal the count starts
 * again.
 */
function intend(before: Submission | null, data: JournalRecord['data'], atMs: number): Submission {
  const idempotencyKey = text(data['idempotencyKey'])
  const inDoubt = before !== null && before.outcome !== 'clear'
  const sameKey = inDoubt && before.idempotencyKey === idempotencyKey
  return {
    method: text(data['method']) ?? '',
    bodySha: text(data['bodySha']) ?? '',
    idempotencyKey,
    firstSentAtMs: sameKey ? before.firstSentAtMs : atMs,
    attempts: inDoubt ? before.attempts + 1 : 1,
    outcome: 'unknown',
    requestId: null,
    location: null,
    status: null,
    acceptedAtMs: null,
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function count(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
