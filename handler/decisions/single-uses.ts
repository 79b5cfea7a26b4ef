/** Things that may serve one transaction only: the first owner that is approved with one keeps it for ever. */
import type { Database } from './database.ts'

export interface SingleUseTable {
  /** Whether the owner may use it: nobody has, or the same owner did. */
  available(name: string, owner: string): boolean
  /** Notes that record `seq` used it up. */
  use(name: string, owner: string, seq: number): void
}

/** The single uses of an open database. */
export function createSingleUseTable(db: Database): SingleUseTable {
  const ownerOf = db
    .prepare<[string], string>('SELECT owner FROM single_uses WHERE name = ?')
    .pluck()
  const insert = db.prepare<[string, string, number]>(
    'INSERT INTO single_uses (name, owner, seq) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING',
  )
  return {
    available: (name, owner) => {
      const taken = ownerOf.get(name)
      return taken === undefined || taken === owner
    },
    use: (name, owner, seq) => {
      insert.run(name, owner, seq)
    },
  }
}
