/**
 * What a release at the approval stage is worth while signing: docs/decisions/charges.md, line by line, on a store on disk.
 * People were asked twice about each transaction that a rule of both stages holds.
 */
import { describe, expect, it } from '@jest/globals'
import { openReadOnly } from '../../../handler/decisions/sqlite/database.ts'
import { livePolicy } from '../../../handler/policy/judge.ts'
import type { LivePolicy } from '../../../handler/policy/judge.ts'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { diskLine } from '../../fixtures/disk-line.ts'
import { evmRawTx } from '../../fixtures/evm-bytes.ts'
import { policyOf } from '../policy/policy.ts'

type Payload = Readonly<Record<string, unknown>>

const ALICE = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
const BOB = '0x00000000219ab540356cBB839Cbe05303d7705Fa'
const HOUR = 3_600_000

/** Of one rule for both stages. */
function live(
  then = 'approvals: 2, expires: 2h',
  when = 'amount: { min: "1" }',
  top = 'limits: { daily: { window: 24h, amount: "100", by: [asset] } }',
) {
  return livePolicy(
    policyOf(`
${top}
rules:
  - { id: dear, when: { operation: any, fee: { min: "1" } }, then: REJECT }
  - id: large
    when: { operation: any, asset: ETH, ${when} }
    then: { action: RETRY, reason: people are asked, hold: { ${then} } }
    require: { limits: daily }
  - { id: other, when: { operation: any, asset: ETH }, then: { action: RETRY, reason: others, hold: {} }, require: { limits: none } }
  - { id: free, when: { operation: any, asset: BTC, stage: approval }, then: APPROVE }
  - { id: coins, when: { operation: any }, then: { action: RETRY, hold: {} }, require: { limits: none } }
`),
    createSignatureVerifier(),
  )
}

/** With room for one transaction of 5 ETH. */
function tight(then = 'approvals: 2, expires: 2h') {
  const limits = 'limits: { daily: { window: 24h, amount: "8", by: [asset] } }'
  return live(then, 'amount: { min: "1" }', limits)
}

/** One rule that holds whatever is asked. */
const everything = (top: string) =>
  livePolicy(
    policyOf(`
${top}
rules:
  - id: all
    when: { operation: any }
    then: { action: RETRY, reason: people are asked, hold: { approvals: 2 } }
    require: { limits: none }
`),
    createSignatureVerifier(),
  )
const EVERYTHING = everything('consistency: { no-destination: note }')

/** 5 ETH to Alice, at the approval stage. */
function approval({ to = ALICE, amount = '5', ...rest }: Payload = {}): Payload {
  return {
    txId: 't-1',
    requestId: 't-1',
    signerId: 'signer-1',
    operation: 'TRANSFER',
    asset: 'ETH',
    sourceType: 'VAULT',
    sourceId: '0',
    destType: 'ONE_TIME_ADDRESS',
    destAddress: to,
    amountStr: amount,
    requestedAmountStr: amount,
    destinations: [
      {
        dstType: 'ONE_TIME_ADDRESS',
        dstAddressType: 'ONE_TIME',
        dstAddress: to,
        amountNativeStr: amount,
      },
    ],
    ...rest,
  }
}

/** The signing request that follows. */
function signing(parts: Payload = {}): Payload {
  const { to = ALICE, amount = '5', nonce = 0n, ...rest } = parts
  const rawTx = evmRawTx({ to: String(to), amount: String(amount), nonce: BigInt(String(nonce)) })
  return approval({ to, amount, fee: '0.00021', rawTx, ...rest })
}

async function scene(policy = live()) {
  const disk = await diskLine(policy)
  const { ask, store } = disk
  const waiting = async () => (await store().listHolds()).map(({ id }) => id)
  /** The id of the hold, released by these people and used by the approval. */
  const released = async (payload = approval(), people = ['alice', 'bob']) => {
    expect(await ask(payload)).toMatch(/^RETRY/)
    const [id = ''] = await waiting()
    for (const by of people) await store().approveHold(id, { by, note: '' })
    expect(await ask(payload)).toBe('APPROVE')
    return id
  }
  return { ...disk, waiting, released }
}

/** What the store says of the last record of a hold. */
function lastRecord(path: string): Record<string, unknown> {
  const db = openReadOnly(path)
  const body = db
    .prepare<[], string>(
      `SELECT body FROM chain WHERE body ->> 'kind' = 'decision' ORDER BY seq DESC LIMIT 1`,
    )
    .pluck()
    .get()
  db.close()
  return JSON.parse(body ?? '{}') as Record<string, unknown>
}

const WAITS = 'RETRY people are asked'

describe('a release at the approval stage', () => {
  it('serves the signing request whose bytes prove the same; the record says so', async () => {
    const { ask, released, waiting, path, store, handler } = await scene()
    const hold = await released()
    expect(await ask(signing())).toBe('APPROVE')
    expect(await waiting()).toEqual([])
    expect(lastRecord(path)).toMatchObject({
      stage: 'signing',
      action: 'APPROVE',
      rule: 'large',
      reason: 'released at the approval stage',
      hold,
      used: [`carried:${hold}`],
      bytes: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      variant: 1,
    })
    expect(handler.decided.at(-1)).toMatchObject({ hold, reason: 'released at the approval stage' })
    const [usage] = await store().limitUsage({ daily: 24 * HOUR })
    expect(usage).toMatchObject({ count: 1, amount: '5' })
  })

  it('serves it again for the same bytes, never for others', async () => {
    const { ask, released, waiting } = await scene()
    await released()
    expect(await ask(signing())).toBe('APPROVE')
    expect(await ask(signing())).toBe('APPROVE')
    expect(await ask(signing({ note: 'again', fee: '0.0003' }))).toBe('APPROVE')
    expect(await ask(signing({ nonce: 1 }))).toBe(WAITS)
    expect(await ask(signing({ nonce: 2, note: 'again' }))).toBe(WAITS)
    expect(await waiting()).toHaveLength(2)
    expect(await ask(signing())).toBe('APPROVE')
  })

  it('serves one of two requests with different bytes that come at once', async () => {
    const { ask, released } = await scene()
    await released()
    const all = [0, 1, 2].map((nonce) => ask(signing({ nonce })))
    const answers = await Promise.all(all)
    expect(answers.toSorted()).toEqual(['APPROVE', WAITS, WAITS])
    const served = answers.indexOf('APPROVE')
    const again = await Promise.all([0, 1, 2].map((nonce) => ask(signing({ nonce }))))
    expect(again.indexOf('APPROVE')).toBe(served)
    expect(again.toSorted()).toEqual(['APPROVE', WAITS, WAITS])
  })

  it('serves it after a restart', async () => {
    const { ask, released, restart } = await scene()
    await released()
    await restart()
    expect(await ask(signing())).toBe('APPROVE')
    await restart()
    expect(await ask(signing({ note: 'again' }))).toBe('APPROVE')
    expect(await ask(signing({ nonce: 1 }))).toBe(WAITS)
  })

  it.each<[string, Payload]>([
    ['another spelling of the address', { to: ALICE.toLowerCase() }],
    ['a fee that nobody saw, below what the rule above refuses', { fee: '0.9' }],
    ['another note', { note: 'other' }],
    ['an amount in another spelling', { amountStr: '5.000', requestedAmountStr: '5.0' }],
  ])('serves %s', async (_, parts) => {
    const { ask, released } = await scene()
    await released()
    expect(await ask(signing(parts))).toBe('APPROVE')
  })

  it('serves an address that only the signing request knows, of an account that people saw', async () => {
    const { ask, released } = await scene()
    const account = { destType: 'EXTERNAL_WALLET', destId: 'w-1' }
    const entry = { dstType: 'EXTERNAL_WALLET', dstId: 'w-1', amountNativeStr: '5' }
    const seen = { ...account, destAddress: '', destinations: [entry] }
    await released(approval(seen))
    const shown = [{ ...entry, displayDstAddress: ALICE }]
    const one = { ...account, destinations: shown }
    expect(await ask(signing(one))).toBe('APPROVE')
    const there = [{ ...entry, displayDstAddress: BOB }]
    expect(await ask(signing({ ...account, to: BOB, destinations: there, nonce: 3 }))).not.toBe(
      'APPROVE',
    )
  })

  it.each<[string, Payload, RegExp]>([
    ['without bytes', { rawTx: undefined }, /^RETRY people/],
    ['with bytes that cannot be checked', { rawTx: [{ rawTx: '00', payload: '00' }] }, /^RETRY/],
    ['with bytes for more', { rawTx: evmRawTx({ to: ALICE, amount: '6' }) }, /^REJECT/],
    ['with bytes for another', { rawTx: evmRawTx({ to: BOB, amount: '5' }) }, /^REJECT/],
    ['for more', { amount: '6' }, /^REJECT ERR_REQUEST_CONFLICT/],
    ['for less', { amount: '4' }, /^RETRY people/],
    ['to another', { to: BOB }, /^REJECT ERR_REQUEST_CONFLICT/],
    ['of another asset', { asset: 'ETH_TEST5' }, /^REJECT ERR_REQUEST_CONFLICT/],
    ['from elsewhere', { sourceId: '1' }, /^REJECT/],
    ['of another transaction', { txId: 't-2' }, /^RETRY people/],
    ['of another request', { requestId: 't-1_2' }, /^RETRY people/],
    ['by another signer', { signerId: 'signer-2' }, /^RETRY people/],
    ['by a signer without a name', { signerId: undefined }, /^RETRY people/],
    ['with call data', { extraParameters: { contractCallData: '0x00' } }, /^RE(?:TRY|JECT)/],
    ['with another operation', { operation: 'CONTRACT_CALL' }, /^RE(?:TRY|JECT)/],
    ['with a fee that the rule above refuses', { fee: '1' }, /^REJECT/],
  ])('does not serve a signing request %s', async (_, parts, expected) => {
    const { ask, released, waiting } = await scene()
    await released()
    expect(await ask(signing(parts))).toMatch(expected)
    const again = await ask(signing(parts))
    expect(again).toMatch(expected)
    // People are asked: it has a hold of its own.
    expect(await waiting()).toHaveLength(again.startsWith('RETRY') ? 1 : 0)
  })

  it.each<[string, Payload]>([
    ['asset', { asset: undefined }],
    ['operation', { operation: 7 }],
    ['source', { sourceId: undefined }],
    ['amount', { amountStr: undefined }],
    ['destination', { destType: undefined, destAddress: undefined, destinations: undefined }],
  ])('does not serve what people did not see: the %s', async (_, hidden) => {
    const { ask, released } = await scene(EVERYTHING)
    await released(approval(hidden))
    expect(await ask(signing())).toBe(WAITS)
  })

  it('serves each leg of a batch for itself', async () => {
    const { ask, released, waiting } = await scene(EVERYTHING)
    await released(approval({ requestId: 't-1_1' }))
    expect(await ask(signing({ requestId: 't-1_2', nonce: 1 }))).toBe(WAITS)
    expect(await waiting()).toHaveLength(1)
    expect(await ask(signing({ requestId: 't-1_1' }))).toBe('APPROVE')
  })

  it.each<[string, LivePolicy, string]>([
    ['nothing of the rule', live('approvals: 2, expires: 2h, onExpiry: RETRY'), 'APPROVE'],
    ['fewer people', live('approvals: 1'), 'APPROVE'],
    ['its conditions', live('approvals: 2', 'amount: { min: "2" }'), WAITS],
    ['the rule', live('approvals: 2', 'amount: { min: "9" }'), 'RETRY others'],
  ])('is judged by the policy in force, which changes %s', async (_, next, expected) => {
    const { ask, released, change } = await scene()
    await released()
    change(next)
    expect(await ask(signing())).toBe(expected)
  })

  it('that fewer people gave than are asked for now waits for as many', async () => {
    const { ask, released, change, waiting, store } = await scene(live('approvals: 1'))
    await released(approval(), ['alice'])
    change(live('approvals: 2'))
    expect(await ask(signing())).toBe(WAITS)
    const [id = ''] = await waiting()
    await store().approveHold(id, { by: 'bob', note: '' })
    expect(await ask(signing())).toBe(WAITS)
    await store().approveHold(id, { by: 'alice', note: '' })
    expect(await ask(signing())).toBe('APPROVE')
  })

  it.each<[string, string | undefined]>([
    ['of the hold', undefined],
    ['that the rule has it now', 'approvals: 2, expires: 1h'],
  ])('ends with the time %s', async (_, shorter) => {
    const { ask, released, change, handler } = await scene()
    await released()
    if (shorter !== undefined) change(live(shorter))
    await handler.time.advance((shorter === undefined ? 2 : 1) * HOUR)
    expect(await ask(signing())).toBe(WAITS)
  })

  it('that nobody used before it ended serves nothing', async () => {
    const { ask, waiting, store, handler } = await scene()
    await ask(approval())
    const [id = ''] = await waiting()
    for (const by of ['alice', 'bob']) await store().approveHold(id, { by, note: '' })
    expect(await ask(signing())).toBe(WAITS)
    await handler.time.advance(2 * HOUR)
    expect(await ask(signing({ note: 'again' }))).toBe(WAITS)
  })

  it('is not needed for an approval without a hold, and does not come of one', async () => {
    const { ask } = await scene()
    expect(await ask(approval({ asset: 'BTC' }))).toBe('APPROVE')
    expect(await ask(signing({ asset: 'BTC' }))).toMatch(/^RE(?:TRY|JECT)/)
  })

  it('serves nothing while the handler is frozen, and all of it afterwards', async () => {
    const { ask, released, store } = await scene()
    await released()
    await store().freeze('RETRY', { by: 'carol', note: '' })
    expect(await ask(signing())).toBe('RETRY FROZEN')
    await store().unfreeze({ by: 'carol', note: '' })
    expect(await ask(signing())).toBe('APPROVE')
  })

  it('serves nothing when the freeze comes in between, and keeps its one set of bytes', async () => {
    const { ask, released, store, handler } = await scene()
    await released()
    // The freeze overtakes the decision: only the store knows of it.
    handler.with({ frozen: () => undefined })
    await store().freeze('RETRY', { by: 'carol', note: '' })
    expect(await ask(signing())).toBe('RETRY FROZEN')
    await store().unfreeze({ by: 'carol', note: '' })
    expect(await ask(signing({ nonce: 1 }))).toBe('APPROVE')
    expect(await ask(signing())).toBe(WAITS)
  })

  it('waits while a limit is full, is not lost, and nobody is asked meanwhile', async () => {
    const policy = tight()
    const { ask, released, store, waiting, change, handler } = await scene(policy)
    await released()
    // What was charged is given back, and another transaction takes the room.
    await store().releaseCharges('t-1', { by: 'carol', note: '' })
    change(tight('approvals: 1'))
    await released(approval({ txId: 't-2', requestId: 't-2' }), ['alice'])
    change(policy)
    expect(await ask(signing())).toMatch(/^RETRY (?!people)/)
    expect(await waiting()).toEqual([])
    change(tight('approvals: 2, expires: 3d'))
    await handler.time.advance(HOUR)
    await store().releaseCharges('t-2', { by: 'carol', note: '' })
    expect(await ask(signing())).toBe('APPROVE')
  })

  it('comes of the approval stage alone: people who released bytes released no others', async () => {
    const { ask, released } = await scene()
    await released(signing())
    expect(await ask(signing({ nonce: 1 }))).toBe(WAITS)
    expect(await ask(signing({ note: 'again' }))).toBe(WAITS)
  })

  it('serves no request that waits for people already: they decide', async () => {
    const { ask, waiting, store } = await scene()
    expect(await ask(signing())).toBe(WAITS)
    const [own = ''] = await waiting()
    expect(await ask(approval())).toBe(WAITS)
    const id = (await waiting()).find((each) => each !== own) ?? ''
    for (const by of ['alice', 'bob']) await store().approveHold(id, { by, note: '' })
    expect(await ask(approval())).toBe('APPROVE')
    expect(await ask(signing())).toBe(WAITS)
    await store().rejectHold(own, { by: 'carol', note: '' })
    expect(await ask(signing())).toBe('REJECT HOLD_REJECTED')
    expect(await ask(signing({ note: 'again' }))).toBe('REJECT HOLD_REJECTED')
  })

  it('serves no request of which people look at what disagrees', async () => {
    const { ask, released } = await scene(everything('consistency: { address-type: hold }'))
    const odd = { destAddressType: 'WHITELISTED' }
    await released(approval(odd))
    expect(await ask(signing(odd))).toBe(WAITS)
  })
})

describe('a hold that waits while its limit is full', () => {
  it('says so in the reason, until there is room', async () => {
    const { ask, released, store } = await scene(tight())
    await released()
    const next = approval({ txId: 't-2', requestId: 't-2' })
    expect(await ask(next)).toBe(`${WAITS} (limit reached)`)
    await store().releaseCharges('t-1', { by: 'carol', note: '' })
    expect(await ask(next)).toBe(WAITS)
  })
})
