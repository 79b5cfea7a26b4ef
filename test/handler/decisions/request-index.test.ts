import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { createCore } from '../../../handler/decisions/core.ts'
import { openDatabase } from '../../../handler/decisions/database.ts'
import type { Database } from '../../../handler/decisions/database.ts'
import { fingerprintOf } from '../../../handler/decisions/fingerprint.ts'
import { createFingerprintSet } from '../../../handler/decisions/fingerprint-set.ts'
import { createRecentDecisions } from '../../../handler/decisions/recent-decisions.ts'
import { createUpkeep } from '../../../handler/decisions/upkeep.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { APPROVE, nth, requestKey, START } from './entries.ts'

async function open(): Promise<{ path: string; db: Database }> {
  const path = join(await temporaryDirectory(), 'decisions.db')
  return { path, db: openDatabase(path) }
}

function count(db: Database, table: string): number {
  return Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get())
}

describe('the request index', () => {
  it('moves out of memory in slices, and finds every request at any moment', async () => {
    const { path, db } = await open()
    const core = createCore(db)
    const { index, calls } = core
    const record = (n: number) => core.transaction(START, () => calls.record(nth(n)))
    core.transaction(START, () => {
      for (let n = 1; n <= 16_384; n += 1) calls.record(nth(n))
    })
    const seqOf = (n: number) => index.candidates(fingerprintOf(nth(n).key))
    let slices = 1
    while (index.merge()) {
      slices += 1
      record(16_384 + slices)
      for (const n of [1, 9_000, 16_384, 16_384 + slices])
        expect(seqOf(n)).toEqual([n - (n > 16_384 ? 1 : 0)])
    }
    expect(slices).toBe(16)
    expect(count(db, 'request_index')).toBe(16_384)
    expect(index.unmerged()).toHaveLength(15)
    expect(index.merge()).toBe(false)
    db.close()

    const again = createCore(openDatabase(path))
    expect(again.index.unmerged()).toHaveLength(15)
    for (const n of [1, 16_384, 16_386, 16_392]) {
      expect(again.calls.recall(nth(n).key).kind).toBe('decided')
    }
    expect(again.calls.recall(nth(99_999).key).kind).toBe('new')
    const all = [...again.index.merged(-1, 10_000)]
    all.push(...again.index.merged(all.at(-1) ?? 0, 10_000))
    expect(all).toHaveLength(16_384)
  })

  it('loses nothing when a merge is interrupted', async () => {
    const { path, db } = await open()
    const core = createCore(db)
    core.transaction(START, () => {
      for (let n = 1; n <= 16_384; n += 1) core.calls.record(nth(n))
    })
    expect(core.index.merge()).toBe(true)
    db.close()
    const again = createCore(openDatabase(path))
    expect(again.index.unmerged()).toHaveLength(16_384)
    expect(again.index.candidates(fingerprintOf(nth(77).key))).toEqual([77])
    while (again.index.merge());
    expect(again.index.candidates(fingerprintOf(nth(77).key))).toEqual([77])
  })
})

describe('the upkeep', () => {
  it('copies the log into the database after enough records', async () => {
    const { db } = await open()
    const core = createCore(db)
    const upkeep = createUpkeep(db, core.index)
    core.transaction(START, () => core.calls.record(nth(1)))
    upkeep.note(999)
    expect(upkeep.step()).toBe(false)
    upkeep.note(1)
    expect(upkeep.step()).toBe(true)
    const [log] = db.pragma('wal_checkpoint(PASSIVE)') as [{ log: number; checkpointed: number }]
    expect(log.checkpointed).toBe(log.log)
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

function key(n: number) {
  return requestKey({ requestId: `request-${n}` })
}

function decided(seq: number) {
  return { kind: 'decided', decision: APPROVE, seq } as const
}

describe('recent decisions', () => {
  it('keep the ones asked for last', () => {
    const recent = createRecentDecisions(2)
    recent.put(key(1), decided(1))
    recent.put(key(2), decided(2))
    expect(recent.get(key(1))).toEqual(decided(1))
    recent.put(key(3), decided(3))
    expect(recent.get(key(2))).toBeUndefined()
    expect(recent.get(key(1))).toEqual(decided(1))
    expect(recent.get(key(3))).toEqual(decided(3))
    expect(recent.get(requestKey({ requestId: 'request-1', stage: 'approval' }))).toBeUndefined()
  })
})
