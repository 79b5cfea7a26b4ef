/** Work that decisions do not wait for: copying the write-ahead log into the database, merging the request index. */
import type { Database } from './database.ts'
import type { RequestIndex } from './request-index.ts'

/** Records after which the log is copied, about one page each. */
const RECORDS_PER_COPY = 1_000

export interface Upkeep {
  /** Tells how many calls a batch had. */
  note(calls: number): void
  /**
   * Does one short piece of work; whether there is more. A full disk leaves it for later.
   *
   * @throws errors of SQLite: a sync that failed here is as fatal as one of a commit
   */
  readonly step: () => boolean
}

/**
 * The upkeep of an open database. SQLite's own copying after a commit is switched off: it swallows its errors, and a
 * failed sync must not be swallowed.
 */
export function createUpkeep(db: Database, index: RequestIndex): Upkeep {
  db.pragma('wal_autocheckpoint = 0')
  const copy = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  let pending = 0
  return {
    note: (calls) => {
      pending += calls
    },
    step: () => {
      if (pending < RECORDS_PER_COPY) return index.merge()
      pending = 0
      copy.get()
      return true
    },
  }
}
