/** One process at a time: SQLite's exclusive lock on a file of its own, a lock of the kernel. */
import { closeSync, lstatSync, openSync } from 'node:fs'
import { errnoOf, UnsafeFileError } from './errors.ts'
import { openSqlite } from './sqlite.ts'

/** A lock that is held; it ends with `release` or with the process, however that ends. */
export interface KernelLock {
  release(): void
}

/**
 * Takes the lock of a file, which is made with mode 0600 when it does not exist; undefined when
 * another connection has it. It is a record lock, so that it also holds between containers that
 * share the directory. Two that ask at the same instant can refuse each other.
 *
 * @throws UnsafeFileError when something else is in the place of the file
 */
export function takeKernelLock(path: string): KernelLock | undefined {
  createPrivately(path)
  const database = openSqlite(path, { busyMs: 0 })
  try {
    // A journal on disk would be removed when the lock is released: a change after the last act.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (errnoOf(error) === 'SQLITE_BUSY') return undefined
    throw error
  }
  return { release: () => database.close() }
}

/** SQLite would make the file with the mode of the umask, and would follow a link. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    // Not opened here: closing any descriptor of the file would drop a lock this process holds.
    if (!lstatSync(path).isFile()) {
      throw new UnsafeFileError(`\`${path}\` is not a regular file`, { hint: 'move it away' })
    }
  }
}
