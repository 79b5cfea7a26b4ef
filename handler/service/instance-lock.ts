/** One handler per state directory: a lock of the kernel that ends with the process, however it ends. */
import { join } from 'node:path'
import { CountersignError } from '../../common/errors.ts'
import { openSqlite } from '../../common/sqlite.ts'

/** Another process serves from this state directory. */
export class InstanceLockError extends CountersignError {}

/**
 * Takes the lock, which SQLite keeps as a record lock on `handler.lock` (it holds between containers that share the
 * directory, too); returns what releases it.
 *
 * @throws InstanceLockError
 */
export function lockStateDirectory(stateDir: string): () => void {
  const path = join(stateDir, 'handler.lock')
  const database = openSqlite(path, { busyMs: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new InstanceLockError(`another handler runs on \`${stateDir}\``, {
      hint: 'stop it first, or give this one a state directory of its own',
      cause,
    })
  }
  return () => database.close()
}
