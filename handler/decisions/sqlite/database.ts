/** The SQLite file: durable at every commit, private to its owner, and of a version that this program knows. */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  realpathSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '../../../common/errors.ts'
import { assertOwner, assertSafe, isOwn } from '../../../common/file-safety.ts'
import { inTransaction, openSqlite } from '../../../common/sqlite.ts'
import type { Database } from '../../../common/sqlite.ts'
import { StoreError } from '../store-error.ts'
import { keepUpgradeCopy } from './upgrade-copy.ts'

export type { Database } from '../../../common/sqlite.ts'

/** `user_version` of the file; a newer one is refused. */
export const SCHEMA_VERSION = 2

/** Step n brings a file from version n to n + 1. */
const MIGRATIONS: readonly string[] = [
  `
  -- The audit chain. Rows are only ever added; every other table can be explained by it. \`fingerprint\` is set in
  -- records by which a request is recalled.
  CREATE TABLE chain (
    seq INTEGER PRIMARY KEY,
    fingerprint INTEGER,
    body TEXT NOT NULL,
    token TEXT,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;

  -- Where to look for a request, for records up to merged_seq; later ones are indexed in memory. See request-index.ts.
  CREATE TABLE request_index (
    fingerprint INTEGER NOT NULL,
    seq INTEGER NOT NULL REFERENCES chain (seq),
    PRIMARY KEY (fingerprint, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE request_index_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    merged_seq INTEGER NOT NULL
  ) STRICT;
  INSERT INTO request_index_state VALUES (1, 0);

  -- What each owner spent of each limit. Amounts are units / 10^scale, units as decimal text.
  CREATE TABLE limit_charges (
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    owner TEXT NOT NULL,
    time INTEGER NOT NULL,
    units TEXT NOT NULL,
    scale INTEGER NOT NULL,
    PRIMARY KEY (name, key, owner)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX limit_charges_by_time ON limit_charges (name, key, time);
  CREATE INDEX limit_charges_by_owner ON limit_charges (owner);

  -- Running totals of limit_charges, all charges before until_ms included; see limits.ts.
  CREATE TABLE limit_totals (
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    units TEXT NOT NULL,
    scale INTEGER NOT NULL,
    PRIMARY KEY (name, key, until_ms)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE limit_windows (
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    window_ms INTEGER NOT NULL,
    PRIMARY KEY (name, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE single_uses (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES chain (seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    terms TEXT NOT NULL,
    summary TEXT NOT NULL,
    opened INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    approvals TEXT NOT NULL,
    rejected_by TEXT,
    used INTEGER REFERENCES chain (seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX holds_open ON holds (expires) WHERE used IS NULL AND rejected_by IS NULL;

  -- Written to prove that the store can be written.
  CREATE TABLE probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    time INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE freeze (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    action TEXT NOT NULL,
    person TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- Approvals that spent something, by the variant of the transaction that they belong to; see variants.ts.
  CREATE TABLE variants (
    owner TEXT NOT NULL,
    request_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    seq INTEGER NOT NULL REFERENCES chain (seq),
    bytes TEXT,
    PRIMARY KEY (owner, request_id, n, seq)
  ) STRICT, WITHOUT ROWID;
  `,
]

export interface DatabaseOptions {
  /** Milliseconds to wait for another process that writes; default 2,000. */
  readonly busyMs?: number
  /** Upper bound of the file in pages of 4096 bytes; SQLite's own bound without it. */
  readonly maxPages?: number | undefined
}

/**
 * Makes the file with mode 0600, or sets its mode back to that, on the opened file.
 *
 * @throws UnsafeFileError when others could exchange the file
 */
function makePrivate(path: string): void {
  const directory = dirname(path)
  assertSafe(directory, lstatSync(realpathSync(directory)), 'trusted')
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants
  const file = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
  try {
    const facts = fstatSync(file)
    assertOwner(path, facts)
    if (isOwn(facts)) fchmodSync(file, 0o600)
  } finally {
    closeSync(file)
  }
}

/**
 * Opens the store for writing, creating it with mode 0600 when it does not exist. One of an older version is copied before
 * its tables are changed.
 *
 * @throws StoreError `ERR_STORE_VERSION` when the file is of a newer program; errors of SQLite otherwise
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  // `:memory:` is SQLite's own name for a database without a file.
  if (path !== ':memory:') makePrivate(path)
  const db = openSqlite(path, options)
  try {
    db.exec('PRAGMA journal_mode = WAL')
    // FULL syncs the log at every commit; the addon's own default for WAL is NORMAL, which is not durable.
    db.exec('PRAGMA synchronous = FULL')
    db.exec('PRAGMA foreign_keys = ON')
    db.exec('PRAGMA trusted_schema = OFF')
    db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`)
    // 16 MiB, in KiB: the addon's default; that of Node's own SQLite is an eighth of it.
    db.exec('PRAGMA cache_size = -16000')
    migrate(db, path)
    if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${options.maxPages}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Opens the store for reading only, beside a handler that writes.
 *
 * @throws StoreError `ERR_STORE_UNAVAILABLE` when there is no such file, `ERR_STORE_DAMAGED`, `ERR_STORE_VERSION`
 */
export function openReadOnly(path: string): Database {
  if (!existsSync(path)) {
    throw new StoreError('ERR_STORE_UNAVAILABLE', `there is no decision store at \`${path}\``)
  }
  const db = openSqlite(path, { readOnly: true })
  try {
    assertVersion(versionOf(db))
    return db
  } catch (cause) {
    db.close()
    if (errnoOf(cause) !== 'SQLITE_NOTADB') throw cause
    throw new StoreError('ERR_STORE_DAMAGED', `\`${path}\` is not a database`, { cause })
  }
}

/** An empty store in memory, as this program makes one of that version. */
export function emptyDatabase(version: number): Database {
  const db = openSqlite(':memory:')
  for (const step of MIGRATIONS.slice(0, version)) db.exec(step)
  return db
}

function migrate(db: Database, path: string): void {
  const before = versionOf(db)
  if (before > 0 && before < SCHEMA_VERSION && path !== ':memory:') {
    keepUpgradeCopy(db, path, before)
  }
  inTransaction(db, 'IMMEDIATE', () => {
    const version = versionOf(db)
    assertVersion(version)
    for (const step of MIGRATIONS.slice(version)) db.exec(step)
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
  })
}

function versionOf(db: Database): number {
  return Number(db.prepare('PRAGMA user_version').pluck().get())
}

function assertVersion(version: number): void {
  if (version <= SCHEMA_VERSION) return
  throw new StoreError(
    'ERR_STORE_VERSION',
    `the decision store is of version ${version}, this program knows ${SCHEMA_VERSION}`,
    { hint: 'use the program that wrote it, or a newer one' },
  )
}
