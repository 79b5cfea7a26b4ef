/** Work that decisions do not wait for: copying the write-ahead log into the database. */
import type { Database } from './database.ts'

/** Records after which the log is copied, about one page each: few enough that decisions hardly wait for it. */
const RECORDS_PER_COPY = 256

export interface Upkeep {
  /** Tells how many calls a batch had. */
  note(calls: number): void
  /**
   * Copies the log if it is time to; whether it did. A full disk leaves it for later.
   *
   * @throws errors of SQLite: a sync that failed here is as fatal as one of a commit
   */
  readonly step: () => boolean
}

/**
 * The upkeep of an open database. SQLite's own copying after a commit is switched off: it swallows its errors, and a
 * failed sync must not be swallowed.
 */
export function createUpkeep(db: Database): Upkeep {
  db.exec('PRAGMA wal_autocheckpoint = 0')
  const copy = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  let pending = 0
  return {
    note: (calls) => {
      pending += calls
    },
    step: () => {
      if (pending < RECORDS_PER_COPY) return false
      pending = 0
      copy.get()
      return true
    },
  }
}
