import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { systemSleep } from '../../../common/clock.ts'
import { createCore } from '../../../handler/decisions/sqlite/core.ts'
import { openDatabase, openReadOnly } from '../../../handler/decisions/sqlite/database.ts'
import type { Database } from '../../../handler/decisions/sqlite/database.ts'
import { fingerprintOf } from '../../../handler/protocol/digest.ts'
import { createFingerprintSet } from '../../../handler/decisions/sqlite/fingerprint-set.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import { openSqliteStore } from '../../../handler/decisions/sqlite/sqlite-store.ts'
import { createLogCopier } from '../../../handler/decisions/sqlite/write-ahead-log.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { nth, START } from './entries.ts'

async function open(): Promise<{ path: string; db: Database }> {
  const path = join(await temporaryDirectory(), 'decisions.db')
  return { path, db: openDatabase(path) }
}

function count(db: Database, table: string): number {
  return Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get())
}

describe('the request index', () => {
  it('moves out of memory a little with each record, and finds every request at any moment', async () => {
    const { path, db } = await open()
    const core = createCore(db)
    const { index, calls } = core
    const record = (from: number, to = from) =>
      core.transaction(START, () => {
        for (let n = from; n <= to; n += 1) calls.record(nth(n))
      })
    record(1, 16_383)
    expect(count(db, 'request_index')).toBe(0)
    const seqOf = (n: number) => index.candidates(fingerprintOf(nth(n).key))
    record(16_384)
    for (let n = 16_448; n < 16_384 + 8_192; n += 64) {
      // Alone, and some that come together.
      record(n - 63)
      record(n - 62, n)
      expect(count(db, 'request_index')).toBe(2 * (n - 16_383))
      for (const each of [1, 9_000, 16_384, n]) expect(seqOf(each)).toEqual([each])
    }
    record(24_513, 24_575)
    expect(count(db, 'request_index')).toBe(16_384)
    expect(index.unmerged()).toHaveLength(8_191)
    record(24_576)
    expect(count(db, 'request_index')).toBe(16_384)
    expect(index.merge()).toBe(false)
    db.close()

    const again = createCore(openDatabase(path))
    expect(again.index.unmerged()).toHaveLength(8_192)
    for (const n of [1, 16_384, 16_386, 24_576]) {
      expect(again.calls.recall(nth(n).key, '').kind).toBe('decided')
    }
    expect(again.calls.recall(nth(99_999).key, '').kind).toBe('new')
    const all = [...again.index.merged(-1, 10_000)]
    all.push(...again.index.merged(all.at(-1) ?? 0, 10_000))
    expect(all).toHaveLength(16_384)
  })

  it('moves out of memory in slices when there is nothing else to do', async () => {
    const { db } = await open()
    const core = createCore(db)
    core.transaction(START, () => {
      for (let n = 1; n <= 16_384; n += 1) core.calls.record(nth(n))
    })
    const { index } = core
    let slices = 1
    while (index.merge()) {
      slices += 1
      for (const n of [1, 9_000, 16_384]) {
        expect(index.candidates(fingerprintOf(nth(n).key))).toEqual([n])
      }
    }
    expect(slices).toBe(32)
    expect(count(db, 'request_index')).toBe(16_384)
    expect(index.unmerged()).toEqual([])
    expect(index.merge()).toBe(false)
  })

  // The end of a merge is what is remembered: one that takes many records would begin anew with every restart.
  it('is merged soon although few records come between two restarts', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    const earlier = await openStore(path, START)
    earlier.core.transaction(START, () => {
      for (let n = 1; n <= 16_384; n += 1) earlier.core.calls.record(nth(n))
    })
    earlier.advanceMark()
    earlier.close()
    const clock = settableClock()
    const store = await openSqliteStore({ path, clock, onFatal: (error) => expect(error).toBe('') })
    const reader = openReadOnly(path)
    const merged = () =>
      Number(reader.prepare('SELECT merged_seq FROM request_index_state').pluck().get())
    for (let waited = 0; merged() === 0 && waited < 200; waited += 1) await systemSleep(20)
    expect(merged()).toBeGreaterThanOrEqual(16_384)
    expect((await store.recall(nth(77).key, '')).kind).toBe('decided')
    reader.close()
    await store.close()
  })

  it('loses nothing when a slice cannot be written', async () => {
    const { path, db } = await open()
    const core = createCore(db)
    core.transaction(START, () => {
      for (let n = 1; n <= 16_384; n += 1) core.calls.record(nth(n))
    })
    const { index } = core
    expect(index.merge()).toBe(true)
    const other = openDatabase(path)
    other.exec('BEGIN IMMEDIATE')
    db.exec('PRAGMA busy_timeout = 0')
    expect(index.merge).toThrow('locked')
    other.exec('ROLLBACK')
    expect(index.candidates(fingerprintOf(nth(77).key))).toEqual([77])
    while (index.merge());
    expect(count(db, 'request_index')).toBe(16_384)
    other.close()
  })

  it('loses nothing when a merge is interrupted', async () => {
    const { path, db } = await open()
    const core = createCore(db)
    const record = (from: number, to: number, into = core) =>
      into.transaction(START, () => {
        for (let n = from; n <= to; n += 1) into.calls.record(nth(n))
      })
    record(1, 20_000)
    expect(() =>
      core.transaction(START, () => {
        for (let n = 20_001; n <= 20_100; n += 1) core.calls.record(nth(n))
        throw new Error('the disk is full')
      }),
    ).toThrow('the disk is full')
    expect(core.index.candidates(fingerprintOf(nth(77).key))).toEqual([77])
    db.close()
    const again = createCore(openDatabase(path))
    expect(again.index.unmerged()).toHaveLength(20_000)
    record(20_001, 30_001, again)
    expect(again.index.unmerged()).toHaveLength(10_000)
    for (const n of [1, 77, 16_384, 20_001, 30_001]) {
      expect(again.index.candidates(fingerprintOf(nth(n).key))).toEqual([n])
    }
    expect(count(openDatabase(path), 'request_index')).toBe(20_001)
  })
})

describe('the write-ahead log', () => {
  it('is copied into the database after enough records', async () => {
    const { db } = await open()
    const core = createCore(db)
    const copier = createLogCopier(db)
    core.transaction(START, () => core.calls.record(nth(1)))
    copier.note(255)
    expect(copier.step()).toBe(false)
    copier.note(1)
    expect(copier.step()).toBe(true)
    const log = db
      .prepare<[], { log: number; checkpointed: number }>('PRAGMA wal_checkpoint(PASSIVE)')
      .get()
    expect(log).toMatchObject({ checkpointed: log?.log })
  })
})

describe('the fingerprint set', () => {
  it('has what was added, through every growth, and little else', () => {
    const set = createFingerprintSet()
    const known = Array.from({ length: 20_000 }, (_, n) => fingerprintOf(nth(n).key))
    for (const fingerprint of known) set.add(fingerprint)
    for (const fingerprint of known) set.add(fingerprint)
    expect(known.every((fingerprint) => set.mayHave(fingerprint))).toBe(true)
    const others = Array.from({ length: 20_000 }, (_, n) => fingerprintOf(nth(100_000 + n).key))
    expect(others.filter((fingerprint) => set.mayHave(fingerprint)).length).toBeLessThan(5)
  })

  it('takes the fingerprint that looks like an empty slot', () => {
    const set = createFingerprintSet()
    expect(set.mayHave(2 ** 40)).toBe(false)
    set.add(2 ** 40)
    expect(set.mayHave(2 ** 40)).toBe(true)
  })

  it('says yes to everything rather than grow beyond its bound', () => {
    const set = createFingerprintSet(2_048)
    for (let n = 0; n < 1_535; n += 1) set.add(n * 7_919)
    expect(set.mayHave(123_456_789)).toBe(false)
    for (let n = 1_535; n < 1_600; n += 1) set.add(n * 7_919)
    expect(set.mayHave(123_456_789)).toBe(true)
  })
})
