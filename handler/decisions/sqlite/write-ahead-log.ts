/**
 * SQLite's write-ahead log: how the last process left it, which SQLite itself repairs, and when it is copied into the
 * database, which decisions do not wait for.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { errnoOf } from '../../../common/errors.ts'
import type { Database } from './database.ts'

/**
 * `clean`: the log was emptied, so the store was closed. `unclean`: the last process ended without closing; its commits
 * are all there. `torn`: besides, a transaction was being written that no commit ends; SQLite discards it, and nobody
 * got an answer from it.
 */
export type LogState = 'clean' | 'unclean' | 'torn'

const HEADER = 32
const FRAME_HEADER = 24

/** The state of the log beside a database that no process has open (https://www.sqlite.org/fileformat2.html#walformat). */
export function inspectLog(databasePath: string): LogState {
  const fd = openLog(`${databasePath}-wal`)
  if (fd === undefined) return 'clean'
  try {
    const { size } = fstatSync(fd)
    if (size === 0) return 'clean'
    return endsInCommit(fd, size) ? 'unclean' : 'torn'
  } finally {
    closeSync(fd)
  }
}

function openLog(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Whether the frames of the log's present round, which carry the salt of its header, end in a commit frame. */
function endsInCommit(fd: number, size: number): boolean {
  const header = Buffer.alloc(HEADER)
  if (readSync(fd, header, 0, HEADER, 0) < HEADER) return false
  const frameSize = FRAME_HEADER + header.readUInt32BE(8)
  const frame = Buffer.alloc(FRAME_HEADER)
  let committed = true
  for (let at = HEADER; at < size; at += frameSize) {
    if (readSync(fd, frame, 0, FRAME_HEADER, at) < FRAME_HEADER) return false
    if (!frame.subarray(8, 16).equals(header.subarray(16, 24))) return committed
    // A commit frame holds the size of the database in pages, any other frame 0.
    committed = frame.readUInt32BE(4) !== 0 && at + frameSize <= size
  }
  return committed
}

/** Records after which the log is copied, about one page each: few enough that decisions hardly wait for it. */
const RECORDS_PER_COPY = 256

export interface LogCopier {
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
 * The log of an open database. SQLite's own copying after a commit is switched off: it swallows its errors, and a
 * failed sync must not be swallowed.
 */
export function createLogCopier(db: Database): LogCopier {
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
