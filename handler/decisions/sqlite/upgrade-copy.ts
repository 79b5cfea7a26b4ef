/** The copy of a store that is made before its tables are changed: with it the program of before can go on. */
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from '../../../common/sqlite.ts'

/** Where the copy of a store of that version lies: beside it. */
export function upgradeCopyPath(path: string, version: number): string {
  return `${path}.schema-${version}`
}

/**
 * Copies the store as it is, with mode 0600; it is complete and on disk before its name is there. Needs as much room as the
 * store. Must run outside a transaction.
 */
export function keepUpgradeCopy(db: Database, path: string, version: number): void {
  const copy = upgradeCopyPath(path, version)
  const partial = `${copy}.partial`
  // What an interrupted run has left.
  rmSync(partial, { force: true })
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = openSync(partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    // SQLite takes an empty file, and leaves its mode alone.
    db.prepare('VACUUM INTO ?').run(partial)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(partial, copy)
  sync(dirname(copy))
}

function sync(directory: string): void {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
