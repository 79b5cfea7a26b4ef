/** What the requests of one transaction are charged: docs/decisions/charges.md, line by line. */
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { createCore } from '../../../handler/decisions/sqlite/core.ts'
import type { Core } from '../../../handler/decisions/sqlite/core.ts'
import { openDatabase } from '../../../handler/decisions/sqlite/database.ts'
import type { Receipt } from '../../../handler/decisions/store.ts'
import { bytesOf, MAX_SPENDING } from '../../../handler/decisions/variants.ts'
import type { Decision, LimitCharge } from '../../../handler/policy/decision.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { requestKey } from '../../../handler/protocol/digest.ts'
import { readStored } from '../../../handler/protocol/stored-token.ts'
import { charge as hourly, decimal, entry, START } from './entries.ts'

type Payload = Record<string, unknown>

const HERE = '0x742d35Cc6634C0532925a3b844Bc454e4438f44e'
const ELSEWHERE = '0x00000000219ab540356cBB839Cbe05303d7705Fa'
const HOUR = 3_600_000
const OVER: Decision = { action: 'RETRY', rule: 'small', reason: 'limit reached' }

/** A request of the approval stage for 1 ETH. */
function transfer(parts: Payload = {}): Payload {
  const { to = HERE, amount = '1', ...rest } = parts
  return {
    txId: 'tx-1',
    requestId: 'tx-1',
    signerId: 'signer-1',
    operation: 'TRANSFER',
    asset: 'ETH',
    sourceType: 'VAULT',
    sourceId: '0',
    destType: 'ONE_TIME_ADDRESS',
    destAddress: to,
    amountStr: amount,
    requestedAmountStr: amount,
    ...rest,
  }
}

function bytes(payload: string, more: Payload = {}) {
  return [{ rawTx: `02${payload}`, payload, keyDerivationPath: '[ 44, 60, 0, 0, 0 ]', ...more }]
}

/** The signing request that follows. */
function signing(parts: Payload = {}): Payload {
  return transfer({ fee: '0.001', rawTx: bytes('aa'), ...parts })
}

/** Of a limit of 1. */
function charge(amount: string, parts: Partial<LimitCharge> = {}): LimitCharge {
  return hourly(amount, { maxAmount: decimal('1'), otherwise: OVER, ...parts })
}

function store(): Core {
  return createCore(openDatabase(':memory:'))
}

interface Asked {
  readonly charges?: readonly LimitCharge[]
  readonly uses?: readonly string[]
  readonly nowMs?: number
}

function record(core: Core, payload: Payload, asked: Asked = {}): Receipt {
  const { uses = [], nowMs = START } = asked
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(payload)}.c2ln`
  const request = readStored('tx_sign_request', token, 'cosigner-a')?.request
  if (request?.endpoint !== 'tx_sign_request') throw new Error('the payload is no request')
  const digest = bytesOf(request)
  const one = entry({
    key: requestKey(request, 'cosigner-a'),
    charges: asked.charges ?? [charge(String(payload['amountStr']))],
    uses,
    ...(digest === undefined ? {} : { bytes: digest }),
    evidence: { token, owner: request.txId },
  })
  return core.transaction(nowMs, () => core.calls.record(one))
}

function answer(core: Core, payload: Payload, asked?: Asked): string {
  return record(core, payload, asked).decision.action
}

/** What counts of the only limit. */
function counted(core: Core): readonly [number, string] {
  const [usage] = core.transaction(START, () => core.calls.limitUsage({ hourly: HOUR }))
  return [usage?.count ?? 0, usage?.amount ?? '0']
}

describe('after an approval of 1 ETH under a limit of 1 ETH', () => {
  const byAnother = { signerId: 'signer-2' }
  it.each<[string, Payload, string]>([
    ['the same with another note', transfer({ note: 'again' }), 'APPROVE'],
    ['the signing request', signing(), 'APPROVE'],
    ['the signing request in another spelling', signing({ to: HERE.toLowerCase() }), 'APPROVE'],
    ['the signing request without bytes', transfer({ fee: '0.001' }), 'APPROVE'],
    ['another signer\u2019s copy', transfer(byAnother), 'APPROVE'],
    ['another signer\u2019s signing request', signing(byAnother), 'APPROVE'],
    [
      'another signer\u2019s copy to another address',
      transfer({ ...byAnother, to: ELSEWHERE }),
      'RETRY',
    ],
    ['another signer\u2019s copy for less', transfer({ ...byAnother, amount: '0.5' }), 'RETRY'],
    [
      'another signer\u2019s copy of another asset',
      transfer({ ...byAnother, asset: 'BTC' }),
      'RETRY',
    ],
    [
      'another signer\u2019s copy from elsewhere',
      transfer({ ...byAnother, sourceId: '1' }),
      'RETRY',
    ],
    ['a leg of a batch', transfer({ requestId: 'tx-1_1' }), 'RETRY'],
    ['another transaction', transfer({ txId: 'tx-2', requestId: 'tx-2' }), 'RETRY'],
  ])('%s', (_, payload, expected) => {
    const core = store()
    expect(answer(core, transfer())).toBe('APPROVE')
    expect(answer(core, payload)).toBe(expected)
    expect(counted(core)).toEqual([1, '1'])
  })
})

describe('the bytes of a transaction', () => {
  it('that come first belong to what was approved; the same in any spelling count no more', () => {
    const core = store()
    const spellings = [
      bytes('aa'),
      bytes('aa', { rawTx: '0x02AA' }),
      bytes('aa', { keyDerivationPath: [44, 60, 0, 0, 0] }),
    ]
    expect(answer(core, transfer())).toBe('APPROVE')
    for (const [n, rawTx] of spellings.entries()) {
      expect(answer(core, signing({ rawTx, note: String(n) }))).toBe('APPROVE')
    }
    expect(counted(core)).toEqual([1, '1'])
  })

  it('are a set: their order says nothing', () => {
    const core = store()
    const two = [...bytes('aa'), ...bytes('bb')]
    expect(answer(core, signing({ rawTx: two }))).toBe('APPROVE')
    expect(answer(core, signing({ rawTx: two.toReversed() }))).toBe('APPROVE')
    expect(answer(core, signing({ rawTx: bytes('aa') }))).toBe('RETRY')
  })

  // One requestId and one txId with the nonces 0 to 7, each verified: version 0.1.0 approved all eight for one charge.
  it('that are others are another signature', () => {
    const core = store()
    expect(answer(core, transfer())).toBe('APPROVE')
    const answers = Array.from({ length: 8 }, (_, nonce) =>
      answer(core, signing({ rawTx: bytes(`a${nonce}`) })),
    )
    expect(answers).toEqual(['APPROVE', ...Array.from({ length: 7 }, () => 'RETRY')])
    expect(counted(core)).toEqual([1, '1'])
  })

  it('are charged for each set, while there is room', () => {
    const core = store()
    const sets = ['aa', 'bb', 'cc'].map((payload) =>
      answer(core, signing({ amount: '0.4', rawTx: bytes(payload) })),
    )
    expect(sets).toEqual(['APPROVE', 'APPROVE', 'RETRY'])
    expect(counted(core)).toEqual([2, '0.8'])
  })

  it.each([undefined, null, []])('are none when `rawTx` is %j', (rawTx) => {
    expect(bytesOf({ rawTx } as never)).toBeUndefined()
  })

  it.each([['text'], [{ a: 1 }], [[null]], [[{}]]])('are something when `rawTx` is %j', (rawTx) => {
    expect(bytesOf({ rawTx } as never)).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('one transaction', () => {
  // Limit 1 ETH a day; legs T_0, T_1 and T_2 of one txId, 0.9 ETH each: version 0.1.0 approved 2.7 ETH.
  it('is charged for each leg of a batch', () => {
    const core = store()
    const legs = ['T_0', 'T_1', 'T_2'].map((requestId) =>
      answer(core, transfer({ requestId, amount: '0.4' })),
    )
    expect(legs).toEqual(['APPROVE', 'APPROVE', 'RETRY'])
    expect(counted(core)).toEqual([2, '0.8'])
  })

  it('signs each leg once for what was charged at the approval', () => {
    const core = store()
    for (const make of [transfer, signing]) {
      for (const requestId of ['T_0', 'T_1']) {
        expect(answer(core, make({ requestId, amount: '0.4' }))).toBe('APPROVE')
      }
    }
    expect(counted(core)).toEqual([2, '0.8'])
  })

  // Limit 1 ETH and 1 transaction a day: version 0.1.0 approved six more with other requestIds and another destination.
  it('cannot be asked for again under other request ids, to another destination', () => {
    const core = store()
    expect(answer(core, transfer())).toBe('APPROVE')
    const others = Array.from({ length: 5 }, (_, n) =>
      answer(core, transfer({ requestId: `other-${n}`, to: ELSEWHERE })),
    )
    expect(new Set(others)).toEqual(new Set(['RETRY']))
    const signer = { requestId: 'other', signerId: 'other', to: ELSEWHERE, amount: '0.5' }
    expect(answer(core, transfer(signer))).toBe('RETRY')
  })

  it('is charged the difference when more of the same is asked for', () => {
    const core = store()
    const asked = { charges: [charge('0.6')] }
    expect(answer(core, transfer(), asked)).toBe('APPROVE')
    expect(answer(core, transfer({ note: 'x' }))).toBe('APPROVE')
    expect(counted(core)).toEqual([1, '1'])
  })

  it('belongs to what a copy in between has shown', () => {
    const core = store()
    const vault = { destType: 'VAULT', destId: '1', to: undefined }
    expect(answer(core, transfer(vault))).toBe('APPROVE')
    expect(answer(core, transfer({ ...vault, signerId: 'b', to: HERE }))).toBe('APPROVE')
    expect(answer(core, transfer({ ...vault, signerId: 'c', to: HERE }))).toBe('APPROVE')
    expect(answer(core, transfer({ ...vault, signerId: 'd', to: ELSEWHERE }))).toBe('RETRY')
  })

  it('to an address that cannot be read is another one than to another such', () => {
    const core = store()
    expect(answer(core, transfer({ asset: 'BTC', to: HERE }))).toBe('APPROVE')
    expect(answer(core, transfer({ asset: 'BTC', to: HERE, signerId: 'b' }))).toBe('APPROVE')
    expect(answer(core, signing({ asset: 'BTC', to: ELSEWHERE, signerId: 'c' }))).toBe('RETRY')
    const shown = [{ dstAddress: HERE, amountNativeStr: '1', displayDstAddress: 'x' }]
    const more = { asset: 'BTC', to: HERE, destinations: shown, signerId: 'd' }
    expect(answer(core, transfer(more))).toBe('APPROVE')
    expect(answer(core, transfer({ asset: 'BTC', to: '', signerId: 'e' }))).toBe('APPROVE')
  })

  it('is charged again after its charges were given back', () => {
    const core = store()
    expect(answer(core, transfer({ amount: '0.5' }))).toBe('APPROVE')
    expect(answer(core, transfer({ amount: '0.5', requestId: 'leg' }))).toBe('APPROVE')
    const released = core.transaction(START, () =>
      core.calls.releaseCharges('tx-1', { by: 'alice', note: '' }),
    )
    expect(released).toHaveLength(2)
    expect(counted(core)).toEqual([0, '0'])
    expect(answer(core, signing({ amount: '0.5' }))).toBe('APPROVE')
    expect(answer(core, signing({ amount: '0.5', requestId: 'leg', rawTx: bytes('bb') }))).toBe(
      'APPROVE',
    )
    expect(counted(core)).toEqual([2, '1'])
  })

  it('whose name begins like another one has charges of its own', () => {
    const core = store()
    for (const txId of ['a', 'a2', 'a 2']) {
      expect(answer(core, transfer({ txId, requestId: txId, amount: '0.2' }))).toBe('APPROVE')
    }
    core.transaction(START, () => core.calls.releaseCharges('a', { by: 'alice', note: '' }))
    expect(counted(core)).toEqual([2, '0.4'])
  })

  it('is charged for nothing by a rule without limits', () => {
    const core = store()
    for (const payload of ['aa', 'bb']) {
      expect(answer(core, signing({ rawTx: bytes(payload) }), { charges: [] })).toBe('APPROVE')
    }
    expect(answer(core, signing({ rawTx: bytes('cc') }))).toBe('APPROVE')
    expect(counted(core)).toEqual([1, '1'])
  })

  it('is counted again when the evidence of its approval is gone', () => {
    const db = openDatabase(':memory:')
    const core = createCore(db)
    expect(answer(core, transfer({ amount: '0.5' }))).toBe('APPROVE')
    db.exec('UPDATE chain SET token = NULL')
    expect(answer(core, signing({ amount: '0.5' }))).toBe('APPROVE')
    expect(counted(core)).toEqual([2, '1'])
  })

  it('is refused like a full limit when too much was approved under one request', () => {
    const core = store()
    const free = { charges: [charge('0')] }
    for (let n = 0; n < MAX_SPENDING; n += 1) {
      expect(answer(core, signing({ signerId: `s${n}`, rawTx: bytes(`a${n}`) }), free)).toBe(
        'APPROVE',
      )
    }
    expect(record(core, signing({ signerId: 'one-more' }), free).decision).toEqual(OVER)
    const used = { charges: [], uses: ['statement:1'] }
    expect(answer(core, signing({ signerId: 'one-more' }), used)).toBe('REJECT')
    expect(answer(core, signing({ requestId: 'another' }), free)).toBe('APPROVE')
  })
})

describe('a single use', () => {
  it('serves the approval and the signature that follows, no leg beside it and no other bytes', () => {
    const core = store()
    const use = { charges: [], uses: ['statement:1'] }
    expect(answer(core, transfer(), use)).toBe('APPROVE')
    expect(answer(core, transfer({ requestId: 'leg' }), use)).toBe('REJECT')
    expect(answer(core, signing(), use)).toBe('APPROVE')
    expect(answer(core, signing({ note: 'again' }), use)).toBe('APPROVE')
    expect(answer(core, signing({ rawTx: bytes('bb') }), use)).toBe('REJECT')
  })
})

describe('what version 0.1.0 charged to a bare txId', () => {
  /** A charge without a variant, as the store of 0.1.0 has it. */
  function upgraded() {
    const db = openDatabase(':memory:')
    const core = createCore(db)
    expect(answer(core, transfer())).toBe('APPROVE')
    db.exec('DELETE FROM variants')
    return core
  }

  it.each([
    ['its own request', {}],
    ['a signing request with an id of its own', { requestId: 'signing' }],
  ])('is that of %s, once', (_, parts) => {
    const core = upgraded()
    expect(answer(core, signing(parts))).toBe('APPROVE')
    expect(counted(core)).toEqual([1, '1'])
    expect(answer(core, signing({ ...parts, rawTx: bytes('bb') }))).toBe('RETRY')
    expect(answer(core, signing({ requestId: 'leg' }))).toBe('RETRY')
  })
})

describe('a key that version 0.1.0 made', () => {
  const oldKey = 'destination=ONE_TIME:0xaa'
  const old = charge('0.5', { key: oldKey, onlyIfSpent: true })
  const now = charge('0.5', { key: 'destination=0xaa' })
  const both = { charges: [now, old] }
  const keys = (core: Core, nowMs = START) =>
    core
      .transaction(nowMs, () => core.calls.limitUsage({ hourly: HOUR }))
      .map(({ key, amount }) => [key, amount])
  const leg = (n: number) => transfer({ txId: `tx-${n}`, requestId: `tx-${n}`, amount: '0.5' })

  it('is charged only while something that was charged under it still counts', () => {
    const core = store()
    expect(record(core, leg(1), both).decision.action).toBe('APPROVE')
    expect(keys(core)).toEqual([['destination=0xaa', '0.5']])

    const upgraded = store()
    const before = { charges: [charge('0.5', { key: oldKey })] }
    expect(answer(upgraded, leg(1), before)).toBe('APPROVE')
    expect(answer(upgraded, leg(2), both)).toBe('APPROVE')
    expect(answer(upgraded, leg(3), both)).toBe('RETRY')
    const later = START + HOUR + HOUR / 1_000
    expect(answer(upgraded, leg(4), { ...both, nowMs: later })).toBe('APPROVE')
    expect(keys(upgraded, later)).toEqual([['destination=0xaa', '0.5']])
  })

  it('is on record only when it was charged', () => {
    const db = openDatabase(':memory:')
    const core = createCore(db)
    record(core, leg(1), both)
    const [body] = db.prepare<[], string>('SELECT body FROM chain').pluck().all()
    expect(JSON.parse(body ?? '{}')).toMatchObject({
      variant: 1,
      charged: [{ limit: 'hourly', key: 'destination=0xaa', amount: '0.5' }],
    })
  })
})

describe('random approvals under limits', () => {
  const MAX_AMOUNT = 12
  const MAX_COUNT = 7
  const ask = fc.record({
    txId: fc.constantFrom('t1', 't2'),
    requestId: fc.constantFrom('r1', 'r2'),
    signerId: fc.constantFrom('s1', 's2', 's3'),
    to: fc.constantFrom(HERE, ELSEWHERE),
    amount: fc.constantFrom('1', '2'),
    isSigning: fc.boolean(),
    set: fc.constantFrom(undefined, 'aa', 'bb', 'cc'),
    note: fc.constantFrom('x', 'y'),
    asset: fc.constantFrom('ETH', 'ETH', 'BTC'),
  })

  /** What can be signed after these approvals: of each core under each request one signature, or one per set of bytes. */
  function signable(approved: readonly (typeof ask extends fc.Arbitrary<infer T> ? T : never)[]) {
    const signatures = new Map<string, { readonly sets: Set<string>; readonly amount: number }>()
    for (const { txId, requestId, to, amount, isSigning, set } of approved) {
      const name = JSON.stringify([txId, requestId, to, amount])
      const known = signatures.get(name) ?? { sets: new Set(), amount: Number(amount) }
      if (isSigning && set !== undefined) known.sets.add(set)
      signatures.set(name, known)
    }
    return [...signatures.values()].flatMap(({ sets, amount }) =>
      Array.from({ length: Math.max(1, sets.size) }, () => amount),
    )
  }

  it('never exceed them, per limit and key, and are charged for no more than can be signed', () => {
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 50 }), (asks) => {
        const core = store()
        const approved = new Map<string, (typeof asks)[number][]>()
        for (const one of asks) {
          const { isSigning, set, ...parts } = one
          const key = `asset=${one.asset}`
          const bounds = { maxAmount: parseDecimal(String(MAX_AMOUNT)), maxCount: MAX_COUNT }
          const payload = isSigning
            ? signing({ ...parts, rawTx: set === undefined ? undefined : bytes(set) })
            : transfer(parts)
          const charges = [charge(one.amount, { key, ...bounds })]
          if (answer(core, payload, { charges }) !== 'APPROVE') continue
          approved.set(key, [...(approved.get(key) ?? []), one])
        }
        const usage = core.transaction(START, () => core.calls.limitUsage({ hourly: HOUR }))
        for (const [key, all] of approved) {
          const signatures = signable(all)
          const amount = signatures.reduce((sum, each) => sum + each, 0)
          expect(amount).toBeLessThanOrEqual(MAX_AMOUNT)
          expect(signatures.length).toBeLessThanOrEqual(MAX_COUNT)
          const charged = usage.find((each) => each.key === key)
          expect(charged).toMatchObject({ count: signatures.length, amount: String(amount) })
        }
      }),
      { numRuns: 200 },
    )
  })
})
