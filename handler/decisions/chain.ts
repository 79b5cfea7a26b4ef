/** Links of the audit chain: appends records to its end, and reads back one whose own hash holds. */
import type { DecisionBody } from './decision-fields.ts'
import { parseBody, recordHash } from './record.ts'
import type { ChainHead, ChainRow, RecordBody, RecordContent } from './record.ts'
import { StoreError } from './store-error.ts'

/** What is stored in a record's row besides what is hashed. */
export interface RowExtras {
  readonly token?: string
  readonly fingerprint?: number
}

/** The end of a chain, at one time. */
export interface Tail {
  /** Milliseconds since 1970. */
  readonly timeMs: number
  /** The same, ISO 8601. */
  readonly time: string
  /** The records that were appended. */
  readonly rows: readonly ChainRow[]
  /** The last of them, or the head that they follow. */
  readonly head: () => ChainHead
  /** Appends a record and returns the new head. */
  append(content: RecordContent): ChainHead
  /** Appends a decision, whose body bears the time of this tail. */
  appendBody(body: DecisionBody, extras: RowExtras): ChainRow
}

/** The time of what follows a head: the clock's, but never earlier than the head's. Milliseconds since 1970. */
export function chainTime(head: ChainHead, nowMs: number): number {
  return Math.max(Math.trunc(nowMs), head.timeMs)
}

/** What follows a head, at `chainTime`. */
export function createTail(head: ChainHead, nowMs: number): Tail {
  const timeMs = chainTime(head, nowMs)
  const time = new Date(timeMs).toISOString()
  const rows: ChainRow[] = []
  let last = head
  const push = (content: object, extras: RowExtras): ChainRow => {
    const seq = last.seq + 1
    const body = JSON.stringify(content)
    const hash = recordHash(seq, last.hash, body)
    const { token = null, fingerprint = null } = extras
    const row = { seq, fingerprint, body, token, prev: last.hash, hash }
    rows.push(row)
    last = { seq, hash, timeMs }
    return row
  }
  return {
    timeMs,
    time,
    rows,
    head: () => last,
    append: (content) => {
      push({ v: 1, time, ...content }, {})
      return last
    },
    appendBody: push,
  }
}

/**
 * A stored record, its own hash verified.
 *
 * @throws StoreError `ERR_STORE_DAMAGED` when it is altered
 */
export function readRecord({ seq, body, prev, hash }: ChainRow): {
  readonly seq: number
  readonly body: RecordBody
} {
  if (recordHash(seq, prev, body) === hash) return { seq, body: parseBody(body) }
  throw damaged(seq)
}

/** The error for a record that is missing or altered. */
export function damaged(seq: number): StoreError {
  return new StoreError('ERR_STORE_DAMAGED', `record ${seq} of the audit chain is altered`, {
    hint: 'run `countersign-handler audit verify`',
  })
}
