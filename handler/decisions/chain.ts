/** The audit chain in its table: appends records, each with the hash of the one before, and reads one back. */
import type { Database } from './database.ts'
import { EMPTY, recordHash } from './record.ts'
import type { ChainHead, RecordBody, RecordContent } from './record.ts'
import { StoreError } from './store-error.ts'

interface Row {
  readonly body: string
  readonly prev: string
  readonly hash: string
}

/** What lies in a record's row beside what is hashed; the body holds the token's own digest. */
export interface Beside {
  readonly token: string
  readonly fingerprint?: number
}

export interface Chain {
  /** The last record, of the transaction at hand included. */
  readonly head: () => ChainHead
  /** Reads the head again: after a rollback, or when another process has written. */
  reload(): void
  /** Adds one record and returns the new head. Belongs into a transaction. */
  append(content: RecordContent, nowMs: number, beside?: Beside): ChainHead
  /**
   * One record, its own hash verified.
   *
   * @throws StoreError `ERR_STORE_DAMAGED` when it is missing or altered
   */
  read(seq: number): { readonly body: RecordBody; readonly hash: string }
}

/** The chain of an open database. */
export function createChain(db: Database): Chain {
  const insert = db.prepare<[number, number | null, string, string | null, string, string]>(
    'INSERT INTO chain (seq, fingerprint, body, token, prev, hash) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const last = db.prepare<[], { seq: number; hash: string; body: string }>(
    'SELECT seq, hash, body FROM chain ORDER BY seq DESC LIMIT 1',
  )
  const bySeq = db.prepare<[number], Row>('SELECT body, prev, hash FROM chain WHERE seq = ?')

  const readHead = (): ChainHead => {
    const row = last.get()
    if (row === undefined) return EMPTY
    return { seq: row.seq, hash: row.hash, timeMs: Date.parse(parseBody(row.body).time) }
  }
  let head = readHead()
  let time = { ms: 0, text: '' }

  return {
    head: () => head,
    reload: () => {
      head = readHead()
    },
    append: (content, nowMs, beside) => {
      const timeMs = Math.max(Math.trunc(nowMs), head.timeMs)
      if (time.ms !== timeMs) time = { ms: timeMs, text: new Date(timeMs).toISOString() }
      const seq = head.seq + 1
      const body = JSON.stringify({ v: 1, time: time.text, ...content })
      const hash = recordHash(seq, head.hash, body)
      insert.run(seq, beside?.fingerprint ?? null, body, beside?.token ?? null, head.hash, hash)
      head = { seq, hash, timeMs }
      return head
    },
    read: (seq) => {
      const row = bySeq.get(seq)
      if (row === undefined || recordHash(seq, row.prev, row.body) !== row.hash) {
        throw new StoreError('ERR_STORE_DAMAGED', `record ${seq} of the audit chain is altered`, {
          hint: 'run `countersign-handler audit verify`',
        })
      }
      return { body: parseBody(row.body), hash: row.hash }
    },
  }
}

/** The value of a body whose hash was verified, or that this program has just written. */
export function parseBody(text: string): RecordBody {
  const body: RecordBody = JSON.parse(text)
  return body
}
