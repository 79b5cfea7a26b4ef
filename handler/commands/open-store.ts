/** The one door through which commands reach the decision store; a store that is not there is named as what it is. */
import { accessSync, constants, statSync } from 'node:fs'
import { errnoOf, UsageError } from '../../common/errors.ts'
import { openReadOnly } from '../decisions/sqlite/database.ts'
import type { Database } from '../decisions/sqlite/database.ts'

/**
 * Opens the store for reading only, also while a handler writes.
 *
 * @throws UsageError when it is missing or belongs to another user, StoreError when it is damaged or too new
 */
export function openForReading(path: string): Database {
  assertAccess(path, 'read')
  try {
    return openReadOnly(path)
  } catch (cause) {
    const errno = errnoOf(cause) ?? ''
    if (!errno.startsWith('SQLITE_CANTOPEN') && !errno.startsWith('SQLITE_READONLY')) throw cause
    throw notOurs(path, cause)
  }
}

/** @throws UsageError when there is no such file, or none that this user may read (or write) */
export function assertAccess(path: string, mode: 'read' | 'write'): void {
  try {
    accessSync(path, mode === 'read' ? constants.R_OK : constants.R_OK | constants.W_OK)
  } catch (cause) {
    const errno = errnoOf(cause) ?? ''
    if (errno === 'EACCES' || errno === 'EPERM') throw notOurs(path, cause)
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw cause
    throw new UsageError(`there is no decision store at \`${path}\``, {
      hint: 'name it with `--store`, or set `HANDLER_STORE` or `HANDLER_STATE_DIR` as for the handler',
      cause,
    })
  }
}

function notOurs(path: string, cause: unknown): UsageError {
  return new UsageError(
    `the decision store \`${path}\` cannot be opened by this user (uid ${process.geteuid?.() ?? 'unknown'}${ownerOf(path)})`,
    { hint: 'run the command as the user of the handler', cause },
  )
}

function ownerOf(path: string): string {
  try {
    return `, it belongs to uid ${statSync(path).uid}`
  } catch {
    return ', its directory is closed to it'
  }
}
