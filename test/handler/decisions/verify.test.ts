import { createPublicKey, sign } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { openSqlite } from '../../../common/sqlite.ts'
import type { Value } from '../../../common/sqlite.ts'
import { signCheckpoint } from '../../../handler/decisions/checkpoint.ts'
import { openReadOnly } from '../../../handler/decisions/sqlite/database.ts'
import { markPath, readMark, replaceMark } from '../../../handler/decisions/sqlite/mark.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import { recordHash } from '../../../handler/decisions/record.ts'
import { verifyStore } from '../../../handler/decisions/audit/verify.ts'
import type { VerifyReport } from '../../../handler/decisions/audit/verify.ts'
import { testEcKey, testKey } from '../../fixtures/keys.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { entry, hex, nth, REJECT, requestKey, RETRY, START } from './entries.ts'

interface Written {
  readonly path: string
  /** The checkpoints, as a log would keep them. */
  readonly checkpoints: readonly string[]
  readonly verify: (options?: Partial<Parameters<typeof verifyStore>[1]>) => VerifyReport
  /** Alters the closed database. */
  readonly alter: (sql: string, ...values: Value[]) => void
}

/** A closed store with every kind of record, two checkpoints, and the means to verify it. */
async function written(): Promise<Written> {
  const path = join(await temporaryDirectory(), 'decisions.db')
  const { privateKey, publicKeyPem } = await testKey()
  const publicKey = createPublicKey(publicKeyPem)
  const key = {
    generation: 1,
    algorithm: 'RS256' as const,
    sign: (data: Buffer) => Promise.resolve(sign('sha256', data, privateKey)),
  }
  const store = await openStore(path, START)
  const { core, opening } = store
  const { calls } = core
  const at = <T>(work: () => T) => core.transaction(START, work)
  const checkpoints: string[] = []
  const checkpoint = async () => {
    const { seq, hash } = core.head()
    const time = '2026-11-21T08:00:00.000Z'
    const jws = await signCheckpoint(key, { storeId: opening.storeId, seq, hash, time })
    at(() => calls.append({ kind: 'checkpoint', jws }))
    checkpoints.push(jws)
  }
  const charges = [
    {
      limit: 'daily',
      key: 'asset=ETH',
      windowMs: 86_400_000,
      maxCount: 9,
      amount: { units: 15n, scale: 1 },
      maxAmount: undefined,
      otherwise: REJECT,
    },
  ]
  const hold = at(() =>
    calls.openHold({
      key: requestKey({ requestId: 'held' }),
      terms: { approvals: 1, expiresMs: 60_000, onExpiry: 'RETRY' },
      summary: '',
    }),
  )
  at(() => calls.record(entry({ key: { requestId: 'held' }, decision: RETRY })))
  at(() => calls.record(entry({ key: { requestId: 'held' }, decision: RETRY })))
  at(() => calls.approveHold(hold.id, { by: 'alice', note: 'fine' }))
  at(() => calls.record(entry({ key: { requestId: 'held' }, hold: hold.id })))
  await checkpoint()
  at(() => calls.record(entry({ charges, uses: ['statement:1'] })))
  at(() => calls.record(entry({ key: { requestId: 'freed' }, charges })))
  at(() => calls.releaseCharges('freed', { by: 'alice', note: 'failed' }))
  at(() => calls.record(nth(2)))
  await checkpoint()
  at(() => calls.record(entry({ key: { requestId: 'refused' }, decision: REJECT })))
  at(() => calls.freeze('RETRY', { by: 'bob', note: 'incident' }))
  store.advanceMark()
  store.close()

  const verify: Written['verify'] = (options = {}) => {
    const db = openReadOnly(path)
    try {
      const publicKeyOf = (generation: number) => (generation === 1 ? publicKey : undefined)
      return verifyStore(db, { markPath: markPath(path), publicKeyOf, checkpoints: [], ...options })
    } finally {
      db.close()
    }
  }
  const alter: Written['alter'] = (sql, ...values) => {
    const db = openSqlite(path)
    db.exec('PRAGMA foreign_keys = OFF')
    db.prepare(sql).run(...values)
    db.close()
  }
  return { path, checkpoints, verify, alter }
}

/** Rehashes the chain from a record on, as an attacker would who cannot sign. */
function rehash(path: string, from: number): void {
  const db = openSqlite(path)
  const rows = db
    .prepare<[number], { seq: number; body: string }>(
      'SELECT seq, body FROM chain WHERE seq >= ? ORDER BY seq',
    )
    .all(from)
  let prev = String(
    db
      .prepare('SELECT hash FROM chain WHERE seq = ?')
      .pluck()
      .get(from - 1),
  )
  for (const { seq, body } of rows) {
    const hash = recordHash(seq, prev, body)
    db.prepare('UPDATE chain SET prev = ?, hash = ? WHERE seq = ?').run(prev, hash, seq)
    prev = hash
  }
  db.close()
}

describe('verifyStore', () => {
  it('finds nothing wrong with what was written', async () => {
    const { verify, checkpoints } = await written()
    expect(verify({ checkpoints })).toMatchObject({
      ok: true,
      records: 14,
      checkpoints: 4,
      signedUpTo: 11,
      problems: [],
    })
  })

  it('finds every flipped byte in a record of each kind', async () => {
    const { path } = await written()
    const { publicKeyPem } = await testKey()
    const publicKey = createPublicKey(publicKeyPem)
    const db = openSqlite(path)
    db.exec('PRAGMA synchronous = OFF')
    const options = { markPath: undefined, publicKeyOf: () => publicKey, checkpoints: [] }
    const missed: string[] = []
    let tried = 0
    for (const seq of [1, 2, 4, 6]) {
      for (const column of ['body', 'token']) {
        const sql = `SELECT ${column} FROM chain WHERE seq = ?`
        const put = db.prepare(`UPDATE chain SET ${column} = CAST(? AS TEXT) WHERE seq = ?`)
        const text = Buffer.from(db.prepare<[number], string | null>(sql).pluck().get(seq) ?? '')
        for (const [at, byte] of text.entries()) {
          const altered = Buffer.from(text)
          altered[at] = byte ^ 1
          put.run(altered, seq)
          if (verifyStore(db, options).ok) missed.push(`${column} ${at} of record ${seq}`)
          put.run(text, seq)
          tried += 1
        }
      }
    }
    expect(verifyStore(db, options).ok).toBe(true)
    db.close()
    expect(missed).toEqual([])
    expect(tried).toBeGreaterThan(1_500)
  })

  it.each([
    ['hash', `UPDATE chain SET hash = replace(hash, substr(hash, 9, 1), 'x') WHERE seq = ?`],
    ['prev', `UPDATE chain SET prev = replace(prev, substr(prev, 9, 1), 'x') WHERE seq = ?`],
    ['seq', 'UPDATE chain SET seq = 1000 WHERE seq = ?'],
    ['fingerprint', 'UPDATE chain SET fingerprint = ifnull(fingerprint, 0) + 1 WHERE seq = ?'],
    ['row', 'DELETE FROM chain WHERE seq = ?'],
  ])('finds an altered %s of any record', async (_, sql) => {
    const { path, verify, alter } = await written()
    const whole = readFileSync(path)
    for (let seq = 1; seq <= 14; seq += 1) {
      alter(sql, seq)
      expect({ seq, ok: verify().ok }).toEqual({ seq, ok: false })
      writeFileSync(path, whole)
    }
  })

  it('finds a record that lost the number by which it is recalled', async () => {
    const { path, verify, alter } = await written()
    const whole = readFileSync(path)
    // 4 is the second RETRY of a request that is known by its first.
    for (const seq of [3, 6, 8, 9, 11, 13]) {
      alter('UPDATE chain SET fingerprint = NULL WHERE seq = ?', seq)
      expect(verify().problems).toContainEqual({ seq, message: 'cannot be recalled' })
      writeFileSync(path, whole)
    }
  })

  it('finds every cut by the mark', async () => {
    const { path, verify, alter } = await written()
    const whole = readFileSync(path)
    for (let kept = 0; kept < 14; kept += 1) {
      alter('DELETE FROM chain WHERE seq > ?', kept)
      expect({ kept, ok: verify().ok }).toEqual({ kept, ok: false })
      writeFileSync(path, whole)
    }
  })

  it('finds a cut by a checkpoint kept elsewhere when the mark was forged as well', async () => {
    const { path, checkpoints, verify, alter } = await written()
    const mark = readMark(markPath(path))
    if (mark === undefined || mark === 'damaged') throw new Error('no mark')
    const db = openSqlite(path)
    const hash = String(db.prepare('SELECT hash FROM chain WHERE seq = 7').pluck().get())
    db.close()
    for (const table of ['single_uses', 'limit_charges', 'freeze', 'variants']) {
      alter(`DELETE FROM ${table}`)
    }
    alter('DELETE FROM chain WHERE seq > 7')
    await replaceMark(markPath(path), { ...mark, seq: 7, hash })
    expect(verify()).toMatchObject({ ok: true, records: 7 })
    expect(verify({ checkpoints }).problems).toEqual([
      { seq: undefined, message: 'record 11, which the checkpoint signs, is missing' },
    ])
  })

  it('finds a rewritten chain by the checkpoints in it', async () => {
    const { path, verify, alter } = await written()
    alter(`UPDATE chain SET body = replace(body, 'small', 'other') WHERE seq = 6`)
    rehash(path, 6)
    expect(verify({ markPath: undefined }).problems).toEqual([
      { seq: 7, message: 'record 6 is not the one that the checkpoint signs' },
      { seq: 12, message: 'record 11 is not the one that the checkpoint signs' },
    ])
  })

  it.each([
    ['is not signed by its generation', (jws: string) => jws.replace(/.{9}$/, 'AAAAAAAAA')],
    ['has another type', (jws: string) => `e30.${jws.split('.').slice(1).join('.')}`],
    ['is no token', () => 'nothing'],
  ])('finds a checkpoint that %s', async (_, forge) => {
    const { checkpoints, verify } = await written()
    const forged = forge(checkpoints[0] ?? '')
    expect(verify({ checkpoints: [forged] }).problems).toEqual([
      { seq: undefined, message: 'the checkpoint is not validly signed' },
    ])
  })

  it('verifies checkpoints of both algorithms in one chain, each by the key of its generation', async () => {
    const { path, verify } = await written()
    const { signer, publicKey, privateKey } = await testEcKey()
    const rsa = (await testKey()).publicKey
    const { storeId = '' } = verify()
    const db = openSqlite(path)
    const hash = String(db.prepare('SELECT hash FROM chain WHERE seq = 10').pluck().get())
    db.close()
    const claims = { storeId, seq: 10, hash, time: '2026-11-21T08:00:00.000Z' }
    const key = {
      generation: 2,
      algorithm: 'ES256' as const,
      sign: (data: Buffer) => signer.sign(data),
    }
    const jws = await signCheckpoint(key, claims)
    const publicKeyOf = (generation: number) => (generation === 1 ? rsa : publicKey)
    expect(verify({ checkpoints: [jws], publicKeyOf })).toMatchObject({ ok: true, problems: [] })
    const refused = [{ seq: undefined, message: 'the checkpoint is not validly signed' }]
    // The header is not obeyed: a key signs by one algorithm only.
    const named = await signCheckpoint({ ...key, algorithm: 'RS256' }, claims)
    expect(verify({ checkpoints: [named], publicKeyOf }).problems).toEqual(refused)
    const der = await signCheckpoint(
      { ...key, sign: async (data) => sign('sha256', data, privateKey) },
      claims,
    )
    expect(verify({ checkpoints: [der], publicKeyOf }).problems).toEqual(refused)
    expect(verify({ checkpoints: [jws], publicKeyOf: () => rsa }).problems).toEqual(refused)
  })

  it('does not pass a checkpoint whose key it lacks', async () => {
    const { verify } = await written()
    const report = verify({ publicKeyOf: () => undefined })
    const message = 'the checkpoint is signed by generation 1, whose key is not here'
    expect(report).toMatchObject({ ok: false, signedUpTo: 0, problemCount: 2 })
    expect(report.problems).toEqual([
      { seq: 7, message },
      { seq: 12, message },
    ])
  })

  it('finds a checkpoint of another store', async () => {
    const [one, other] = [await written(), await written()]
    expect(one.verify({ checkpoints: other.checkpoints }).problemCount).toBe(2)
  })

  it.each([
    ['a single use that is gone', 'DELETE FROM single_uses'],
    ['a single use of another owner', `UPDATE single_uses SET owner = 'x'`],
    ['a charge that is gone', 'DELETE FROM limit_charges'],
    ['a charge that shrank', `UPDATE limit_charges SET units = '1'`],
    ['an approval that nobody gave', `UPDATE holds SET approvals = '["mallory"]'`],
    ['a hold that is gone', 'DELETE FROM holds'],
    ['a hold that fewer people release', `UPDATE holds SET terms = replace(terms, '1', '0')`],
    ['a hold of something else', `UPDATE holds SET summary = 'a coffee'`],
    ['a hold that lasts longer', 'UPDATE holds SET expires = expires + 1'],
    ['a release that can be used again', 'UPDATE holds SET used = NULL'],
    ['a freeze that nobody ended', 'DELETE FROM freeze'],
    ['a freeze of another kind', `UPDATE freeze SET action = 'REJECT'`],
    ['an index entry of no record', 'INSERT INTO request_index VALUES (1, 0)'],
    [
      'records that are said to be indexed and are not',
      'UPDATE request_index_state SET merged_seq = 99',
    ],
  ])('finds %s', async (_, sql) => {
    const { verify, alter } = await written()
    alter(sql)
    expect(verify().ok).toBe(false)
  })

  it.each([
    `UPDATE freeze SET action = 'RETRY'`,
    `UPDATE freeze SET reason = 'incident'`,
    `UPDATE freeze SET person = 'carol'`,
  ])('knows what a second freeze made of the first: finds %s', async (sql) => {
    const { path, verify, alter } = await written()
    const store = await openStore(path, START + 1_000)
    store.core.transaction(START + 1_000, () =>
      store.core.calls.freeze('REJECT', { by: 'carol', note: 'key lost' }),
    )
    store.advanceMark()
    store.close()
    expect(verify()).toMatchObject({ ok: true, problems: [] })
    alter(sql)
    expect(verify().ok).toBe(false)
  })

  it('finds a second decision of one request', async () => {
    const { path, verify, alter } = await written()
    alter(
      `INSERT INTO chain SELECT 15, fingerprint, body, token, prev, hash FROM chain WHERE seq = 11`,
    )
    rehash(path, 15)
    expect(verify().problems).toEqual([
      { seq: 15, message: 'decides a request that was decided before' },
    ])
  })

  it.each([
    ['missing', (path: string) => rmSync(path)],
    ['damaged', (path: string) => writeFileSync(path, hex('0'))],
  ])('says when the mark is %s, unless told not to ask', async (word, spoil) => {
    const { path, verify } = await written()
    spoil(markPath(path))
    expect(verify().problems).toEqual([
      { seq: undefined, message: `the high-water mark is ${word}` },
    ])
    expect(verify({ markPath: undefined }).ok).toBe(true)
  })

  it('tells its progress, and at most a hundred problems', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    const store = await openStore(path, START)
    store.core.transaction(START, () => {
      for (let n = 1; n <= 2_500; n += 1) store.core.calls.record(nth(n))
    })
    store.advanceMark()
    store.close()
    const db = openSqlite(path)
    db.prepare(`UPDATE chain SET token = 'x' WHERE seq > 100`).run()
    const progress: number[] = []
    const report = verifyStore(db, {
      markPath: undefined,
      publicKeyOf: () => undefined,
      checkpoints: [],
      onProgress: (done) => progress.push(done),
    })
    db.close()
    expect(progress).toEqual([1_000, 2_000, 2_501, 2_501])
    expect(report.problemCount).toBe(2_401)
    expect(report.problems).toHaveLength(100)
  })
})
