/** Variants in their table: which approvals belong to which, and what tells them apart. */
import { fitting, MAX_SPENDING } from '../variants.ts'
import type { KnownVariants, VariantPlace, VariantRow } from '../variants.ts'
import type { ChainTable } from './chain-table.ts'
import type { Database } from './database.ts'

interface VariantColumns {
  readonly n: number
  readonly seq: number
  readonly bytes: string | null
}

export interface VariantTable {
  /** The variants of a transaction and request, with the tokens of those that fit one of these bytes. */
  known(place: Omit<VariantPlace, 'bytes'>, bytes: readonly VariantPlace['bytes'][]): KnownVariants
  /** Must run inside a transaction, after the records were appended. */
  write(rows: readonly VariantRow[]): void
}

/** The variants of an open database. */
export function createVariantTable(
  db: Database,
  { tokenOf }: Pick<ChainTable, 'tokenOf'>,
): VariantTable {
  const ofRequest = db.prepare<[string, string], VariantColumns>(
    // A literal: SQLite compiles a statement again whenever a bound LIMIT changes or is bound anew.
    `SELECT n, seq, bytes FROM variants WHERE owner = ? AND request_id = ? ORDER BY n, seq LIMIT ${MAX_SPENDING}`,
  )
  const highest = db
    .prepare<[string], number>('SELECT ifnull(max(n), 0) FROM variants WHERE owner = ?')
    .pluck()
  const insert = db.prepare<[string, string, number, number, string | null]>(
    'INSERT INTO variants (owner, request_id, n, seq, bytes) VALUES (?, ?, ?, ?, ?)',
  )
  return {
    known: ({ owner, requestId }, bytes) => {
      const rows = ofRequest.all(owner, requestId).map((row) => ({ owner, requestId, ...row }))
      const last = highest.get(owner) ?? 0
      if (rows.length === 0) return { rows: [], last }
      const possible = new Set(bytes.flatMap((each) => [...fitting(rows, each).keys()]))
      return {
        rows: rows.map((row) => ({ ...row, token: possible.has(row.n) ? tokenOf(row.seq) : null })),
        last,
      }
    },
    write: (rows) => {
      for (const { owner, requestId, n, seq, bytes } of rows) {
        insert.run(owner, requestId, n, seq, bytes)
      }
    },
  }
}
