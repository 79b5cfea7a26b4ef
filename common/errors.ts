/** Failures of both programs: never a secret, one line, with a remedy where there is one. */
import {
  COMMAND_ERRORS,
  type CommandErrorCode,
  STORE_ERRORS,
  type StoreErrorCode,
} from './error-codes.ts'
import { EXIT } from './exit-codes.ts'

export interface FailureOptions {
  readonly hint?: string | undefined
  readonly cause?: unknown
  /** Further lines for the reader, such as every problem of a configuration. */
  readonly details?: readonly string[]
}

/** An expected failure: it can be corrected outside of the program. Anything else is a bug. */
export class CountersignError extends Error {
  /** What to do about it, in the imperative; printed after `hint:`. */
  readonly hint: string | undefined
  readonly details: readonly string[]

  constructor(message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.hint = options.hint
    this.details = options.details ?? []
  }
}

/** A command line, or a file that it names, that cannot be used. */
export class UsageError extends CountersignError {
  readonly code = 'ERR_USAGE'
}

/**
 * Key or certificate material that cannot be used; the message names the file, never its contents.
 */
export class KeyMaterialError extends CountersignError {}

/** A file or directory whose owner, mode, type or contents is not safe to use. */
export class UnsafeFileError extends CountersignError {}

/** The system error code (`ENOENT`, `EACCES`, …) of a caught value, if it has one. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** One line that says what went wrong, for logs and messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What is said about a failure, and the exit code of a command that ends with it. */
export interface Failure {
  readonly code: CommandErrorCode | StoreErrorCode
  readonly exit: number
  readonly message: string
  readonly details: readonly string[]
  readonly hint: string | undefined
}

/**
 * Reads whatever was thrown: our own codes lead to their exit code, errors of SQLite and of the
 * file system are a damaged store or a disk that refuses, and anything else is a bug. `plain` is
 * the code of an expected failure that has none of its own.
 */
export function failureOf(error: unknown, plain: CommandErrorCode): Failure {
  const message = messageOf(error)
  const errno = errnoOf(error) ?? ''
  if (error instanceof CountersignError) {
    const { details, hint } = error
    const code = isCode(errno) ? errno : plain
    return { code, exit: exitOf(code), message, details, hint }
  }
  if (errno === 'SQLITE_CORRUPT' || errno === 'SQLITE_NOTADB') {
    const hint = 'stop the handler, keep the files, run `audit verify`'
    return { code: 'ERR_STORE_DAMAGED', exit: EXIT.damaged, message, details: [], hint }
  }
  if (errno.startsWith('SQLITE_') || FILE_ERRNOS.has(errno)) {
    const hint = 'repair the disk or its permissions, then run the same command again'
    return { code: 'ERR_DISK', exit: EXIT.damaged, message, details: [], hint }
  }
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return {
    code: 'ERR_BUG',
    exit: EXIT.bug,
    message: `this is a bug: ${message}`,
    details: stack.split('\n').slice(1),
    hint: 'report it with the lines above; the state is safe, running again is too',
  }
}

function isCode(code: string): code is CommandErrorCode | StoreErrorCode {
  return Object.hasOwn(COMMAND_ERRORS, code) || Object.hasOwn(STORE_ERRORS, code)
}

function exitOf(code: CommandErrorCode | StoreErrorCode): number {
  const row = { ...COMMAND_ERRORS, ...STORE_ERRORS }[code]
  return EXIT[row.exit]
}

/** What the file system refuses (a full disk, no permission), which is not a bug. */
const FILE_ERRNOS = new Set([
  'EACCES',
  'EBUSY',
  'EDQUOT',
  'EEXIST',
  'EIO',
  'EISDIR',
  'EMFILE',
  'ENFILE',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'ENOTEMPTY',
  'EPERM',
  'EROFS',
])
