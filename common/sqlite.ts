/**
 * SQLite from one of two places, behind one interface: Node's own `node:sqlite` from 22.16 on, and
 * the addon `better-sqlite3` on Node 20, which has none. Never both in one process: the file locks
 * of one would be dropped by the other. Why these two: docs/decisions/node-versions.md.
 */
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CountersignError } from './errors.ts'
import { namedSqliteError } from './sqlite-error.ts'

export type Value = string | number | bigint | NodeJS.ArrayBufferView | null

/** An open database. Errors of SQLite carry its name for them as `code`, e.g. `SQLITE_BUSY`. */
export interface Database {
  /**
   * A statement to be run many times; it lives until the database is closed or nothing refers to
   * it.
   */
  prepare<P extends Value[] = Value[], R = unknown>(sql: string): Statement<P, R>
  /** Runs statements without parameters; rows they return are dropped. */
  exec(sql: string): void
  readonly inTransaction: boolean
  /** Ends its statements and drops its locks; harmless when it is closed already. */
  close(): void
}

/**
 * Integers beyond 2^53 are no part of this: `node:sqlite` refuses to read one, the addon rounds it.
 */
export interface Statement<P extends Value[] = Value[], R = unknown> {
  /** Lets it return the first column in place of an object per row. */
  pluck(): this
  run(...values: P): unknown
  get(...values: P): R | undefined
  all(...values: P): R[]
  iterate(...values: P): IterableIterator<R>
}

export interface SqliteOptions {
  /** The file must exist, and is not written. */
  readonly readOnly?: boolean
  /** Milliseconds to wait for another connection that writes; default 2,000. */
  readonly busyMs?: number
}

type Open = (path: string, options: Required<SqliteOptions>) => Database

let open: Open | undefined

/**
 * Opens a database, creating the file when there is none and it may be written.
 *
 * @throws CountersignError when this Node has no SQLite that is fit; errors of SQLite otherwise
 */
export function openSqlite(path: string, options: SqliteOptions = {}): Database {
  open ??= sqliteOf(process.versions.node) === 'node' ? loadNodeSqlite() : loadAddon()
  const { readOnly = false, busyMs = 2_000 } = options
  // Absolute, because SQLite takes a path that begins with `file:` for a URI.
  return open(path === ':memory:' ? path : resolve(path), { readOnly, busyMs })
}

/** Runs `work` in one transaction, `IMMEDIATE` to write; an error rolls all of it back. */
export function inTransaction<T>(db: Database, kind: 'DEFERRED' | 'IMMEDIATE', work: () => T): T {
  db.exec(`BEGIN ${kind}`)
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/**
 * Which SQLite a version of Node is used with. The addon ends the process on 24.19 and newer;
 * before 22.16, and in 23, `node:sqlite` has no busy timeout.
 *
 * @throws CountersignError when neither is fit
 */
export function sqliteOf(version: string): 'node' | 'addon' {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major >= 24 || (major === 22 && minor >= 16)) return 'node'
  if (major === 20) return 'addon'
  throw new CountersignError(`Node ${version} has no SQLite that the program can use`, {
    hint: 'use Node 24 or 26 (or 22.16 or newer, or 20.19 or newer)',
  })
}

const require = createRequire(import.meta.url)

function loadNodeSqlite(): Open {
  const sqlite = withoutItsWarning((): typeof import('node:sqlite') => require('node:sqlite'))
  return (path, { readOnly, busyMs }) => {
    return named(
      () => new NodeDatabase(new sqlite.DatabaseSync(path, { readOnly, timeout: busyMs })),
    )
  }
}

/** Node 22 warns that its SQLite is experimental; every other warning still gets through. */
function withoutItsWarning<T>(load: () => T): T {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] === 'ExperimentalWarning' && String(warning).startsWith('SQLite ')) return
    Reflect.apply(emitWarning, undefined, [warning, ...rest])
  }
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}

interface Addon {
  new (
    path: string,
    options: {
      readonly readonly: boolean
      readonly fileMustExist: boolean
      readonly timeout: number
    },
  ): Database
}

function loadAddon(): Open {
  let addon: Addon
  try {
    addon = require('better-sqlite3')
    // Its binary is loaded with the first database.
    new addon(':memory:', { readonly: false, fileMustExist: false, timeout: 0 }).close()
  } catch (cause) {
    throw new CountersignError(
      `Node ${process.versions.node} needs the package \`better-sqlite3\`, which is not installed or was not compiled`,
      {
        hint: 'use Node 24 or 26, or run `npm ci` where a C++ compiler and Python 3 are installed',
        cause,
      },
    )
  }
  return (path, { readOnly, busyMs }) =>
    new addon(path, { readonly: readOnly, fileMustExist: readOnly, timeout: busyMs })
}

class NodeDatabase implements Database {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction
  }

  prepare<P extends Value[], R>(sql: string): Statement<P, R> {
    return named(() => new NodeStatement<P, R>(this.#database.prepare(sql)))
  }

  exec(sql: string): void {
    named(() => this.#database.exec(sql))
  }

  close(): void {
    if (this.#database.isOpen) named(() => this.#database.close())
  }
}

class NodeStatement<P extends Value[], R> implements Statement<P, R> {
  readonly #statement: StatementSync
  #plucked = false

  constructor(statement: StatementSync) {
    this.#statement = statement
  }

  pluck(): this {
    this.#statement.setReturnArrays(true)
    this.#plucked = true
    return this
  }

  run(...values: P): unknown {
    return named(() => this.#statement.run(...values))
  }

  get(...values: P): R | undefined {
    return named(() =>
      this.#plucked ? this.#statement.get<[R]>(...values)?.[0] : this.#statement.get<R>(...values),
    )
  }

  all(...values: P): R[] {
    return named(() =>
      this.#plucked
        ? this.#statement.all<[R]>(...values).map(([first]) => first)
        : this.#statement.all<R>(...values),
    )
  }

  *iterate(...values: P): IterableIterator<R> {
    try {
      if (this.#plucked) for (const [first] of this.#statement.iterate<[R]>(...values)) yield first
      else yield* this.#statement.iterate<R>(...values)
    } catch (error) {
      throw namedSqliteError(error)
    }
  }
}

/** Lets errors of SQLite bear their names. */
function named<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw namedSqliteError(error)
  }
}
