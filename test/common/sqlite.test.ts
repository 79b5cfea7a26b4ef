import { spawnSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { sqliteCodeName } from '../../common/sqlite-error.ts'
import { inTransaction, openSqlite, sqliteOf } from '../../common/sqlite.ts'
import type { Database, SqliteOptions } from '../../common/sqlite.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const COMMON = resolve(import.meta.dirname, '../../dist/common')

const opened: Database[] = []

afterEach(() => {
  for (const db of opened.splice(0)) db.close()
})

function open(path: string, options?: SqliteOptions): Database {
  const db = openSqlite(path, options)
  opened.push(db)
  return db
}

/** A database with the rows 1 to 100 in a table of its own. */
async function hundredRows(): Promise<{ path: string; db: Database }> {
  const path = join(await temporaryDirectory(), 'rows.db')
  const db = open(path, { busyMs: 0 })
  db.exec('CREATE TABLE rows (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT')
  const insert = db.prepare('INSERT INTO rows VALUES (?, ?)')
  inTransaction(db, 'IMMEDIATE', () => {
    for (let n = 1; n <= 100; n += 1) insert.run(n, `row ${n}`)
  })
  return { path, db }
}

/** Runs a module in a process of its own, with this Node; `openSqlite` is imported. */
function runAlone(common: string, script: string, ...flags: string[]) {
  const source = `import { openSqlite } from ${JSON.stringify(`file://${common}/sqlite.js`)}\n${script}`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '--input-type=module', '-e', source],
    { encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

describe('the SQLite of a version of Node', () => {
  it.each([
    ['20.19.0', 'addon'],
    ['20.20.2', 'addon'],
    ['22.16.0', 'node'],
    ['22.23.3', 'node'],
    ['24.0.0', 'node'],
    ['26.10.0', 'node'],
    ['28.0.0', 'node'],
  ])('on %s is that of the %s', (version, expected) => {
    expect(sqliteOf(version)).toBe(expected)
  })

  it.each(['18.20.0', '21.7.3', '22.15.1', '23.11.0'])('on %s does not exist', (version) => {
    expect(() => sqliteOf(version)).toThrow(`Node ${version} has no SQLite`)
  })
})

describe('an error of SQLite', () => {
  it.each([
    [1, 'SQLITE_ERROR'],
    [5, 'SQLITE_BUSY'],
    [13, 'SQLITE_FULL'],
    [26, 'SQLITE_NOTADB'],
    [517, 'SQLITE_BUSY_SNAPSHOT'],
    [778, 'SQLITE_IOERR_WRITE'],
    [1034, 'SQLITE_IOERR_FSYNC'],
    [4874, 'SQLITE_IOERR_SHMSIZE'],
    [2067, 'SQLITE_CONSTRAINT_UNIQUE'],
    [267, 'SQLITE_CORRUPT_267'],
    // Not in the table: it must still be known for a failed write, which ends the process.
    [10 + 99 * 256, 'SQLITE_IOERR_25354'],
    [99, 'SQLITE_99'],
  ])('%i is %s', (number, name) => {
    expect(sqliteCodeName(number)).toBe(name)
  })

  it('bears its name when a key is there already', async () => {
    const { db } = await hundredRows()
    expect(() => db.exec(`INSERT INTO rows VALUES (7, 'again')`)).toThrow(
      expect.objectContaining({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' }),
    )
  })

  it('bears its name when another connection writes', async () => {
    const { path, db } = await hundredRows()
    const other = open(path)
    other.exec('BEGIN IMMEDIATE')
    expect(() => db.exec('BEGIN IMMEDIATE')).toThrow(
      expect.objectContaining({ code: 'SQLITE_BUSY' }),
    )
  })

  it('bears its name when there is no more room', async () => {
    const { db } = await hundredRows()
    db.exec('PRAGMA max_page_count = 4')
    const insert = db.prepare('INSERT INTO rows VALUES (?, ?)')
    expect(() => insert.run(101, 'x'.repeat(100_000))).toThrow(
      expect.objectContaining({ code: 'SQLITE_FULL' }),
    )
  })

  it('bears its name when the file is something else, or missing', async () => {
    const directory = await temporaryDirectory()
    writeFileSync(join(directory, 'text'), 'no database at all, but long enough to be read as one')
    const text = open(join(directory, 'text'))
    expect(() => text.prepare('SELECT * FROM sqlite_schema')).toThrow(
      expect.objectContaining({ code: 'SQLITE_NOTADB' }),
    )
    expect(() => open(join(directory, 'missing'), { readOnly: true })).toThrow(
      expect.objectContaining({ code: 'SQLITE_CANTOPEN' }),
    )
  })

  it('bears its name in the middle of an iteration', async () => {
    const { path, db } = await hundredRows()
    db.exec('CREATE TABLE big AS SELECT n, zeroblob(5000) AS bytes FROM rows')
    const reader = open(path, { readOnly: true })
    const rows = reader.prepare("SELECT json(iif(n < 5, '1', 'no JSON')) FROM big").iterate()
    expect(() => [...rows]).toThrow(expect.objectContaining({ code: 'SQLITE_ERROR' }))
  })
})

describe('a statement', () => {
  it('returns rows, or their first columns', async () => {
    const { db } = await hundredRows()
    const rows = db.prepare<[number], { n: number; text: string }>(
      'SELECT n, text FROM rows WHERE n > ? ORDER BY n',
    )
    expect(rows.get(41)).toEqual({ n: 42, text: 'row 42' })
    expect(rows.all(98)).toEqual([
      { n: 99, text: 'row 99' },
      { n: 100, text: 'row 100' },
    ])
    expect([...rows.iterate(99)]).toEqual([{ n: 100, text: 'row 100' }])
    expect(rows.get(100)).toBeUndefined()
    const numbers = db
      .prepare<[number], number>('SELECT n FROM rows WHERE n > ? ORDER BY n')
      .pluck()
    expect(numbers.get(41)).toBe(42)
    expect(numbers.all(97)).toEqual([98, 99, 100])
    expect([...numbers.iterate(98)]).toEqual([99, 100])
    expect(numbers.get(100)).toBeUndefined()
  })

  it('lets go of the file when an iteration ends early', async () => {
    const { path, db } = await hundredRows()
    const reader = open(path, { readOnly: true })
    for (const n of reader.prepare<[], number>('SELECT n FROM rows').pluck().iterate()) {
      if (n === 3) break
    }
    // Without a write-ahead log nothing can be written while somebody reads.
    db.exec('DELETE FROM rows WHERE n = 1')
    expect(db.prepare('SELECT count(*) FROM rows').pluck().get()).toBe(99)
  })

  it('is refused once the database is closed, which it may be twice', async () => {
    const { db } = await hundredRows()
    const count = db.prepare('SELECT count(*) FROM rows').pluck()
    db.close()
    db.close()
    expect(() => count.get()).toThrow()
    expect(() => db.exec('SELECT 1')).toThrow()
  })
})

describe('inTransaction', () => {
  it('writes all or nothing', async () => {
    const { db } = await hundredRows()
    const failing = () =>
      inTransaction(db, 'IMMEDIATE', () => {
        db.exec('DELETE FROM rows')
        expect(db.inTransaction).toBe(true)
        throw new Error('in the middle')
      })
    expect(failing).toThrow('in the middle')
    expect(db.inTransaction).toBe(false)
    expect(db.prepare('SELECT count(*) FROM rows').pluck().get()).toBe(100)
  })
})

describe('openSqlite', () => {
  it('takes no path for a URI', async () => {
    const directory = await temporaryDirectory()
    const { status, stderr } = runAlone(
      COMMON,
      `process.chdir(${JSON.stringify(directory)})
       openSqlite('file:one.db?mode=memory').exec('CREATE TABLE t (n)')
       import { existsSync } from 'node:fs'
       process.exitCode = existsSync('file:one.db?mode=memory') ? 0 : 1`,
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('keeps the warning of Node 22 from standard error, and no other', () => {
    const { status, stderr } = runAlone(
      COMMON,
      `openSqlite(':memory:').close()
       process.emitWarning('SQLite is all right', 'ExperimentalWarning')`,
    )
    expect(status).toBe(0)
    expect(stderr.match(/ExperimentalWarning: .*/g)).toEqual([
      'ExperimentalWarning: SQLite is all right',
    ])
  })

  // The addon ends the process on Node 24 when the garbage collector meets a database or a statement.
  it('survives the collection of databases and statements that were dropped', () => {
    const { status, stderr } = runAlone(
      COMMON,
      `for (let round = 0; round < 20; round += 1) {
         for (let n = 0; n < 50; n += 1) {
           const db = openSqlite(':memory:')
           for (let m = 0; m < 10; m += 1) db.prepare('SELECT ' + m).pluck().get()
         }
         await new Promise((resolve) => setImmediate(resolve))
         gc()
         await new Promise((resolve) => setTimeout(resolve, 2))
       }`,
      '--expose-gc',
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('needs no package, or names the one that is missing', async () => {
    const alone = join(await temporaryDirectory(), 'common')
    cpSync(COMMON, alone, { recursive: true })
    writeFileSync(join(alone, 'package.json'), '{ "type": "module" }')
    const { status, stdout } = runAlone(
      alone,
      `try {
         openSqlite(':memory:').close()
         process.stdout.write('opened')
       } catch ({ name, message, hint }) {
         process.stdout.write([name, message, hint].join(' | '))
       }`,
    )
    expect(status).toBe(0)
    expect(stdout).toBe(
      sqliteOf(process.versions.node) === 'node'
        ? 'opened'
        : `CountersignError | Node ${process.versions.node} needs the package \`better-sqlite3\`, which is not installed or was not compiled | use Node 24 or 26, or run \`npm ci\` where a C++ compiler and Python 3 are installed`,
    )
  })
})
