import { createPublicKey, sign } from 'node:crypto'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Clock } from '../../../common/clock.ts'
import { openSqlite } from '../../../common/sqlite.ts'
import { verifyCheckpoint } from '../../../handler/decisions/checkpoint.ts'
import { markPath } from '../../../handler/decisions/sqlite/mark.ts'
import { openSqliteStore } from '../../../handler/decisions/sqlite/sqlite-store.ts'
import type {
  SqliteStore,
  SqliteStoreOptions,
} from '../../../handler/decisions/sqlite/sqlite-store.ts'
import type { StoreError } from '../../../handler/decisions/store-error.ts'
import { testKey } from '../../fixtures/keys.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { APPROVE, entry, nth, REJECT, requestKey, RETRY, START } from './entries.ts'

const stores: SqliteStore[] = []

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

/** A clock that moves only when told. */
function settableClock(): Clock & { advance(wallMs: number, monotonicMs?: number): void } {
  let wall = START
  let monotonic = 1_000
  return {
    now: () => new Date(wall),
    monotonicMs: () => monotonic,
    advance: (wallMs, monotonicMs = wallMs) => {
      wall += wallMs
      monotonic += monotonicMs
    },
  }
}

async function newPath(): Promise<string> {
  return join(await temporaryDirectory(), 'decisions.db')
}

/** No test expects the disk to fail. */
function onFatal(error: StoreError): void {
  throw error
}

async function open(options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> {
  const path = options.path ?? (await newPath())
  const store = await openSqliteStore({ clock: settableClock(), onFatal, ...options, path })
  stores.push(store)
  return store
}

function count(path: string, where = '1'): number {
  const db = openSqlite(path, { readOnly: true })
  const sql = `SELECT count(*) FROM chain WHERE ${where}`
  const result = Number(db.prepare(sql).pluck().get())
  db.close()
  return result
}

describe('the store in its thread', () => {
  it('records, recalls, and does so after a restart', async () => {
    const path = await newPath()
    const store = await open({ path })
    expect(await store.recall(requestKey(), '')).toEqual({ kind: 'new' })
    const { seq } = await store.record(entry())
    const decided = { kind: 'decided', decision: APPROVE, seq }
    expect(await store.recall(requestKey(), '')).toEqual(decided)
    await store.close()
    const next = await open({ path })
    expect(await next.recall(requestKey(), '')).toEqual(decided)
    expect(await next.recall(requestKey({ requestId: 'other' }), '')).toEqual({ kind: 'new' })
  })

  it('lets a record wait for its turn, and takes it along with one that does not wait', async () => {
    const path = await newPath()
    const store = await open({ path })
    let come: () => void = () => undefined
    const turn = new Promise<void>((resolve) => {
      come = resolve
    })
    const patient = store.record(nth(1), turn)
    await sleep(50)
    expect(count(path, 'body LIKE \'%"decision"%\'')).toBe(0)
    come()
    const { seq } = await patient
    const waiting = store.record(nth(2), new Promise(() => undefined))
    const hurried = store.record(nth(3))
    expect([(await waiting).seq, (await hurried).seq]).toEqual([seq + 1, seq + 2])
  })

  it('keeps a record that still waits for its turn when the store is closed', async () => {
    const path = await newPath()
    const store = await open({ path })
    const waiting = store.record(nth(1), new Promise(() => undefined))
    await store.close()
    const { seq } = await waiting
    expect(await (await open({ path })).recall(nth(1).key, '')).toMatchObject({
      kind: 'decided',
      seq,
    })
  })

  it('makes one decision of a hundred copies that arrive at once', async () => {
    const path = await newPath()
    const store = await open({ path })
    const copies = Array.from({ length: 100 }, (_, n) =>
      store.record(entry({ decision: n % 2 === 0 ? APPROVE : REJECT })),
    )
    const receipts = await Promise.all(copies)
    expect(new Set(receipts.map((receipt) => JSON.stringify(receipt))).size).toBe(1)
    expect(count(path, `body LIKE '%"kind":"decision"%'`)).toBe(1)
  })

  it('never gives the last unit of a limit to two', async () => {
    const store = await open()
    const charges = [
      {
        limit: 'daily',
        key: '',
        windowMs: 86_400_000,
        maxCount: 25,
        amount: undefined,
        maxAmount: undefined,
        otherwise: REJECT,
      },
    ]
    const asked = Array.from({ length: 200 }, (_, n) =>
      store.record(entry({ key: { requestId: `request-${n}` }, charges })),
    )
    const receipts = await Promise.all(asked)
    expect(receipts.filter(({ decision }) => decision.action === 'APPROVE')).toHaveLength(25)
  })

  it('commits what arrives together in few transactions, in one chain', async () => {
    const path = await newPath()
    const store = await open({ path })
    await Promise.all(Array.from({ length: 500 }, (_, n) => store.record(nth(n))))
    expect(count(path)).toBe(501)
  })

  it('carries the operator acts, and knows the freeze without asking', async () => {
    const path = await newPath()
    const store = await open({ path })
    const terms = { approvals: 1, expiresMs: 60_000, onExpiry: 'RETRY' } as const
    const { id } = await store.openHold({ key: requestKey(), terms, summary: 'one' })
    expect(await store.listHolds()).toMatchObject([{ id, state: 'waiting' }])
    expect(await store.approveHold(id, { by: 'alice', note: '' })).toMatchObject({
      state: 'released',
    })
    expect(await store.rejectHold(id, { by: 'bob', note: '' })).toMatchObject({ state: 'rejected' })
    await expect(store.approveHold(id, { by: 'carol', note: '' })).rejects.toMatchObject({
      code: 'ERR_HOLD_CLOSED',
    })
    await expect(store.releaseCharges('x', { by: 'alice', note: '' })).rejects.toMatchObject({
      code: 'ERR_NOTHING_TO_RELEASE',
    })
    await store.freeze('REJECT', { by: 'alice', note: 'incident' })
    expect(store.frozen()).toMatchObject({ action: 'REJECT', by: 'alice' })
    await store.close()
    const next = await open({ path })
    expect(next.frozen()).toMatchObject({ action: 'REJECT', by: 'alice' })
    await next.unfreeze({ by: 'bob', note: '' })
    expect(next.frozen()).toBeUndefined()
  })

  it('settles what was asked before it is closed, and refuses what comes after', async () => {
    const store = await open()
    const asked = Array.from({ length: 20 }, (_, n) => store.record(nth(n)))
    const closing = store.close()
    const late = store.record(nth(99))
    expect(await Promise.all(asked)).toHaveLength(20)
    await closing
    await Promise.allSettled([late])
    await expect(store.record(nth(100))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expect(store.check()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('refuses at once what would be one too many to wait', async () => {
    const store = await open()
    const asked = Array.from({ length: 4_097 }, () => store.listHolds())
    const last = asked.pop()
    await expect(last).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: 'too much waits for the store',
    })
    expect(await Promise.all(asked)).toHaveLength(4_096)
    expect(await store.listHolds()).toEqual([])
  })

  it('cannot be opened where it cannot be written', async () => {
    const path = join(await newPath(), 'no', 'such', 'directory.db')
    await expect(open({ path })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('stops recording when its files are behind the mark, and says so', async () => {
    const path = await newPath()
    const first = await open({ path })
    await first.record(entry())
    await first.close()
    rmSync(path)
    const store = await open({ path })
    expect(store.opening.behind).toBe('it is not the store that was used before')
    await expect(store.check()).rejects.toMatchObject({ code: 'ERR_STORE_BEHIND' })
    await expect(store.record(entry())).rejects.toMatchObject({
      code: 'ERR_STORE_BEHIND',
      hint: expect.stringContaining('accept-store'),
    })
  })
})

describe('a full disk', () => {
  it('refuses to record, keeps what it has, and goes on once there is space', async () => {
    const path = await newPath()
    const store = await open({ path, maxPages: 60 })
    const evidence = { token: 'x'.repeat(9_000) }
    const big = (n: number) => entry({ key: { requestId: `big-${n}` }, evidence })
    let written = 0
    const write = async () => {
      for (; written < 100; written += 1) await store.record(big(written))
    }
    const failure: unknown = await write().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'ERR_STORE_FULL', hint: 'free disk space' })
    expect(written).toBeGreaterThan(2)
    expect(await store.recall(big(0).key, '')).toMatchObject({ kind: 'decided' })
    await store.close()
    const next = await open({ path })
    expect((await next.record(big(written))).decision).toEqual(APPROVE)
    expect(next.opening.behind).toBeUndefined()
  })

  it('fails only the decisions that do not fit', async () => {
    const store = await open({ maxPages: 60 })
    const huge = entry({ key: { requestId: 'huge' }, evidence: { token: 'x'.repeat(400_000) } })
    const [small, refused, other] = await Promise.allSettled([
      store.record(nth(1)),
      store.record(huge),
      store.record(nth(2)),
    ])
    expect(small.status).toBe('fulfilled')
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_FULL' } })
    expect(other.status).toBe('fulfilled')
    await expect(store.check()).resolves.toBeUndefined()
  })
})

describe('a store that was altered', () => {
  it('does not answer from a record that was altered', async () => {
    const path = await newPath()
    const first = await open({ path })
    await first.record(entry({ decision: REJECT }))
    await first.close()
    const db = openSqlite(path)
    db.prepare(`UPDATE chain SET body = replace(body, 'REJECT', 'APPROVE')`).run()
    db.close()
    const store = await open({ path })
    await expect(store.recall(requestKey(), '')).rejects.toMatchObject({
      code: 'ERR_STORE_DAMAGED',
    })
    await expect(store.record(entry())).rejects.toMatchObject({ code: 'ERR_STORE_DAMAGED' })
  })
})

describe('the clock', () => {
  it.each([400, -400])(
    'that jumps by %d days stops approvals until it is right again',
    async (days) => {
      const clock = settableClock()
      const store = await open({ clock })
      clock.advance(days * 86_400_000, 0)
      await expect(store.record(entry())).rejects.toMatchObject({ code: 'ERR_STORE_CLOCK' })
      await expect(store.check()).rejects.toMatchObject({ code: 'ERR_STORE_CLOCK' })
      const { decision } = await store.record(entry({ decision: RETRY }))
      expect(decision).toEqual(RETRY)
      clock.advance(-days * 86_400_000, 0)
      expect((await store.record(entry())).decision).toEqual(APPROVE)
    },
  )

  it('that is off leaves the times of the chain alone', async () => {
    const path = await newPath()
    const clock = settableClock()
    const store = await open({ path, clock })
    clock.advance(400 * 86_400_000, 5_000)
    await store.record(entry({ decision: RETRY }))
    expect(count(path, `body LIKE '%"time":"2026-11-21T08:00:05.000Z"%'`)).toBe(1)
  })
})

async function signing() {
  const { privateKey, publicKeyPem } = await testKey()
  const checkpoints: string[] = []
  const errors: unknown[] = []
  const key = {
    generation: 3,
    algorithm: 'RS256' as const,
    sign: (data: Buffer) => Promise.resolve(sign('sha256', data, privateKey)),
  }
  return {
    checkpoints,
    errors,
    publicKeyOf: (generation: number) =>
      generation === 3 ? createPublicKey(publicKeyPem) : undefined,
    options: {
      checkpointKey: () => key,
      onCheckpoint: (jws: string) => checkpoints.push(jws),
      onCheckpointError: (error: unknown) => errors.push(error),
    },
  }
}

describe('checkpoints', () => {
  it('are made after so many records and at the end, and are in the chain', async () => {
    const path = await newPath()
    const { checkpoints, publicKeyOf, options } = await signing()
    const store = await open({ path, checkpointEvery: 10, ...options })
    for (let n = 0; n < 15; n += 1) await store.record(nth(n))
    await store.close()
    expect(checkpoints).toHaveLength(2)
    expect(count(path, `body LIKE '%"kind":"checkpoint"%'`)).toBe(2)
    const results = checkpoints.map((jws) => verifyCheckpoint(jws, publicKeyOf))
    expect(results).toMatchObject([
      { kind: 'valid', checkpoint: { storeId: store.opening.storeId, generation: 3 } },
      { kind: 'valid', checkpoint: { storeId: store.opening.storeId } },
    ])
  })

  it('are found again, also after a restart', async () => {
    const path = await newPath()
    const { options } = await signing()
    const store = await open({ path })
    expect(await store.chainEnd()).toEqual({
      head: { seq: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/), timeMs: START },
      checkpoint: undefined,
    })
    const { hash } = await store.record(nth(1))
    expect(await store.chainEnd()).toMatchObject({ head: { seq: 2, hash }, checkpoint: undefined })
    await store.close()
    const next = await open({ path, checkpointEvery: 1, ...options })
    await next.record(nth(2))
    await sleep(20)
    const signed = { signs: 4, at: new Date(START).toISOString() }
    expect(await next.chainEnd()).toMatchObject({ head: { seq: 5 }, checkpoint: signed })
    expect(await next.chainEnd()).toMatchObject({ head: { seq: 5 }, checkpoint: signed })
  })

  it('are made when time has passed', async () => {
    const clock = settableClock()
    const { checkpoints, options } = await signing()
    const store = await open({ clock, checkpointIntervalMs: 60_000, ...options })
    await store.record(nth(1))
    expect(checkpoints).toHaveLength(0)
    clock.advance(60_000)
    await store.record(nth(2))
    await store.record(nth(3))
    await store.close()
    expect(checkpoints.length).toBeGreaterThanOrEqual(2)
  })

  it('are not made without new records', async () => {
    const { checkpoints, options } = await signing()
    const store = await open(options)
    await store.close()
    expect(checkpoints).toEqual([])
  })

  // A freeze was the last record of many a chain, and stayed unsigned for ever: nothing proved that it was there.
  it('sign an act of an operator, once, and what a process without a key left', async () => {
    const path = await newPath()
    const { checkpoints, publicKeyOf, options } = await signing()
    const store = await open({ path, ...options })
    await store.freeze('REJECT', { by: 'alice', note: 'incident' })
    await store.close()
    expect(checkpoints).toHaveLength(1)
    await (await open({ path, ...options })).close()
    expect(checkpoints).toHaveLength(1)
    const unsigned = await open({ path })
    await unsigned.unfreeze({ by: 'alice', note: '' })
    await unsigned.close()
    await (await open({ path, ...options })).close()
    expect(checkpoints.map((jws) => verifyCheckpoint(jws, publicKeyOf))).toMatchObject([
      { kind: 'valid', checkpoint: { seq: 2 } },
      { kind: 'valid', checkpoint: { seq: 4 } },
    ])
  })

  it('that fail are told and tried again', async () => {
    const { checkpoints, errors, options } = await signing()
    let works = false
    const failing = {
      generation: 3,
      algorithm: 'RS256' as const,
      sign: (data: Buffer) =>
        works ? options.checkpointKey().sign(data) : Promise.reject(new Error('no key')),
    }
    const store = await open({ ...options, checkpointKey: () => failing, checkpointEvery: 1 })
    await store.record(nth(1))
    await sleep(20)
    expect(errors).toMatchObject([{ message: 'no key' }])
    works = true
    await store.close()
    expect(checkpoints).toHaveLength(1)
  })
})

it('a copy of the files taken while it runs holds what was answered', async () => {
  const path = await newPath()
  const store = await open({ path })
  const receipt = await store.record(entry())
  const copy = await newPath()
  for (const end of ['', '-wal']) copyFileSync(path + end, copy + end)
  copyFileSync(markPath(path), markPath(copy))
  const next = await open({ path: copy })
  expect(next.opening).toMatchObject({ log: 'unclean', behind: undefined })
  expect(await next.recall(requestKey(), '')).toMatchObject({ kind: 'decided', seq: receipt.seq })
})
