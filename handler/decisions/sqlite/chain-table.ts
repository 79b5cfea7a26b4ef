/** Audit chain in its table: the head, records by request, and rows that are only ever added. */
import type { RequestKey } from '../../protocol/digest.ts'
import { damaged } from '../chain.ts'
import { EMPTY, parseBody } from '../record.ts'
import type { ChainHead, ChainRow } from '../record.ts'
import type { Database } from './database.ts'
import { createRequestIndex } from './request-index.ts'
import type { RequestIndex } from './request-index.ts'

export interface ChainTable {
  readonly index: RequestIndex
  /** The last record, of the transaction at hand included. */
  readonly head: () => ChainHead
  /** Reads head and index again: after a rollback, or when another process has written. */
  reload(): void
  /**
   * The records with a fingerprint, ascending, at most `MAX_CANDIDATES`, without their tokens.
   *
   * @throws StoreError `ERR_STORE_DAMAGED` when one is missing
   */
  withFingerprint(fingerprint: RequestKey['fingerprint']): readonly ChainRow[]
  /** The token of a record. */
  tokenOf(seq: number): string | null
  /** Appends rows; `head` is the last of them. Must run inside a transaction. */
  append(rows: readonly ChainRow[], head: ChainHead): void
}

/** The chain of an open database. */
export function createChainTable(db: Database): ChainTable {
  const index = createRequestIndex(db)
  const insert = db.prepare<[number, number | null, string, string | null, string, string]>(
    'INSERT INTO chain (seq, fingerprint, body, token, prev, hash) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const last = db.prepare<[], { seq: number; hash: string; body: string }>(
    'SELECT seq, hash, body FROM chain ORDER BY seq DESC LIMIT 1',
  )
  const bySeq = db.prepare<[number], ChainRow>(
    'SELECT seq, fingerprint, body, NULL AS token, prev, hash FROM chain WHERE seq = ?',
  )

  const tokenOf = db
    .prepare<[number], string | null>('SELECT token FROM chain WHERE seq = ?')
    .pluck()

  const readHead = (): ChainHead => {
    const row = last.get()
    if (row === undefined) return EMPTY
    return { seq: row.seq, hash: row.hash, timeMs: Date.parse(parseBody(row.body).time) }
  }
  let head = readHead()

  return {
    index,
    head: () => head,
    reload: () => {
      head = readHead()
      index.reload()
    },
    withFingerprint: (fingerprint) =>
      index.candidates(fingerprint).map((seq) => {
        const row = bySeq.get(seq)
        if (row === undefined) throw damaged(seq)
        return row
      }),
    tokenOf: (seq) => tokenOf.get(seq) ?? null,
    append: (rows, end) => {
      for (const { seq, fingerprint, body, token, prev, hash } of rows) {
        insert.run(seq, fingerprint, body, token, prev, hash)
        if (fingerprint !== null) index.add(fingerprint, seq)
      }
      head = end
    },
  }
}
