import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { createCore } from '../../../handler/decisions/sqlite/core.ts'
import type { Core } from '../../../handler/decisions/sqlite/core.ts'
import { openDatabase } from '../../../handler/decisions/sqlite/database.ts'
import type { Database } from '../../../handler/decisions/sqlite/database.ts'
import type { NewDecision, Receipt } from '../../../handler/decisions/store.ts'
import { sha256 } from '../../../handler/protocol/digest.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import type { RequestKey } from '../../../handler/protocol/digest.ts'
import { APPROVE, entry, hex, START, REJECT, requestKey, RETRY } from './entries.ts'

interface Bench {
  readonly db: Database
  readonly core: Core
  readonly record: (entry: NewDecision, nowMs?: number) => Receipt
}

async function bench(): Promise<Bench> {
  const db = openDatabase(join(await temporaryDirectory(), 'decisions.db'))
  const core = createCore(db)
  const record = (one: NewDecision, nowMs = START) =>
    core.transaction(nowMs, () => core.calls.record(one))
  return { db, core, record }
}

function rows(db: Database): number {
  return Number(db.prepare('SELECT count(*) FROM chain').pluck().get())
}

const OTHER_CORE = { coreDigest: hex('9'), digest: hex('8') }

describe('recall', () => {
  it('knows nothing of a request that was never recorded', async () => {
    const { core } = await bench()
    expect(core.calls.recall(requestKey(), '')).toEqual({ kind: 'new' })
  })

  it.each([APPROVE, REJECT, { action: 'IGNORE', rule: 'vote', reason: 'not ours' } as const])(
    'gives the same $action again',
    async (decision) => {
      const { core, record } = await bench()
      const { seq } = record(entry({ decision }))
      expect(core.calls.recall(requestKey(), '')).toEqual({ kind: 'decided', decision, seq })
    },
  )

  it('does not recall a RETRY, but when each stage was first put off', async () => {
    const { core } = await bench()
    const at = (ms: number, stage: 'approval' | 'signing') =>
      core.transaction(START + ms, () =>
        core.calls.record(entry({ key: { stage }, decision: RETRY })),
      )
    at(0, 'approval')
    at(1_000, 'signing')
    at(2_000, 'signing')
    expect(core.calls.recall(requestKey({ stage: 'approval' }), '')).toEqual({
      kind: 'new',
      firstAt: '2026-11-21T08:00:00.000Z',
    })
    expect(core.calls.recall(requestKey(), '')).toEqual({
      kind: 'new',
      firstAt: '2026-11-21T08:00:01.000Z',
    })
  })

  it('does not carry an approval into another stage', async () => {
    const { core, record } = await bench()
    record(entry({ key: { stage: 'approval' } }))
    expect(core.calls.recall(requestKey({ stage: 'signing' }), '')).toEqual({ kind: 'new' })
  })

  it('carries a refusal into every other stage and version with the same core content', async () => {
    const { core, record } = await bench()
    const { seq } = record(entry({ key: { stage: 'approval' }, decision: REJECT }))
    expect(core.calls.recall(requestKey({ stage: 'signing' }), '')).toEqual({
      kind: 'rejected-sibling',
      decision: REJECT,
      seq,
    })
  })

  it('still gives the earlier approval after a later stage was refused', async () => {
    const { core, record } = await bench()
    const approval = requestKey({ stage: 'approval' })
    const { seq } = record(entry({ key: approval }))
    record(entry({ decision: REJECT }))
    expect(core.calls.recall(approval, '')).toEqual({ kind: 'decided', decision: APPROVE, seq })
  })

  it.each([
    ['signer', { signerId: 'signer-2' }],
    ['endpoint', { endpoint: 'config_change_sign_request' as const }],
    ['request id', { requestId: 'request-2' }],
  ])('keeps requests apart by %s', async (_, other) => {
    const { core, record } = await bench()
    record(entry({ decision: REJECT }))
    expect(core.calls.recall(requestKey(other), '')).toEqual({ kind: 'new' })
  })

  it('tells a conflict when the id was seen with other core content, even if only retried', async () => {
    const { core, record } = await bench()
    const { seq } = record(entry({ decision: RETRY }))
    expect(core.calls.recall(requestKey(OTHER_CORE), '')).toEqual({ kind: 'conflict', seq })
  })
})

describe('a conflict that was recorded', () => {
  it('leaves the original and its other stages as they were', async () => {
    const { core, record } = await bench()
    const { seq } = record(entry({ key: { stage: 'approval' } }))
    const conflict = entry({ key: OTHER_CORE, decision: { ...REJECT, rule: 'conflict' } })
    record(conflict)
    expect(core.calls.recall(requestKey({ stage: 'approval' }), '')).toMatchObject({
      kind: 'decided',
      seq,
    })
    expect(core.calls.recall(requestKey(), '')).toEqual({ kind: 'new' })
    expect(core.calls.recall(conflict.key, '')).toMatchObject({ kind: 'decided', seq: seq + 1 })
  })
})

// Two tokens of 8 MiB under one id kept the thread of the store, and with it every other decision, for 18 seconds.
describe('a request that is too large to be compared', () => {
  const token = (values: number) => JSON.stringify({ requestId: 'r', txId: 'r', x: Array(values) })
  const put = (values: number, key: Partial<RequestKey> = {}) =>
    entry({ key, evidence: { token: token(values) } })
  const notCompared = expect.objectContaining({ code: 'ERR_STORE_NOT_COMPARED' })

  it.each([
    ['is the later one', 10, 20_000],
    ['is the earlier one', 20_000, 10],
  ])('is never decided when it %s', async (_, earlier, later) => {
    const { core, db, record } = await bench()
    record(put(earlier))
    const other = put(later, { stage: 'approval', digest: hex('8') })
    const attempt = (work: () => unknown) => {
      try {
        return work()
      } catch (error) {
        return error
      }
    }
    const { key, evidence } = other
    expect(attempt(() => core.calls.recall(key, evidence.token))).toEqual(notCompared)
    expect(attempt(() => record(other))).toEqual(notCompared)
    expect(rows(db)).toBe(1)
  })

  it('is decided when it is the first, and recalled', async () => {
    const { core, record } = await bench()
    const { seq } = record(put(20_000))
    const recalled = core.calls.recall(requestKey(), token(20_000))
    expect(recalled).toEqual({ kind: 'decided', decision: APPROVE, seq })
  })

  it('is compared up to 20,000 values', async () => {
    const { record } = await bench()
    record(put(19_990))
    const { decision } = record(put(19_990, { stage: 'approval', digest: hex('8') }))
    expect(decision).toEqual(APPROVE)
  })
})

describe('record', () => {
  it('answers with the first decision when an equal request was decided meanwhile', async () => {
    const { db, record } = await bench()
    const first = record(entry())
    expect(record(entry({ decision: REJECT }))).toEqual(first)
    expect(rows(db)).toBe(1)
  })

  it('turns an approval into a refusal when a sibling was refused meanwhile', async () => {
    const { record } = await bench()
    record(entry({ key: { stage: 'approval' }, decision: REJECT }))
    expect(record(entry()).decision).toEqual(REJECT)
  })

  it('turns an approval into a refusal when the id was used with other content meanwhile', async () => {
    const { core, record } = await bench()
    record(entry())
    const { decision, seq } = record(entry({ key: OTHER_CORE }))
    expect(decision).toMatchObject({ action: 'REJECT', rule: 'conflict' })
    expect(core.calls.recall(requestKey(OTHER_CORE), '')).toEqual({
      kind: 'decided',
      decision,
      seq,
    })
  })

  it('records every RETRY, and a final decision after it', async () => {
    const { db, core, record } = await bench()
    record(entry({ decision: RETRY }))
    record(entry({ decision: RETRY }))
    const { seq } = record(entry())
    expect(rows(db)).toBe(3)
    expect(core.calls.recall(requestKey(), '')).toEqual({ kind: 'decided', decision: APPROVE, seq })
  })

  // A faulty co-signer that repeated one request of 1 MiB thirty times made the store grow by 29 MiB.
  it('stores the evidence of a repeated RETRY once, however it is signed, and each other one', async () => {
    const { db, record } = await bench()
    const put = (token: string, cosigner: string, key = {}) => {
      const { seq } = record(entry({ key, decision: RETRY, evidence: { token, cosigner } }))
      const row = db
        .prepare<[number], { body: string; token: string | null }>(
          'SELECT body, token FROM chain WHERE seq = ?',
        )
        .get(seq)
      const { evidenceIn, tokenSha256 } = JSON.parse(row?.body ?? '')
      return { token: row?.token, evidenceIn, said: tokenSha256 === sha256(token) }
    }
    const own = (token: string) => ({ token, evidenceIn: undefined, said: true })
    const again = (evidenceIn: number) => ({ token: null, evidenceIn, said: true })
    expect(put('one', 'a')).toEqual(own('one'))
    expect(put('one', 'a')).toEqual(again(1))
    expect(put('signed anew', 'a')).toEqual(again(1))
    // Another key vouches for it by its own signature.
    expect(put('of b', 'b')).toEqual(own('of b'))
    expect(put('of b', 'b')).toEqual(again(4))
    expect(put('at once', 'a', { stage: 'approval' })).toEqual(own('at once'))
    expect(put('at once', 'a', { stage: 'approval' })).toEqual(again(6))
    // What is decided has its own evidence.
    const { seq } = record(entry({ evidence: { token: 'one', cosigner: 'a' } }))
    expect(db.prepare('SELECT token FROM chain WHERE seq = ?').pluck().get(seq)).toBe('one')
  })

  it('keeps what was proposed beside what was decided', async () => {
    const { db, record } = await bench()
    record(entry())
    record(entry({ key: OTHER_CORE }))
    const body = String(db.prepare('SELECT body FROM chain WHERE seq = 2').pluck().get())
    expect(JSON.parse(body)).toMatchObject({ rule: 'conflict', proposed: APPROVE })
  })

  it('refuses further versions of one request id at a constant cost', async () => {
    const { core, db, record } = await bench()
    for (let n = 0; n < 80; n += 1) {
      record(entry({ key: { digest: n.toString(16).padStart(64, '0') } }))
    }
    const key = requestKey({ digest: hex('f') })
    expect(core.calls.recall(key, '')).toEqual({ kind: 'conflict', seq: 1 })
    expect(record(entry({ key })).decision.action).toBe('REJECT')
    const sql = 'SELECT count(*) FROM chain WHERE fingerprint IS NOT NULL'
    expect(db.prepare(sql).pluck().get()).toBe(64)
  })

  it('gives times that never go backwards', async () => {
    const { db, record } = await bench()
    record(entry(), START)
    record(entry({ key: { requestId: 'request-2' } }), START - 86_400_000)
    const bodies = db.prepare<[], string>('SELECT body FROM chain').pluck().all()
    const times = bodies.map((body): unknown => JSON.parse(body).time)
    expect(times).toEqual(['2026-11-21T08:00:00.000Z', '2026-11-21T08:00:00.000Z'])
  })
})

describe('single uses', () => {
  it('serve one owner only, who may use them again in another stage', async () => {
    const { record } = await bench()
    const uses = ['statement:1']
    expect(record(entry({ uses, key: { stage: 'approval' } })).decision).toEqual(APPROVE)
    expect(record(entry({ uses })).decision).toEqual(APPROVE)
    expect(record(entry({ uses, key: { requestId: 'request-2' } })).decision).toEqual(REJECT)
  })

  it('are not used up by what was not approved', async () => {
    const { record } = await bench()
    record(entry({ uses: ['statement:1'], decision: REJECT }))
    const other = entry({ uses: ['statement:1'], key: { requestId: 'request-2' } })
    expect(record(other).decision).toEqual(APPROVE)
  })

  it('never approve by their fallback', async () => {
    const { record } = await bench()
    record(entry({ uses: ['statement:1'] }))
    const other = entry({ key: { requestId: 'request-2' } })
    const singleUses = [{ name: 'statement:1', otherwise: APPROVE }]
    expect(record({ ...other, singleUses }).decision).toEqual({ ...APPROVE, action: 'REJECT' })
  })
})

describe('a rolled back transaction', () => {
  it('leaves neither record nor memory of it', async () => {
    const { core, db } = await bench()
    const failing = () =>
      core.transaction(START, () => {
        core.calls.record(entry())
        core.calls.freeze('REJECT', { by: 'alice', note: '' })
        throw new Error('later call failed')
      })
    expect(failing).toThrow('later call failed')
    expect(rows(db)).toBe(0)
    expect(core.head().seq).toBe(0)
    expect(core.calls.frozen()).toBeUndefined()
    expect(core.calls.recall(requestKey(), '')).toEqual({ kind: 'new' })
  })
})

describe('two processes on one store', () => {
  it('see each other and keep one chain', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    const [a, b] = [createCore(openDatabase(path)), createCore(openDatabase(path))]
    const first = a.transaction(START, () => a.calls.record(entry()))
    expect(b.transaction(START, () => b.calls.record(entry({ decision: REJECT })))).toEqual(first)
    b.transaction(START, () => b.calls.record(entry({ key: { requestId: 'request-2' } })))
    a.transaction(START, () => a.calls.record(entry({ key: { requestId: 'request-3' } })))
    expect(a.head().seq).toBe(3)
  })
})
