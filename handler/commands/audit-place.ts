/** Where an audit command finds the store, and how it fails. */
import { join } from 'node:path'
import { CountersignError, errnoOf, messageOf } from '../../common/errors.ts'
import type { CommandIo } from './command-io.ts'

/** Options that name the store; `--db` wins over `--state-dir`, which wins over HANDLER_STATE_DIR. */
export interface StorePlace {
  readonly db?: string
  readonly stateDir?: string
}

/** A command line that cannot be followed, or a store that cannot be opened; exit code 2. */
export class AuditUsageError extends CountersignError {}

/** The state directory that the options or the environment name. */
export function stateDirOf({ stateDir }: StorePlace, io: CommandIo): string {
  return stateDir ?? io.env['HANDLER_STATE_DIR'] ?? './state'
}

/** The database that the options or the environment name. */
export function databaseOf(place: StorePlace, io: CommandIo): string {
  return place.db ?? join(stateDirOf(place, io), 'decisions.db')
}

/** Exit code of damage: what is on disk is not what was written (design: local state damaged). */
const DAMAGED = 10
const DAMAGE = /^(?:SQLITE_CORRUPT|SQLITE_NOTADB|ERR_STORE_DAMAGED)/

/**
 * Runs a command and tells an expected failure in one line: exit code 10 when SQLite cannot read the file as a
 * database or the store says that it is damaged, 2 otherwise. Anything unexpected is thrown.
 */
export async function guarded(io: CommandIo, command: () => Promise<void> | void): Promise<void> {
  try {
    await command()
  } catch (error) {
    const code = errnoOf(error) ?? ''
    if (!code.startsWith('SQLITE_') && !(error instanceof CountersignError)) throw error
    io.exitCode = DAMAGE.test(code) ? DAMAGED : 2
    io.stderr.write(`error: ${messageOf(error)}\n`)
    if (error instanceof CountersignError && error.hint !== undefined) {
      io.stderr.write(`hint: ${error.hint}\n`)
    }
  }
}
