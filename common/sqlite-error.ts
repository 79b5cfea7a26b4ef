/**
 * Names for the numbers by which Node's own SQLite reports errors: the names of SQLite's
 * documentation.
 */
import { errnoOf } from './errors.ts'

const PRIMARY = (
  'OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL ' +
  'CANTOPEN PROTOCOL EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB'
).split(' ')

/** What stands in the higher bits of an extended code, from 1. */
const EXTENDED: Readonly<Record<string, readonly string[]>> = {
  BUSY: ['RECOVERY', 'SNAPSHOT', 'TIMEOUT'],
  IOERR: (
    'READ SHORT_READ WRITE FSYNC DIR_FSYNC TRUNCATE FSTAT UNLOCK RDLOCK DELETE BLOCKED NOMEM ACCESS ' +
    'CHECKRESERVEDLOCK LOCK CLOSE DIR_CLOSE SHMOPEN SHMSIZE SHMLOCK SHMMAP SEEK DELETE_NOENT MMAP'
  ).split(' '),
  CONSTRAINT:
    'CHECK COMMITHOOK FOREIGNKEY FUNCTION NOTNULL PRIMARYKEY TRIGGER UNIQUE VTAB ROWID PINNED DATATYPE'.split(
      ' ',
    ),
}

/** An error of SQLite, with its name as `code`: `SQLITE_FULL`, `SQLITE_IOERR_FSYNC`. */
export class SqliteError extends Error {
  readonly code: string

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SqliteError'
    this.code = code
  }
}

/**
 * The name of an extended result code; one that is not known keeps its number: `SQLITE_IOERR_8458`.
 */
export function sqliteCodeName(errcode: number): string {
  const primary = PRIMARY[errcode & 0xff] ?? String(errcode & 0xff)
  if (errcode <= 0xff) return `SQLITE_${primary}`
  return `SQLITE_${primary}_${EXTENDED[primary]?.[(errcode >> 8) - 1] ?? errcode}`
}

/**
 * What Node threw, as an error with SQLite's own name; anything that SQLite did not report stays as
 * it is.
 */
export function namedSqliteError(error: unknown): unknown {
  // Node cannot represent it as a number; the programs write no integer beyond 2^53.
  if (errnoOf(error) === 'ERR_OUT_OF_RANGE') {
    const message = 'an integer in the database is larger than any that was written'
    return new SqliteError(message, 'SQLITE_CORRUPT', { cause: error })
  }
  if (!isReported(error)) return error
  return new SqliteError(error.message, sqliteCodeName(error.errcode), { cause: error })
}

function isReported(
  error: unknown,
): error is { readonly message: string; readonly errcode: number } {
  return (
    errnoOf(error) === 'ERR_SQLITE_ERROR' &&
    typeof error === 'object' &&
    error !== null &&
    'errcode' in error &&
    typeof error.errcode === 'number'
  )
}
