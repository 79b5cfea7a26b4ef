/** Holds, single uses and the freeze in their tables. */
import type { HoldTerms } from '../../policy/decision.ts'
import { freezeFrom, freezeRowOf } from '../freeze.ts'
import type { FreezeRow } from '../freeze.ts'
import type { HoldRow } from '../holds.ts'
import type { Approval, Asked } from '../proofs.ts'
import type { Freeze } from '../../../common/admin-api.ts'
import type { Changes, UseRow } from '../snapshot.ts'
import type { Database } from './database.ts'

/** A row of `holds`. */
export interface HoldColumns {
  readonly id: string
  /** JSON. */
  readonly terms: string
  readonly summary: string
  readonly opened: number
  readonly expires: number
  /** A JSON list. */
  readonly approvals: string
  readonly rejected_by: string | null
  readonly used: number | null
}

export interface HoldTables {
  hold(id: string): HoldRow | undefined
  /** Holds that were neither used, refused nor expired, the one that expires first in front; at most a thousand. */
  openHolds(nowMs: number): readonly HoldRow[]
  use(name: string): UseRow | undefined
  /** The freeze in force, from memory. */
  freeze(): Freeze | undefined
  /** Reads the freeze again: after a rollback, or when another process has written. */
  reload(): void
  /** Must run inside a transaction, after the records were appended. */
  write(changes: Pick<Changes, 'holds' | 'uses' | 'freeze'>): void
}

/** The tables of an open database. */
export function createHoldTables(db: Database): HoldTables {
  const holdById = db.prepare<[string], HoldColumns>('SELECT * FROM holds WHERE id = ?')
  const openOnes = db.prepare<[number], HoldColumns>(
    `SELECT * FROM holds WHERE used IS NULL AND rejected_by IS NULL AND expires > ?
     ORDER BY expires LIMIT 1000`,
  )
  const putHold = db.prepare<
    [string, string, string, number, number, string, string | null, number | null]
  >(
    `INSERT OR REPLACE INTO holds (id, terms, summary, opened, expires, approvals, rejected_by, used)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const useByName = db.prepare<[string], UseRow>(
    'SELECT name, owner, seq FROM single_uses WHERE name = ?',
  )
  const putUse = db.prepare<[string, string, number]>(
    'INSERT INTO single_uses (name, owner, seq) VALUES (?, ?, ?)',
  )
  const selectFreeze = db.prepare<[], FreezeRow>('SELECT action, person, reason, since FROM freeze')
  const putFreeze = db.prepare<[string, string, string, number]>(
    'INSERT OR REPLACE INTO freeze (one, action, person, reason, since) VALUES (1, ?, ?, ?, ?)',
  )
  const dropFreeze = db.prepare('DELETE FROM freeze')

  const readFreeze = () => {
    const row = selectFreeze.get()
    return row && freezeFrom(row)
  }
  let freeze = readFreeze()

  return {
    hold: (id) => {
      const row = holdById.get(id)
      return row && holdFrom(row)
    },
    openHolds: (nowMs) => openOnes.all(nowMs).map(holdFrom),
    use: (name) => useByName.get(name),
    freeze: () => freeze,
    reload: () => {
      freeze = readFreeze()
    },
    write: (changes) => {
      for (const hold of changes.holds) putHold.run(...columnsOf(hold))
      for (const { name, owner, seq } of changes.uses) putUse.run(name, owner, seq)
      if (changes.freeze === undefined) return
      freeze = changes.freeze ?? undefined
      if (freeze === undefined) {
        dropFreeze.run()
        return
      }
      const { action, person, reason, since } = freezeRowOf(freeze)
      putFreeze.run(action, person, reason, since)
    },
  }
}

/** The column of terms. */
export type StoredTerms = HoldTerms & { readonly asked?: Asked }

function holdFrom(row: HoldColumns): HoldRow {
  const { id, summary, opened: openedMs, expires: expiresMs } = row
  const { asked, ...terms }: StoredTerms = JSON.parse(row.terms)
  const approvals: readonly Approval[] = JSON.parse(row.approvals)
  const { rejected_by: rejectedBy, used: usedSeq } = row
  const hold = { id, terms, summary, openedMs, expiresMs, approvals, rejectedBy, usedSeq }
  return asked === undefined ? hold : { ...hold, asked }
}

function columnsOf(hold: HoldRow) {
  const { id, summary, openedMs, expiresMs, approvals, rejectedBy, usedSeq, asked } = hold
  const terms: StoredTerms = asked === undefined ? hold.terms : { ...hold.terms, asked }
  const [termsText, approvalsText] = [JSON.stringify(terms), JSON.stringify(approvals)]
  return [id, termsText, summary, openedMs, expiresMs, approvalsText, rejectedBy, usedSeq] as const
}
