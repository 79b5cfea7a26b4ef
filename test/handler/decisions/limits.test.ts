import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { createCore } from '../../../handler/decisions/sqlite/core.ts'
import type { Core } from '../../../handler/decisions/sqlite/core.ts'
import { openDatabase } from '../../../handler/decisions/sqlite/database.ts'
import type { LimitCharge } from '../../../handler/policy/decision.ts'
import { addDecimals, compareDecimals } from '../../../handler/protocol/decimal.ts'
import type { Decimal } from '../../../handler/protocol/decimal.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { APPROVE, charge, decimal, entry, REJECT, RETRY, START } from './entries.ts'

const HOUR = 3_600_000

async function openPath(): Promise<string> {
  return join(await temporaryDirectory(), 'decisions.db')
}

/** Records an approval of that request with those charges; the action that holds. */
function spend(core: Core, request: string, charges: readonly LimitCharge[], nowMs = START) {
  const one = entry({ key: { requestId: request }, charges })
  return core.transaction(nowMs, () => core.calls.record(one)).decision.action
}

describe('a limit', () => {
  it('is exact to the last digit and inclusive', async () => {
    const core = createCore(openDatabase(await openPath()))
    expect(spend(core, 'a', [charge('9.999999999999999999')])).toBe('APPROVE')
    expect(spend(core, 'b', [charge('0.000000000000000002')])).toBe('REJECT')
    expect(spend(core, 'c', [charge('0.000000000000000001')])).toBe('APPROVE')
  })

  it('counts transactions', async () => {
    const core = createCore(openDatabase(await openPath()))
    const two = charge('100', { maxCount: 2, amount: undefined, maxAmount: undefined })
    const answers = ['a', 'b', 'c'].map((request) => spend(core, request, [two]))
    expect(answers).toEqual(['APPROVE', 'APPROVE', 'REJECT'])
  })

  it('is kept apart by key and by name', async () => {
    const core = createCore(openDatabase(await openPath()))
    expect(spend(core, 'a', [charge('10')])).toBe('APPROVE')
    expect(spend(core, 'b', [charge('10', { key: 'asset=BTC' })])).toBe('APPROVE')
    expect(spend(core, 'c', [charge('10', { limit: 'other' })])).toBe('APPROVE')
  })

  it('charges all or none', async () => {
    const core = createCore(openDatabase(await openPath()))
    spend(core, 'a', [charge('10', { key: 'full' })])
    expect(spend(core, 'b', [charge('10'), charge('1', { key: 'full' })])).toBe('REJECT')
    expect(spend(core, 'c', [charge('10')])).toBe('APPROVE')
  })

  it('takes two charges of one request together', async () => {
    const core = createCore(openDatabase(await openPath()))
    const twice = [charge('6'), charge('6', { key: 'asset=ETH' })]
    // The same owner and key: the higher of the two counts, once.
    expect(spend(core, 'a', twice)).toBe('APPROVE')
    expect(spend(core, 'b', [charge('4')])).toBe('APPROVE')
    expect(spend(core, 'c', [charge('0.1')])).toBe('REJECT')
  })

  it('frees what was spent once it lies a window back', async () => {
    const core = createCore(openDatabase(await openPath()))
    spend(core, 'a', [charge('10')])
    expect(spend(core, 'b', [charge('1')], START + HOUR - 1)).toBe('REJECT')
    expect(spend(core, 'c', [charge('10')], START + HOUR + HOUR / 1_000)).toBe('APPROVE')
  })

  it('is not charged by a decision that does not approve', async () => {
    const core = createCore(openDatabase(await openPath()))
    const refused = entry({ decision: RETRY, charges: [charge('10')] })
    core.transaction(START, () => core.calls.record(refused))
    expect(spend(core, 'b', [charge('10')])).toBe('APPROVE')
  })
})

describe('one owner', () => {
  const parts = { evidence: { owner: 'transaction-1' } }

  it('is charged once over stages and signers', async () => {
    const core = createCore(openDatabase(await openPath()))
    const charges = [charge('6')]
    for (const stage of ['approval', 'signing'] as const) {
      for (const signerId of ['a', 'b']) {
        const one = entry({ ...parts, key: { stage, signerId }, charges })
        const receipt = core.transaction(START, () => core.calls.record(one))
        expect(receipt.decision).toEqual(APPROVE)
      }
    }
    expect(spend(core, 'other', [charge('4')])).toBe('APPROVE')
  })

  it('is charged the difference when it comes back with more', async () => {
    const core = createCore(openDatabase(await openPath()))
    const come = (signerId: string, amount: string) => {
      const one = entry({ ...parts, key: { signerId }, charges: [charge(amount)] })
      return core.transaction(START, () => core.calls.record(one)).decision.action
    }
    expect(come('a', '1')).toBe('APPROVE')
    expect(come('b', '11')).toBe('REJECT')
    expect(come('c', '9')).toBe('APPROVE')
    expect(spend(core, 'other', [charge('2')])).toBe('REJECT')
    expect(spend(core, 'third', [charge('1')])).toBe('APPROVE')
  })
})

describe('over time', () => {
  it('a restart forgets nothing', async () => {
    const path = await openPath()
    const db = openDatabase(path)
    spend(createCore(db), 'a', [charge('10')])
    db.close()
    expect(spend(createCore(openDatabase(path)), 'b', [charge('1')], START + 1)).toBe('REJECT')
  })

  it('a clock set back by 400 days widens nothing', async () => {
    const path = await openPath()
    const db = openDatabase(path)
    spend(createCore(db), 'a', [charge('10')])
    db.close()
    const core = createCore(openDatabase(path))
    expect(spend(core, 'b', [charge('1')], START - 400 * 24 * HOUR)).toBe('REJECT')
    expect(spend(core, 'c', [charge('1')], START + HOUR - 1)).toBe('REJECT')
  })

  it('a longer window in the policy counts what the shorter one had let go', async () => {
    const core = createCore(openDatabase(await openPath()))
    spend(core, 'a', [charge('10')])
    spend(core, 'b', [charge('1')], START + 2 * HOUR)
    const day = charge('1', { windowMs: 24 * HOUR })
    expect(spend(core, 'c', [day], START + 3 * HOUR)).toBe('REJECT')
    expect(spend(core, 'd', [charge('9')], START + 2 * HOUR)).toBe('APPROVE')
  })

  it('keeps few totals however much is charged', async () => {
    const db = openDatabase(await openPath())
    const core = createCore(db)
    core.transaction(START, () => {
      for (let n = 0; n < 3_000; n += 1) {
        const charges = [charge('0.001', { windowMs: 100_000 })]
        core.calls.record(entry({ key: { requestId: `r${n}` }, charges }))
      }
    })
    for (let n = 0; n < 300; n += 1) {
      spend(core, `s${n}`, [charge('0.001', { windowMs: 1_000 })], START + n * 10)
    }
    const totals = Number(db.prepare('SELECT count(*) FROM limit_totals').pluck().get())
    expect(totals).toBeLessThanOrEqual(102)
  })
})

describe('releaseCharges', () => {
  it('gives everything back that the owner spent, and records who said so', async () => {
    const db = openDatabase(await openPath())
    const core = createCore(db)
    spend(core, 'a', [charge('6'), charge('1', { limit: 'other' })])
    spend(core, 'b', [charge('3')])
    const released = core.transaction(START, () =>
      core.calls.releaseCharges('a', { by: 'alice', note: 'failed on chain' }),
    )
    expect(released).toEqual([
      { limit: 'hourly', key: 'asset=ETH', amount: '6' },
      { limit: 'other', key: 'asset=ETH', amount: '1' },
    ])
    const body = String(db.prepare('SELECT body FROM chain WHERE seq = 3').pluck().get())
    expect(JSON.parse(body)).toMatchObject({
      kind: 'operator',
      act: 'release-charges',
      by: 'alice',
      subject: 'a',
      note: 'failed on chain',
    })
    expect(spend(core, 'c', [charge('7.1')])).toBe('REJECT')
    expect(spend(core, 'd', [charge('7')])).toBe('APPROVE')
  })

  it('refuses an owner that was charged nothing', async () => {
    const core = createCore(openDatabase(await openPath()))
    const release = () =>
      core.transaction(START, () => core.calls.releaseCharges('a', { by: 'alice', note: '' }))
    expect(release).toThrow(expect.objectContaining({ code: 'ERR_NOTHING_TO_RELEASE' }))
    expect(core.head().seq).toBe(0)
  })
})

describe('usage', () => {
  const usage = (core: Core, windows: Record<string, number>, nowMs = START) =>
    core.transaction(nowMs, () => core.calls.limitUsage(windows))

  it('is what counts within the window, by limit and key', async () => {
    const core = createCore(openDatabase(await openPath()))
    spend(core, 'a', [charge('1')])
    spend(core, 'b', [charge('2.5'), charge('7', { key: 'asset=BTC' })], START + HOUR / 2)
    expect(usage(core, { hourly: HOUR, unknown: HOUR }, START + HOUR / 2)).toEqual([
      { limit: 'hourly', key: 'asset=BTC', count: 1, amount: '7' },
      { limit: 'hourly', key: 'asset=ETH', count: 2, amount: '3.5' },
    ])
    expect(usage(core, { hourly: HOUR }, START + 1.1 * HOUR)).toMatchObject([
      { key: 'asset=BTC' },
      { key: 'asset=ETH', count: 1, amount: '2.5' },
    ])
    expect(usage(core, { hourly: HOUR }, START + 3 * HOUR)).toEqual([])
  })

  it('is right after a release and for a window that the policy has changed', async () => {
    const core = createCore(openDatabase(await openPath()))
    spend(core, 'a', [charge('1')])
    spend(core, 'b', [charge('2')])
    core.transaction(START, () => core.calls.releaseCharges('a', { by: 'x', note: '' }))
    const left = [{ limit: 'hourly', key: 'asset=ETH', count: 1, amount: '2' }]
    expect(usage(core, { hourly: HOUR })).toEqual(left)
    expect(usage(core, { hourly: 5 * HOUR }, START + 2 * HOUR)).toEqual(left)
  })

  it('stops at a thousand keys', async () => {
    const core = createCore(openDatabase(await openPath()))
    core.transaction(START, () => {
      for (let n = 0; n < 1_010; n += 1) {
        const one = charge('1', { key: `asset=A${n}` })
        core.calls.record(entry({ key: { requestId: `r${n}` }, charges: [one] }))
      }
    })
    expect(usage(core, { hourly: HOUR }).length).toBe(1_000)
  })
})

describe('against an exact model', () => {
  const WINDOW = 10_000
  const act = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 12_000 })),
    owner: fc.integer({ min: 0, max: 40 }),
    release: fc.integer({ min: 0, max: 9 }),
  })

  const amounts = fc.array(
    fc.record({
      units: fc.bigInt({ min: 0n, max: 5_000n }),
      scale: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 41, maxLength: 41 },
  )

  it('no window is ever exceeded, and nothing is refused that fits with a thousandth to spare', () => {
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 80 }), amounts, (acts, amountOf) => {
        const db = openDatabase(':memory:')
        const core = createCore(db)
        const spent: { owner: string; timeMs: number; amount: Decimal }[] = []
        let nowMs = START
        for (const [index, { afterMs, owner: number, release }] of acts.entries()) {
          nowMs += afterMs
          const owner = `owner-${number}`
          if (release === 0 && spent.some((one) => one.owner === owner)) {
            core.transaction(nowMs, () => core.calls.releaseCharges(owner, { by: 'x', note: '' }))
            spent.splice(0, spent.length, ...spent.filter((one) => one.owner !== owner))
            continue
          }
          const amount = amountOf[number] ?? decimal('0')
          const charges = [
            charge('0', { windowMs: WINDOW, amount, maxAmount: decimal('5000'), maxCount: 12 }),
          ]
          const key = { requestId: owner, signerId: `s${index}` }
          const one = entry({ key, charges, evidence: { owner } })
          const { action } = core.transaction(nowMs, () => core.calls.record(one)).decision
          if (spent.some((earlier) => earlier.owner === owner)) continue
          if (action === 'APPROVE') spent.push({ owner, timeMs: nowMs, amount })
          const within = (windowMs: number) => spent.filter((s) => s.timeMs > nowMs - windowMs)
          const exact = within(WINDOW)
          expect(exact.length).toBeLessThanOrEqual(12)
          expect(compareDecimals(sum(exact), decimal('5000'))).toBeLessThanOrEqual(0)
          if (action === 'APPROVE') continue
          const wide = [...within(WINDOW + WINDOW / 1_000), { amount }]
          expect(wide.length > 12 || compareDecimals(sum(wide), decimal('5000')) > 0).toBe(true)
        }
        db.close()
      }),
      { numRuns: 60 },
    )
  })
})

function sum(charges: readonly { readonly amount: Decimal }[]): Decimal {
  return charges.reduce((total, { amount }) => addDecimals(total, amount), decimal('0'))
}

it('rejects by the first limit that is full, in the order of the policy', async () => {
  const core = createCore(openDatabase(await openPath()))
  spend(core, 'a', [charge('10'), charge('10', { key: 'second' })])
  const one = entry({
    key: { requestId: 'b' },
    charges: [charge('1', { otherwise: RETRY }), charge('1', { key: 'second', otherwise: REJECT })],
  })
  expect(core.transaction(START, () => core.calls.record(one)).decision).toEqual(RETRY)
})
