import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Call } from '../../../handler/decisions/calls.ts'
import { partsOf } from '../../../handler/decisions/calls.ts'
import { decideBatch } from '../../../handler/decisions/decide-batch.ts'
import type { CallResult } from '../../../handler/decisions/decide-batch.ts'
import { holdIdOf } from '../../../handler/decisions/holds.ts'
import { EMPTY } from '../../../handler/decisions/record.ts'
import { limitName } from '../../../handler/decisions/snapshot.ts'
import { variantsName } from '../../../handler/decisions/variants.ts'
import type { Snapshot } from '../../../handler/decisions/snapshot.ts'
import { createCore } from '../../../handler/decisions/sqlite/core.ts'
import { openDatabase } from '../../../handler/decisions/sqlite/database.ts'
import type { Database } from '../../../handler/decisions/sqlite/database.ts'
import type { LimitCharge } from '../../../handler/policy/decision.ts'
import { APPROVE, entry, hex, REJECT, requestKey, RETRY, START } from './entries.ts'

const ACT = { by: 'alice', note: '' }
const TERMS = { approvals: 1, expiresMs: 9_000, onExpiry: 'REJECT', boundTo: 'rule' } as const
const TABLES = [
  'chain',
  'limit_charges',
  'limit_totals',
  'limit_windows',
  'single_uses',
  'holds',
  'variants',
]

function call(name: Call['name'], ...args: readonly unknown[]): Call {
  return { name, args }
}

function charge(key: string, amount: number, windowMs: number): LimitCharge {
  return {
    limit: 'hourly',
    key,
    windowMs,
    maxCount: 5,
    amount: { units: BigInt(amount), scale: 0 },
    maxAmount: { units: 12n, scale: 0 },
    otherwise: { action: 'REJECT', rule: 'limit', reason: 'full' },
  }
}

function tokenTo(destAddress: string | undefined): string {
  const payload = { requestId: 'x', txId: 'x', operation: 'TRANSFER', destAddress }
  return `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.c2ln`
}

/** Few names, so that the calls of a batch meet each other. */
const requests = fc.constantFrom('request-1', 'request-2', 'request-3')
const keys = fc.record({
  requestId: requests,
  signerId: fc.constantFrom('signer-1', 'signer-2'),
  stage: fc.constantFrom('approval' as const, 'signing' as const),
  digest: fc.constantFrom(hex('1'), hex('2')),
  coreDigest: fc.constantFrom(hex('c'), hex('c'), hex('d')),
})
const charges = fc.record({
  key: fc.constantFrom('a', 'b'),
  amount: fc.nat(7),
})
/** The second one is that of a policy that was reloaded meanwhile. */
const windows = fc.constantFrom(10_000, 10_000, 10_000, 50_000)
const records = fc
  .record({
    key: keys,
    decision: fc.constantFrom(APPROVE, APPROVE, APPROVE, REJECT, RETRY),
    charges: fc.array(charges, { maxLength: 2 }),
    windowMs: windows,
    bytes: fc.constantFrom(undefined, 'bytes-1', 'bytes-2'),
    to: fc.constantFrom('0x01', '0x02', undefined),
    uses: fc.subarray(['use-1', 'use-2'], { maxLength: 1 }),
    isHeld: fc.boolean(),
    owner: fc.constantFrom('owner-1', 'owner-2', 'owner-3'),
  })
  .map(({ key, decision, charges: spent, windowMs, bytes, to, uses, isHeld, owner }) =>
    call(
      'record',
      entry({
        key,
        decision,
        charges: spent.map((one) => charge(one.key, one.amount, windowMs)),
        uses,
        ...(isHeld ? { hold: holdIdOf(requestKey(key)) } : {}),
        ...(bytes === undefined ? {} : { bytes }),
        evidence: { owner, token: tokenTo(to) },
      }),
    ),
  )

/** A hold of the approval stage that was released and used: signing requests may stand on it. */
const APPROVAL = requestKey({ stage: 'approval', digest: hex('1') })
const RELEASED = [
  call('openHold', { key: APPROVAL, terms: TERMS, summary: '' }),
  call('approveHold', holdIdOf(APPROVAL), ACT),
  call(
    'record',
    entry({
      key: APPROVAL,
      hold: holdIdOf(APPROVAL),
      evidence: { owner: 'owner-1', token: tokenTo('0x01') },
    }),
  ),
]
const carrying = fc
  .record({
    requestId: fc.constantFrom('request-1', 'request-1', 'request-2'),
    digest: fc.constantFrom(hex('2'), hex('3'), hex('4')),
    bytes: fc.constantFrom('bytes-1', 'bytes-1', 'bytes-2'),
    to: fc.constantFrom('0x01', '0x01', '0x02'),
    isAsked: fc.boolean(),
  })
  .map(({ requestId, digest, bytes, to, isAsked }) => {
    const key = requestKey({ requestId, digest })
    const [token, owner] = [tokenTo(to), 'owner-1']
    if (isAsked) {
      return call('openHold', { key, terms: TERMS, summary: '', proven: { token, owner, bytes } })
    }
    const carried = { id: holdIdOf(APPROVAL), terms: TERMS }
    const evidence = { owner, token, rawTx: 'verified' }
    return call('record', entry({ key, carried, bytes, evidence }))
  })
const calls = fc.oneof(
  { weight: 8, arbitrary: records },
  { weight: 2, arbitrary: carrying },
  keys.map((key) => call('openHold', { key: requestKey(key), terms: TERMS, summary: '' })),
  keys.map((key) => call('approveHold', holdIdOf(requestKey(key)), ACT)),
  keys.map((key) => call('rejectHold', holdIdOf(requestKey(key)), ACT)),
  fc.constantFrom('owner-1', 'owner-2').map((owner) => call('releaseCharges', owner, ACT)),
  fc.constantFrom(call('freeze', 'RETRY', ACT), call('unfreeze', ACT), call('unfreeze', ACT)),
)

/** Sequences of batches: a hundredth of what is asked for, because each is some sixty transactions. */
const RUNS = Math.ceil(Number(process.env['COUNTERSIGN_PROPERTY_RUNS'] ?? '10000') / 100)

/** All rows, and what was answered. */
function contentsOf(db: Database): readonly unknown[] {
  return [...TABLES, 'freeze'].map((table) => db.prepare(`SELECT * FROM ${table}`).all())
}

function answered(results: readonly CallResult[]): readonly unknown[] {
  return results.map((result) => (result.ok ? result.value : result.error.code))
}

describe('a batch of many', () => {
  it('leaves and answers what batches of one do', () => {
    const some = fc.array(calls, { minLength: 1, maxLength: 12 })
    const released = fc.tuple(fc.constantFrom([], RELEASED), some)
    const batches = fc.tuple(released, fc.array(some, { maxLength: 4 }))
    fc.assert(
      fc.property(batches, ([[begun, first], others]) => {
        const all = [[...begun, ...first], ...others]
        const [together, apart] = [openDatabase(':memory:'), openDatabase(':memory:')]
        const [many, single] = [createCore(together), createCore(apart)]
        for (const [turn, batch] of all.entries()) {
          const nowMs = START + turn * 4_000
          const results = many.transaction(nowMs, () => many.run(batch))
          const expected = batch.flatMap((one) =>
            single.transaction(nowMs, () => single.run([one])),
          )
          expect(answered(results)).toEqual(answered(expected))
          expect(contentsOf(together)).toEqual(contentsOf(apart))
        }
        together.close()
        apart.close()
      }),
      { numRuns: RUNS },
    )
  })

  const carry = (digest: string, bytes: string, rawTx = 'verified') =>
    call(
      'record',
      entry({
        key: { digest: hex(digest) },
        carried: { id: holdIdOf(APPROVAL), terms: TERMS },
        bytes,
        evidence: { owner: 'owner-1', token: tokenTo('0x01'), rawTx },
      }),
    )

  it('carries a release to bytes that are verified, on the evidence that was recorded', () => {
    const db = openDatabase(':memory:')
    const core = createCore(db)
    const answer = (one: Call) => {
      const [receipt] = answered(core.transaction(START, () => core.run([one])))
      return Object(receipt).decision.action as string
    }
    core.transaction(START, () => core.run(RELEASED))
    expect(answer(carry('2', 'bytes-1', 'unproven: fee'))).toBe('RETRY')
    db.prepare('UPDATE chain SET token = ? WHERE token IS NOT NULL').run(`${tokenTo('0x01')}c2ln`)
    expect(answer(carry('3', 'bytes-1'))).toBe('RETRY')
    db.prepare('UPDATE chain SET token = ? WHERE token IS NOT NULL').run(tokenTo('0x01'))
    expect(answer(carry('4', 'bytes-1'))).toBe('APPROVE')
    db.close()
  })

  it('carries a release within itself, to one set of bytes', () => {
    const db = openDatabase(':memory:')
    const core = createCore(db)
    const signed = [carry('2', 'bytes-1'), carry('3', 'bytes-2'), carry('4', 'bytes-1')]
    const results = core.transaction(START, () => core.run([...RELEASED, ...signed]))
    expect(answered(results.slice(3)).map((receipt) => Object(receipt).decision.action)).toEqual([
      'APPROVE',
      'RETRY',
      'APPROVE',
    ])
    db.close()
  })

  it('charges one limit no further than its bound', () => {
    const db = openDatabase(':memory:')
    const core = createCore(db)
    const all = Array.from({ length: 8 }, (_, n) =>
      call('record', entry({ key: { requestId: `r${n}` }, charges: [charge('a', 4, 10_000)] })),
    )
    const results = core.transaction(START, () => core.run(all))
    expect(answered(results).map((receipt) => Object(receipt).decision.action)).toEqual(
      Array.from({ length: 8 }, (_, n) => (n < 3 ? 'APPROVE' : 'REJECT')),
    )
    db.close()
  })

  it('reads what it wrote', () => {
    const core = createCore(openDatabase(':memory:'))
    const [found, , held] = core.transaction(START, () =>
      core.run([
        call('recall', requestKey()),
        call('record', entry()),
        call('listHolds'),
        call('openHold', { key: requestKey(), terms: TERMS, summary: '' }),
      ]),
    )
    expect(found).toMatchObject({ ok: true, value: { kind: 'decided', seq: 1 } })
    expect(held).toMatchObject({ ok: true, value: [{ state: 'waiting' }] })
  })
})

/** A transaction that has spent nothing yet. */
const NONE = { rows: [], last: 0 }

describe('decideBatch', () => {
  const snapshot: Snapshot = Object.freeze({
    head: EMPTY,
    freeze: undefined,
    records: new Map(),
    uses: new Map(),
    holds: new Map(),
    variants: new Map([[variantsName({ owner: 'request-1', requestId: 'request-1' }), NONE]]),
    limits: new Map(),
    charges: new Map(),
    owned: [],
  })
  const approval = { name: 'record', args: [entry({ uses: ['use-1'] })] } as const

  it('changes nothing itself', () => {
    const first = decideBatch(snapshot, [approval, approval], START)
    expect(decideBatch(snapshot, [approval, approval], START)).toEqual(first)
    expect(first.changes.records).toHaveLength(1)
    expect(first.changes.uses).toEqual([{ name: 'use-1', owner: 'request-1', seq: 1 }])
    expect(snapshot.uses.size).toBe(0)
  })

  // A limit that looks unspent because it was not loaded, or loaded for another window, would approve everything.
  it('fails when a limit was not loaded for the window it is charged over', () => {
    const one = charge('a', 1, 10_000)
    const charged = { name: 'record', args: [entry({ charges: [one] })] } as const
    const state = { windowMs: 9, askedMs: 9, base: undefined, latest: undefined, charges: [] }
    const limits = new Map([[limitName(one), { limit: one.limit, key: one.key, state }]])
    expect(() => decideBatch(snapshot, [charged], START)).toThrow('not loaded')
    expect(() => decideBatch({ ...snapshot, limits }, [charged], START)).toThrow('another window')
    const unknown = { ...snapshot, variants: new Map() }
    expect(() => decideBatch(unknown, [charged], START)).toThrow('variants were not loaded')
  })
})

describe('partsOf', () => {
  const over = (windowMs: number) => ({
    name: 'record' as const,
    args: [entry({ charges: [charge('a', 1, windowMs)] })],
  })
  const release = { name: 'releaseCharges', args: ['owner-1', ACT] } as const

  it('keeps nearly everything together', () => {
    const all = [over(10), over(10), { name: 'record', args: [entry()] } as const]
    expect(partsOf(all)).toEqual([all])
    expect(partsOf([])).toEqual([])
  })

  it('begins anew where one limit is charged over another window, and around a release', () => {
    const [a, b, c] = [over(10), over(20), over(20)]
    expect(partsOf([a, b, c])).toEqual([[a], [b, c]])
    expect(partsOf([a, release, b, release])).toEqual([[a], [release], [b], [release]])
  })
})
