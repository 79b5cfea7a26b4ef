import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { systemClock } from '../../../common/clock.ts'
import { SqliteError } from '../../../common/sqlite-error.ts'
import { openSqlite } from '../../../common/sqlite.ts'
import { runBatch, toWire } from '../../../handler/decisions/sqlite/batch.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import { openSqliteStore } from '../../../handler/decisions/sqlite/sqlite-store.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { nth, START } from './entries.ts'

describe('toWire', () => {
  it.each([
    ['SQLITE_FULL', 'ERR_STORE_FULL', false],
    ['SQLITE_IOERR_SHMSIZE', 'ERR_STORE_FULL', false],
    ['SQLITE_IOERR_FSYNC', 'ERR_STORE_FAILED', true],
    ['SQLITE_IOERR_WRITE', 'ERR_STORE_FAILED', true],
    ['SQLITE_CORRUPT', 'ERR_STORE_DAMAGED', true],
    ['SQLITE_NOTADB', 'ERR_STORE_DAMAGED', true],
    ['SQLITE_BUSY', 'ERR_STORE_UNAVAILABLE', false],
  ])('makes of %s %s, fatal: %s', (sqlite, code, fatal) => {
    const error = new SqliteError('it failed', sqlite)
    const message = `the decision store failed: ${sqlite}`
    expect(toWire(error)).toMatchObject({ code, fatal, message })
  })

  it('tells the message of an error that is not of SQLite', () => {
    expect(toWire(new TypeError('a bug'))).toEqual({
      code: 'ERR_STORE_UNAVAILABLE',
      message: 'the decision store failed: a bug',
      hint: undefined,
      fatal: false,
    })
  })
})

describe('runBatch', () => {
  it('keeps the other calls when one fails', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    const store = await openStore(path, START)
    const bad = { ...nth(2), charges: [{ limit: 7n }] }
    const results = runBatch(store, START, [
      { name: 'record', args: [nth(1)] },
      { name: 'record', args: [bad] },
      { name: 'approveHold', args: ['unknown', { by: 'alice', note: '' }] },
      { name: 'record', args: [nth(3)] },
    ])
    expect(results).toMatchObject([
      { ok: true, value: { seq: 2 } },
      { ok: false, error: { code: 'ERR_STORE_UNAVAILABLE' } },
      { ok: false, error: { code: 'ERR_HOLD_UNKNOWN' } },
      { ok: true, value: { seq: 3 } },
    ])
    store.close()
  })
})

function noteNothing(): void {}

describe('while another process holds the database', () => {
  it('the event loop goes on, and the decision follows when the lock is gone', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    const store = await openSqliteStore({ path, clock: systemClock, onFatal: noteNothing })
    const other = openSqlite(path)
    other.exec('BEGIN IMMEDIATE')
    let settled = false
    const receipt = store.record(nth(1)).finally(() => (settled = true))
    for (let turn = 0; turn < 10; turn += 1) await sleep(10)
    expect(settled).toBe(false)
    other.exec('COMMIT')
    other.close()
    expect((await receipt).seq).toBe(2)
    await store.close()
  })

  it('a decision that it holds up too long is refused', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    const store = await openStore(path, START, { busyMs: 20 })
    const other = openSqlite(path)
    other.exec('BEGIN IMMEDIATE')
    expect(runBatch(store, START, [{ name: 'record', args: [nth(1)] }])).toMatchObject([
      { ok: false, error: { code: 'ERR_STORE_UNAVAILABLE', fatal: false } },
    ])
    other.close()
    expect(runBatch(store, START, [{ name: 'record', args: [nth(1)] }])).toMatchObject([
      { ok: true },
    ])
    store.close()
  })
})
