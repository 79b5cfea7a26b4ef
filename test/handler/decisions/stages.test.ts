/** One transaction asked about at the approval and at the signing stage: docs/decisions/stages.md, line by line. */
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { compareCores, isWhatWasSeen } from '../../../handler/decisions/cores.ts'
import { createCore } from '../../../handler/decisions/sqlite/core.ts'
import type { Core } from '../../../handler/decisions/sqlite/core.ts'
import { openDatabase } from '../../../handler/decisions/sqlite/database.ts'
import type { Database } from '../../../handler/decisions/sqlite/database.ts'
import { identityOf } from '../../../handler/decisions/audit/identity.ts'
import { recordHash } from '../../../handler/decisions/record.ts'
import type { NewDecision, Receipt } from '../../../handler/decisions/store.ts'
import { requestKey } from '../../../handler/protocol/digest.ts'
import { createPlainVerifier } from '../../../handler/protocol/token.ts'
import { readStored } from '../../../handler/protocol/stored-token.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { APPROVE, entry, REJECT, RETRY, START } from './entries.ts'

type Payload = Record<string, unknown> & { destinations?: Record<string, unknown>[] | undefined }
type Change = (payload: Payload) => Payload

const ADDRESS = '0x5dC6c90e01Ee45d8DeFd0f1c8c0D7b8E9B2fA1a0'.toLowerCase()
const CHECKSUMMED = '0x742d35Cc6634C0532925a3b844Bc454e4438f44e'

/** A token as it is stored; its signature is not looked at again. */
function tokenOf(payload: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(payload)}.c2ln`
}

function transfer(parts: Payload = {}): Payload {
  return {
    txId: 'tx-1',
    requestId: 'tx-1',
    signerId: 'signer-1',
    operation: 'TRANSFER',
    asset: 'ETH',
    sourceType: 'VAULT',
    sourceId: '0',
    destType: 'ONE_TIME_ADDRESS',
    destId: '',
    destAddressType: 'ONE_TIME',
    destAddress: CHECKSUMMED,
    amount: 0.5,
    amountStr: '0.5',
    requestedAmount: 0.5,
    requestedAmountStr: '0.5',
    destinations: [
      {
        amountNative: 0.5,
        amountNativeStr: '0.5',
        amountUSD: 1500,
        dstAddressType: 'ONE_TIME',
        dstType: 'ONE_TIME_ADDRESS',
        dstId: '',
        dstAddress: CHECKSUMMED,
      },
    ],
    ...parts,
  }
}

/** To a vault: the address is known when it is signed. */
function between(parts: Payload = {}): Payload {
  return transfer({
    destType: 'VAULT',
    destId: '7',
    destAddressType: 'WHITELISTED',
    destAddress: '',
    destinations: [
      {
        amountNative: 0.5,
        amountNativeStr: '0.5',
        dstAddressType: 'WHITELISTED',
        dstType: 'VAULT',
        dstId: '7',
        dstName: 'cold',
      },
    ],
    ...parts,
  })
}

/** Every entry changed. */
function each(change: (entry: Record<string, unknown>) => Record<string, unknown>): Change {
  return (payload) => ({ ...payload, destinations: payload.destinations?.map(change) })
}

/** Some members left out: `undefined` is not written. */
function without(...names: readonly string[]): Change {
  return (payload) => ({
    ...payload,
    ...Object.fromEntries(names.map((name) => [name, undefined])),
  })
}

const signing: Change = (payload) => ({
  ...each((one) => ({ ...one, displayDstAddress: one['dstAddress'] ?? CHECKSUMMED }))(payload),
  fee: '0.001',
})

/** What may be spelled otherwise, left out, or known at one stage only. */
const VARIATIONS: Readonly<Record<string, Change>> = {
  'destAddress empty': (payload) => ({ ...payload, destAddress: '' }),
  'destAddress absent': without('destAddress'),
  'destAddress null': (payload) => ({ ...payload, destAddress: null }),
  'address in lower case': (payload) => ({
    ...each((one) => ({ ...one, dstAddress: lower(one['dstAddress']) }))(payload),
    destAddress: lower(payload['destAddress']),
  }),
  'no dstAddress': each((one) => ({ ...one, dstAddress: undefined })),
  'short type words': (payload) => ({
    ...each((one) => ({
      ...one,
      dstType: one['dstType'] === 'ONE_TIME_ADDRESS' ? 'ONE_TIME' : one['dstType'],
    }))(payload),
    destType: payload['destType'] === 'ONE_TIME_ADDRESS' ? 'ONE_TIME' : 'VAULT_ACCOUNT',
  }),
  'ids null': (payload) =>
    payload['destType'] === 'VAULT'
      ? payload
      : { ...each((one) => ({ ...one, dstId: null }))(payload), destId: null },
  'no list': without('destinations'),
  'empty list': (payload) => ({ ...payload, destinations: [] }),
  'net amounts': (payload) => ({
    ...each((one) => ({ ...one, amountNative: 0.499, amountNativeStr: '0.499' }))(payload),
    amount: 0.499,
    amountStr: '0.499',
  }),
  'padded amounts': (payload) => ({
    ...payload,
    amountStr: `${String(payload['amountStr'])}0000000`,
    requestedAmountStr: '0.500000',
  }),
  'another note': (payload) => ({ ...payload, note: 'changed' }),
  'further parameters': (payload) => ({
    ...payload,
    extraParameters: { securityEnrichment: {}, nodeControls: { type: 'MEV' } },
  }),
  'another fee': (payload) =>
    payload['fee'] === undefined ? payload : { ...payload, fee: '0.002' },
  'no amount': without('amount', 'amountStr'),
  'other dollars': each((one) => ({ ...one, amountUSD: 1499.5 })),
  'no operation': without('operation'),
}

function lower(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}

function store(): Core {
  return createCore(openDatabase(':memory:'))
}

function requestOf(payload: Payload): { request: CallbackRequest; token: string } {
  const token = tokenOf(payload)
  const request = readStored('tx_sign_request', token, 'cosigner-a')?.request
  if (request === undefined) throw new Error('the payload is no request')
  return { request, token }
}

function entryOf(payload: Payload, parts: Partial<NewDecision> = {}): NewDecision {
  const { request, token } = requestOf(payload)
  const key = requestKey(request, 'cosigner-a')
  const base = entry({ key, evidence: { token, owner: 'tx-1' } })
  return { ...base, key, ...parts }
}

function record(core: Core, payload: Payload, parts: Partial<NewDecision> = {}): Receipt {
  return core.transaction(START, () => core.calls.record(entryOf(payload, parts)))
}

function recall(core: Core, payload: Payload) {
  const { key, evidence } = entryOf(payload)
  return core.calls.recall(key, evidence.token)
}

const variations = fc.subarray(Object.keys(VARIATIONS))
const bases = fc.constantFrom(transfer, between)

function varied(payload: Payload, names: readonly string[]): Payload {
  return names.reduce((before, name) => VARIATIONS[name]?.(before) ?? before, payload)
}

describe('approval, then signing', () => {
  it.each(Object.keys(VARIATIONS))('%s at either stage is no conflict', (name) => {
    for (const base of [transfer, between]) {
      for (const [early, late] of [
        [[name], []],
        [[], [name]],
        [[name], [name]],
      ] as const) {
        const core = store()
        expect(record(core, varied(base(), early)).decision).toEqual(APPROVE)
        const asked = varied(signing(base()), late)
        expect([name, recall(core, asked)]).toEqual([name, { kind: 'new' }])
        expect(record(core, asked)).toEqual(expect.objectContaining({ decision: APPROVE }))
      }
    }
  })

  it('with any of these together is never a conflict', () => {
    fc.assert(
      fc.property(bases, variations, variations, (base, early, late) => {
        const core = store()
        record(core, varied(base(), early))
        const receipt = record(core, varied(signing(base()), late))
        expect(receipt.decision).toEqual(APPROVE)
        // Net of one fee, then with another: worth a look.
        const isNet = [...early, ...late].includes('net amounts')
        expect(isNet ? undefined : receipt.differs).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  it.each<[string, Change]>([
    ['asset', (payload) => ({ ...payload, asset: 'BTC' })],
    ['source', (payload) => ({ ...payload, sourceId: '1' })],
    [
      'destination',
      (payload) => ({
        ...each((one) => ({ ...one, dstAddress: ADDRESS, displayDstAddress: ADDRESS }))(payload),
        destAddress: ADDRESS,
      }),
    ],
    [
      'a further destination',
      (payload) => ({
        ...payload,
        destinations: [
          ...(payload.destinations ?? []),
          { amountNativeStr: '0', dstType: 'ONE_TIME_ADDRESS', dstAddress: ADDRESS },
        ],
      }),
    ],
    [
      'more than was requested',
      (payload) => ({
        ...payload,
        amount: 0.6,
        amountStr: '0.6',
        requestedAmount: 0.6,
        requestedAmountStr: '0.6',
        destinations: payload.destinations?.map((one) => ({
          ...one,
          amountNativeStr: '0.6',
          amountNative: 0.6,
        })),
      }),
    ],
    // "The difference is the fee" would otherwise be a way to move more.
    [
      'more by a stated fee',
      (payload) => ({
        ...each((one) => ({ ...one, amountNativeStr: '5.5', amountNative: 5.5 }))(payload),
        amount: 5.5,
        amountStr: '5.5',
        requestedAmount: 5.5,
        requestedAmountStr: '5.5',
        fee: '5',
      }),
    ],
  ])('with another %s is a conflict, and leaves the approval as it was', (_, change) => {
    const core = store()
    record(core, transfer())
    const altered = change(signing(transfer()))
    expect(recall(core, altered)).toMatchObject({ kind: 'conflict', seq: 1 })
    expect(record(core, altered).decision).toMatchObject({ action: 'REJECT', rule: 'conflict' })
    expect(recall(core, transfer())).toMatchObject({ kind: 'decided', decision: APPROVE })
    expect(recall(core, signing(transfer()))).toEqual({ kind: 'new' })
  })

  it.each<[string, Payload, Payload]>([
    [
      'amount',
      transfer(),
      signing(
        transfer({
          amount: 0.3,
          amountStr: '0.3',
          destinations: transfer().destinations?.map((one) => ({
            ...one,
            amountNative: 0.3,
            amountNativeStr: '0.3',
          })),
        }),
      ),
    ],
    ['operation', transfer(), signing(transfer({ operation: 'CONTRACT_CALL' }))],
    [
      'content',
      transfer({ operation: 'CONTRACT_CALL', extraParameters: { contractCallData: '0xa9059cbb' } }),
      signing(
        transfer({
          operation: 'CONTRACT_CALL',
          extraParameters: { contractCallData: '0x095ea7b3' },
        }),
      ),
    ],
    [
      'destination',
      transfer({
        destinations: [
          ...(transfer().destinations ?? []),
          {
            amountNativeStr: '0',
            amountNative: 0,
            dstType: 'ONE_TIME_ADDRESS',
            dstAddress: ADDRESS,
          },
        ],
      }),
      signing(transfer()),
    ],
  ])('with another %s is decided afresh, and noted once', (difference, early, late) => {
    const core = store()
    record(core, early)
    expect(recall(core, late)).toEqual({ kind: 'new' })
    expect(record(core, late, { decision: RETRY }).differs).toEqual([difference])
    expect(record(core, late).differs).toBeUndefined()
  })

  it('spells hex in any way', () => {
    const call = (contractCallData: string) =>
      transfer({ operation: 'CONTRACT_CALL', extraParameters: { contractCallData } })
    const core = store()
    record(core, call('0xA9059CBB'))
    expect(record(core, signing(call('a9059cbb'))).differs).toBeUndefined()
  })

  it('a refusal at the approval stage stands for what is signed', () => {
    const core = store()
    record(core, transfer(), { decision: REJECT })
    expect(recall(core, signing(varied(transfer(), ['address in lower case'])))).toMatchObject({
      kind: 'rejected-sibling',
      decision: REJECT,
    })
  })
})

describe('one stage asked again', () => {
  it('in another spelling is decided afresh', () => {
    const core = store()
    record(core, transfer())
    const again = varied(transfer(), ['address in lower case', 'padded amounts'])
    expect(recall(core, again)).toEqual({ kind: 'new' })
  })

  it('with another fee, and a net amount that follows it, is decided afresh', () => {
    const core = store()
    const net = (amount: string, fee: string) =>
      signing({ ...transfer({ amountStr: amount, amount: Number(amount) }), destinations: [], fee })
    record(core, { ...net('0.499', '0.001'), fee: '0.001' })
    expect(recall(core, { ...net('0.498', '0.002'), fee: '0.002' })).toEqual({ kind: 'new' })
  })

  it.each<[string, Payload]>([
    ['another amount', transfer({ amount: 0.3, amountStr: '0.3', destinations: [] })],
    ['another operation', transfer({ operation: 'CONTRACT_CALL' })],
    ['another destination', transfer({ destAddress: ADDRESS, destinations: [] })],
  ])('with %s is a conflict', (_, again) => {
    const core = store()
    record(core, transfer({ destinations: [] }))
    expect(recall(core, again)).toMatchObject({ kind: 'conflict' })
  })
})

describe('many destinations', () => {
  const many = (count: number) =>
    transfer({
      destinations: Array.from({ length: count }, (_, n) => ({
        amountNativeStr: '0.001',
        dstType: 'ONE_TIME_ADDRESS',
        dstAddress: `0x${(n + 1).toString(16).padStart(40, '0')}`,
      })),
    })

  it('in another order are the same', () => {
    const core = store()
    record(core, many(60))
    const reversed = { ...many(60), destinations: many(60).destinations?.toReversed() }
    expect(record(core, signing(reversed)).differs).toBeUndefined()
  })

  it('do not take long to compare, however they are chosen', () => {
    const [early, late] = [
      many(5_000),
      { ...many(5_000), destinations: many(5_000).destinations?.toReversed() },
    ]
    const startedMs = performance.now()
    compareCores(requestOf(early).request, requestOf(late).request, false)
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  })
})

describe('records of another version', () => {
  /** Rewrites the only record's body and hashes it again, as whoever can write the database may. */
  function rewrite(db: Database, from: RegExp, to: string): void {
    const { body, prev } = db
      .prepare<[], { body: string; prev: string }>('SELECT body, prev FROM chain WHERE seq = 1')
      .get() ?? { body: '', prev: '' }
    const altered = body.replace(from, to)
    expect(altered).not.toBe(body)
    db.prepare<[string, string]>('UPDATE chain SET body = ?, hash = ? WHERE seq = 1').run(
      altered,
      recordHash(1, prev, altered),
    )
  }
  const shown = each((one) => ({ ...one, displayDstAddress: CHECKSUMMED }))(transfer())

  const verified = (payload: Payload) => ({
    ...createPlainVerifier()(Buffer.from(JSON.stringify(payload)), new Date(START)),
    cosigner: 'cosigner-a',
  })

  /** What version 0.1.0 wrote of a request that shows an address but no fee. */
  function writtenBefore(): { db: Database; core: Core } {
    const db = openDatabase(':memory:')
    const { token } = requestOf(shown)
    const { requestId, ...identity } = identityOf(
      { endpoint: 'tx_sign_request', rule: 'r' },
      verified(shown),
    )
    expect(identity.stage).toBe('signing')
    const key = { ...entryOf(shown).key, ...identity, requestId }
    const core = createCore(db)
    const one = entry({ key, evidence: { token } })
    core.transaction(START, () => core.calls.record({ ...one, key }))
    rewrite(db, /"identity":2,/, '')
    return { db, core }
  }
  it('are found again by what their token says now', () => {
    const { core } = writtenBefore()
    expect(recall(core, shown)).toMatchObject({ kind: 'decided', decision: APPROVE })
    expect(recall(core, signing(transfer()))).toEqual({ kind: 'new' })
  })

  it('have the identity of their own version', () => {
    const asked = { endpoint: 'tx_sign_request', rule: 'r' } as const
    const before = identityOf(asked, verified(shown))
    const now = identityOf({ ...asked, identity: 2 }, verified(shown))
    expect([before.stage, now.stage]).toEqual(['signing', 'approval'])
    expect(now).toMatchObject({ digest: entryOf(shown).key.digest })
    // What does not show its address alone is the same in both.
    const plain = verified(signing(transfer()))
    expect(identityOf(asked, plain)).toEqual(identityOf({ ...asked, identity: 2 }, plain))
  })
})

describe('what people saw of a transaction', () => {
  const read = (payload: Payload) => {
    const request = readStored('tx_sign_request', tokenOf(payload), 'cosigner-a')?.request
    if (request?.endpoint !== 'tx_sign_request') throw new Error('the payload is no request')
    return request
  }
  const sees = (seen: Payload, now: Payload) => isWhatWasSeen(read(seen), read(now))
  const vault = (n: number, parts: object = {}) => ({
    dstType: 'VAULT',
    dstId: String(n),
    amountNativeStr: '0.5',
    ...parts,
  })
  const many = (...destinations: Record<string, unknown>[]) =>
    transfer({ destType: 'MULTI_DESTINATION', destAddress: '', destinations })
  const content = (extraParameters: object) => transfer({ extraParameters })
  const messages = (...list: object[]) => content({ rawMessageData: { messages: list } })
  const message = { content: 'aa', type: 'EIP191' }

  it.each<[string, Payload, Payload]>([
    ['itself', transfer(), transfer()],
    ['no destinations beside the top level', transfer({ destinations: undefined }), transfer()],
    [
      'an address of its account',
      between(),
      each((one) => ({ ...one, displayDstAddress: ADDRESS }))(between()),
    ],
    ['several in another order', many(vault(1), vault(2)), many(vault(2), vault(1))],
    [
      'the same content',
      content({ contractCallData: '0xAB' }),
      content({ contractCallData: 'ab' }),
    ],
    ['less content', messages(message), content({})],
    ['the same messages', messages(message), messages({ ...message, content: '0xAA' })],
  ])('is %s', (_, seen, now) => {
    expect(sees(seen, now)).toBe(true)
  })

  it.each<[string, Payload, Payload]>([
    ['nothing', transfer({ destType: '', destAddress: '', destinations: [] }), transfer()],
    ['an account of another id', between(), between({ destId: '8', destinations: [vault(8)] })],
    ['one of two', many(vault(1)), many(vault(1), vault(2))],
    ['one more', many(vault(1), vault(2)), many(vault(1))],
    [
      'several without their amounts',
      many(vault(1, { amountNativeStr: undefined }), vault(2)),
      many(vault(1), vault(2)),
    ],
    [
      'more than 200',
      many(...Array.from({ length: 201 }, (__, n) => vault(n))),
      many(...Array.from({ length: 201 }, (__, n) => vault(n))),
    ],
    ['no content', content({}), content({ contractCallData: '0xab' })],
    ['other content', content({ contractCallData: '0xab' }), content({ contractCallData: '0xac' })],
    ['a message less', messages(message), messages(message, message)],
    ['less of a message', messages({ content: 'aa' }), messages(message)],
    ['no amount', without('amount', 'amountStr')(transfer()), transfer()],
    ['no source', without('sourceId')(transfer()), transfer()],
    ['an unreadable asset', transfer({ asset: 7 }), transfer()],
    ['another amount', transfer(), transfer({ amountStr: '0.4' })],
  ])('is not %s', (_, seen, now) => {
    expect(sees(seen, now)).toBe(false)
  })
})
