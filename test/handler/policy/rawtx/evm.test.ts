import { describe, expect, it } from '@jest/globals'
import { keccak_256 } from '@noble/hashes/sha3.js'
import * as fc from 'fast-check'
import { RLP } from 'micro-eth-signer/core/rlp.js'
import { Transaction } from 'micro-eth-signer'
import { BUILT_IN_ASSETS, mergeAssets } from '../../../../handler/policy/chains/assets.ts'
import { checksummed, parseEvmAddress } from '../../../../handler/policy/chains/evm-address.ts'
import { decodeEvmTransaction } from '../../../../handler/policy/rawtx/evm-transaction.ts'
import type { RawTxVerdict } from '../../../../handler/policy/rawtx/verdict.ts'
import type { OwnAddress } from '../../../../handler/policy/rawtx/own-address.ts'
import type { RawTxOptions } from '../../../../handler/policy/rawtx/verify.ts'
import { verifyRawTx } from '../../../../handler/policy/rawtx/verify.ts'
import type { ReadableEntry, ReadableTx } from '../../../../handler/policy/rawtx/readable.ts'
import { fromBaseUnits } from '../../../../handler/protocol/decimal.ts'
import { decimal, destination, txRequest } from '../../../fixtures/tx-request.ts'

const ALICE = '0x5dc69b1fbb13bafd09af88a782f0f285772ad5f8'
const BOB = '0xdf90dea0e0bf5ca6d2a7f0cb86874ba6714f463e'
const USDC = '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48'

interface Fields {
  type?: 'legacy' | 'eip2930' | 'eip1559'
  chainId?: bigint
  nonce?: bigint
  to?: string
  value?: bigint
  data?: string
  gasLimit?: bigint
  price?: bigint
}

/** 21000 gas at 10 wei: a fee of 210000 wei. */
function transaction(fields: Fields = {}): string {
  const { type = 'eip1559', price = 10n } = fields
  const common = {
    to: fields.to ?? ALICE,
    value: fields.value ?? 1000n,
    nonce: fields.nonce ?? 0n,
    data: fields.data ?? '',
    gasLimit: fields.gasLimit ?? 21_000n,
    chainId: fields.chainId ?? 1n,
  }
  const accessList = [{ address: BOB, storageKeys: [`0x${'11'.repeat(32)}`] }]
  const made =
    type === 'legacy'
      ? Transaction.prepare({ type, ...common, gasPrice: price }, false)
      : type === 'eip2930'
        ? Transaction.prepare({ type, ...common, gasPrice: price, accessList }, false)
        : Transaction.prepare(
            { type, ...common, maxFeePerGas: price, maxPriorityFeePerGas: 1n, accessList: [] },
            false,
          )
  return made.toHex({ includeSignature: false }).slice(2)
}

function entry(rawTx: string, keyDerivationPath = '[ 44, 60, 0, 0, 0 ]'): ReadableEntry {
  return { rawTx, keyDerivationPath, payload: hex(keccak_256(Buffer.from(rawTx, 'hex'))) }
}

/** A transfer of 1000 wei to Alice. */
function request(rawTx: string | readonly string[], fields: Partial<ReadableTx> = {}) {
  return txRequest({
    asset: 'ETH',
    amount: fromBaseUnits(1000n, 18),
    requestedAmount: fromBaseUnits(1000n, 18),
    fee: fromBaseUnits(210_000n, 18),
    destAddress: ALICE,
    rawTx: [rawTx].flat().map((each) => entry(each)),
    ...fields,
  })
}

const verify = (value: ReadableTx): RawTxVerdict => verifyRawTx(value, BUILT_IN_ASSETS)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const word = (value: bigint | string) =>
  (typeof value === 'string' ? value.slice(2) : value.toString(16)).padStart(64, '0')

const withPath = (path: string | null | undefined, fields: Partial<ReadableTx> = {}) =>
  verify(request('', { rawTx: [{ ...entry(transaction()), keyDerivationPath: path }], ...fields }))

const list = (...items: unknown[]) => hex(RLP.encode(items as never))

const asked = (contractCallData: string): Partial<ReadableTx> => ({
  operation: 'CONTRACT_CALL',
  extraParameters: { contractCallData },
})

describe('native transfers', () => {
  it.each(['legacy', 'eip2930', 'eip1559'] as const)('%s: verified', (type) => {
    expect(verify(request(transaction({ type })))).toEqual({ status: 'verified', facts: {} })
  })

  it('agree with an independent library for any fields', () => {
    const integer = fc.bigInt({ min: 0n, max: 1n << 63n })
    fc.assert(
      fc.property(
        fc.record({
          type: fc.constantFrom('legacy', 'eip2930', 'eip1559'),
          value: integer,
          nonce: integer,
          gasLimit: fc.bigInt({ min: 1n, max: 1n << 40n }),
          price: fc.bigInt({ min: 1n, max: 1n << 80n }),
          to: fc.uint8Array({ minLength: 20, maxLength: 20 }),
        }),
        (random) => {
          const to = `0x${hex(random.to)}`
          const rawTx = transaction({ ...random, to })
          const amount = fromBaseUnits(random.value, 18)
          const fee = fromBaseUnits(random.gasLimit * random.price, 18)
          const fields = { amount, requestedAmount: amount, fee, destAddress: to }
          expect(verify(request(rawTx, fields))).toEqual({ status: 'verified', facts: {} })
          expect(decodeEvmTransaction(Buffer.from(rawTx, 'hex'))).toMatchObject({
            to,
            value: random.value,
            nonce: random.nonce,
            gasLimit: random.gasLimit,
            gasPrice: random.price,
            chainId: 1n,
          })
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each<[string, Fields, Partial<ReadableTx>, string]>([
    ['another recipient', { to: BOB }, {}, 'rawTx[0].to'],
    ['another value', { value: 1001n }, {}, 'rawTx[0].amount'],
    ['another chain', { chainId: 137n }, {}, 'rawTx[0].chainId'],
    ['data', { data: '0xa9059cbb' }, {}, 'rawTx[0].data'],
    ['a stated fraction of a wei', {}, { amount: decimal('0.0000000000000000001') }, 'amount'],
  ])('%s: mismatch of the field', (_, fields, overrides, field) => {
    expect(verify(request(transaction(fields), overrides))).toMatchObject({
      status: 'mismatch',
      field,
    })
  })

  const much = decimal('0.000000000000000007')
  // What the request states in two ways is nothing to compare bytes with; bytes that fit neither say something else.
  it.each<[string, Partial<ReadableTx>, bigint, string]>([
    ['another requested amount', { requestedAmount: decimal('2') }, 1000n, ALICE],
    [
      'an address with a wrong checksum',
      { destAddress: wrongCase(ALICE), destinations: [destination({ dstAddress: ALICE })] },
      1000n,
      ALICE,
    ],
    [
      'two addresses, one paid',
      { destinations: [destination({ displayDstAddress: BOB })] },
      1000n,
      ALICE,
    ],
    [
      'two addresses, the other paid',
      { destinations: [destination({ displayDstAddress: BOB })] },
      1000n,
      BOB,
    ],
    [
      'two amounts, one paid',
      { destinations: [destination({ amountNative: much })] },
      1000n,
      ALICE,
    ],
    [
      'two amounts, the other paid',
      { destinations: [destination({ amountNative: much })] },
      7n,
      ALICE,
    ],
  ])('%s: unverifiable', (_, overrides, value, to) => {
    const pays = (units: bigint, target: string) =>
      verify(request(transaction({ value: units, to: target }), overrides))
    expect(pays(value, to)).toMatchObject({ status: 'unverifiable' })
    expect(pays(1_000_000n, to)).toMatchObject({ status: 'mismatch' })
    expect(pays(value, USDC)).toMatchObject({ status: 'mismatch' })
  })

  it('nobody but unreadable addresses: unverifiable, whoever is paid', () => {
    const nowhere = { destAddress: wrongCase(ALICE), destinations: undefined }
    for (const to of [ALICE, BOB]) {
      expect(verify(request(transaction({ to }), nowhere))).toMatchObject({
        status: 'unverifiable',
        reason: '`destAddress` is not a valid address of the chain',
      })
    }
  })

  it('more than amount and destination state, although it was requested: mismatch', () => {
    const requested = { requestedAmount: decimal('0.000000000000002') }
    expect(verify(request(transaction({ value: 2000n }), requested))).toMatchObject({
      status: 'mismatch',
    })
  })

  it.each<[string, Partial<ReadableTx>]>([
    ['no amount', { amount: null }],
    ['no fee', { fee: undefined }],
    ['a fee of fractions of a wei', { fee: decimal('0.0000000000000000001') }],
    ['an operation that is not decoded', { operation: 'MINT' }],
    ['an allowance of the native coin', { operation: 'APPROVE' }],
    ['an unknown asset', { asset: 'NOPE' }],
    ['no asset', { asset: undefined }],
    ['a source that is not a vault', { sourceType: 'UNKNOWN' }],
    ['no source type', { sourceType: null }],
  ])('%s: unverifiable', (_, overrides) => {
    expect(verify(request(transaction(), overrides))).toMatchObject({ status: 'unverifiable' })
  })

  it('gas that may cost more than the fee: the fee is unproven, and what it may cost is a fact', () => {
    expect(verify(request(transaction({ price: 11n })))).toEqual({
      status: 'unproven',
      unproven: ['fee'],
      facts: { feeBound: fromBaseUnits(231_000n, 18) },
    })
  })

  it('no address: the bytes say who is paid, which nothing else does', () => {
    expect(verify(request(transaction(), { destAddress: '' }))).toEqual({
      status: 'unproven',
      unproven: ['recipient'],
      facts: { recipient: { index: 0, address: ALICE } },
    })
    const other = request(transaction({ value: 1n }), { destAddress: null })
    expect(verify(other)).toMatchObject({ status: 'mismatch', field: 'rawTx[0].amount' })
  })

  it('no requested amount: the amount decides', () => {
    const value = request(transaction(), { requestedAmount: undefined })
    expect(verify(value)).toMatchObject({ status: 'verified' })
  })

  it('no raw transaction: absent', () => {
    for (const rawTx of [undefined, null, []]) {
      expect(verify(request('', { rawTx }))).toEqual({ status: 'absent' })
    }
  })

  it('a legacy transaction without chain id is a mismatch: its signature is good on every chain', () => {
    const items = RLP.decode(Buffer.from(transaction({ type: 'legacy' }), 'hex'))
    const unsigned = hex(RLP.encode((items as Uint8Array[]).slice(0, 6)))
    expect(verify(request(unsigned))).toMatchObject({
      status: 'mismatch',
      field: 'rawTx[0].chainId',
      expected: '1',
      found: 'none',
    })
  })

  it('a contract creation is a mismatch', () => {
    const items = [[1], [], [1], [10], [0x52, 0x08], [], [3], [], []].map((each) =>
      Uint8Array.from(each),
    )
    const rawTx = `02${hex(RLP.encode([...items.slice(0, 8), []] as never))}`
    expect(verify(request(rawTx))).toMatchObject({
      field: 'rawTx[0].to',
      found: 'a contract creation',
    })
  })

  it('empty bytes hold no transaction', () => {
    expect(decodeEvmTransaction(new Uint8Array())).toBe('transaction type 0 is not known')
  })

  it('a payload that is not the hash of the bytes is a mismatch, whatever else is wrong', () => {
    const rawTx = [{ ...entry('00'), payload: '0'.repeat(64) }]
    expect(verify(request('', { rawTx }))).toMatchObject({ field: 'rawTx[0].payload' })
  })
})

describe('gross transactions', () => {
  const gross = { value: 790_000n }
  const requested = fromBaseUnits(1_000_000n, 18)

  it.each([
    ['the requested amount', requested],
    ['the net amount', fromBaseUnits(790_000n, 18)],
  ])('amount is %s, value is what the fee leaves: verified, and said so', (_, amount) => {
    const value = request(transaction(gross), { amount, requestedAmount: requested })
    expect(verify(value)).toEqual({ status: 'verified', facts: { gross: true } })
  })

  it('any other remainder is a mismatch', () => {
    const value = request(transaction({ value: 790_001n }), {
      amount: requested,
      requestedAmount: requested,
    })
    expect(verify(value)).toMatchObject({ status: 'mismatch', field: 'rawTx[0].amount' })
  })

  it('is not offered when the fee is the whole amount or nothing', () => {
    for (const fee of [1_000_000n, 0n]) {
      const value = request(transaction({ type: 'legacy', value: 0n, price: 0n }), {
        amount: requested,
        requestedAmount: requested,
        fee: fromBaseUnits(fee, 18),
      })
      expect(verify(value)).toMatchObject({ status: 'mismatch' })
    }
  })
})

describe('tokens', () => {
  const token: Partial<ReadableTx> = {
    asset: 'USDC',
    amount: decimal('2.5'),
    requestedAmount: decimal('2.5'),
  }
  const transfer = `0xa9059cbb${word(ALICE)}${word(2_500_000n)}`
  const call = (data: string, fields: Fields = {}) =>
    transaction({ to: USDC, value: 0n, data, ...fields })
  const facts = { selectors: ['0xa9059cbb'] }

  it('transfer: verified, with its selector', () => {
    expect(verify(request(call(transfer), token))).toEqual({ status: 'verified', facts })
  })

  it('approve of the amount to the destination: verified for operation APPROVE only', () => {
    const data = `0x095ea7b3${word(ALICE)}${word(2_500_000n)}`
    expect(verify(request(call(data), { ...token, operation: 'APPROVE' }))).toMatchObject({
      status: 'verified',
      facts: { selectors: ['0x095ea7b3'] },
    })
    expect(verify(request(call(data), token))).toMatchObject({
      status: 'mismatch',
      field: 'rawTx[0].data',
      expected: 'transfer',
      found: 'approve',
    })
    expect(verify(request(call(transfer), { ...token, operation: 'APPROVE' }))).toMatchObject({
      status: 'mismatch',
    })
  })

  it('transferFrom: unverifiable, the owner is not in the request; its selector is exposed', () => {
    const data = `0x23b872dd${word(BOB)}${word(ALICE)}${word(2_500_000n)}`
    expect(verify(request(call(data), token))).toMatchObject({
      status: 'unverifiable',
      facts: { selectors: ['0x23b872dd'] },
    })
    expect(verify(request(call(data), { ...token, operation: 'APPROVE' }))).toMatchObject({
      status: 'mismatch',
    })
  })

  it.each([
    ['an unknown method', '0xdeadbeef'],
    ['a cut argument', transfer.slice(0, -2)],
    ['a byte too many', `${transfer}00`],
    ['an address with dirty padding', transfer.replace('0xa9059cbb00', '0xa9059cbb01')],
    ['three bytes', '0xa9059c'],
  ])('%s: unverifiable', (_, data) => {
    expect(verify(request(call(data), token))).toMatchObject({ status: 'unverifiable' })
  })

  it.each<[string, string, Fields, string]>([
    ['another token', transfer, { to: BOB }, 'rawTx[0].to'],
    ['ether beside the token', transfer, { value: 1n }, 'rawTx[0].value'],
    ['another recipient', transfer.replace(ALICE.slice(2), BOB.slice(2)), {}, 'rawTx[0].to'],
    ['another amount', `0xa9059cbb${word(ALICE)}${word(2_500_001n)}`, {}, 'rawTx[0].amount'],
  ])('%s: mismatch', (_, data, fields, field) => {
    expect(verify(request(call(data, fields), token))).toMatchObject({ status: 'mismatch', field })
  })
})

describe('contract calls', () => {
  const data = '0xdeadbeef00ff'

  it.each([data, data.slice(2), data.toUpperCase().replace('0X', '0x')])(
    'data equal to `%s`: verified',
    (text) => {
      expect(verify(request(transaction({ data }), asked(text)))).toEqual({
        status: 'verified',
        facts: { selectors: ['0xdeadbeef'] },
      })
    },
  )

  it('other data, recipient or value: mismatch', () => {
    expect(verify(request(transaction({ data }), asked('0xdeadbeef00fe')))).toMatchObject({
      field: 'rawTx[0].data',
    })
    expect(verify(request(transaction({ data, to: BOB }), asked(data)))).toMatchObject({
      field: 'rawTx[0].to',
    })
    expect(verify(request(transaction({ data, value: 0n }), asked(data)))).toMatchObject({
      field: 'rawTx[0].amount',
    })
  })

  it('without expected data, or in a token: unverifiable', () => {
    const value = { operation: 'CONTRACT_CALL' }
    expect(verify(request(transaction({ data }), value))).toMatchObject({
      status: 'unverifiable',
      facts: { selectors: ['0xdeadbeef'] },
    })
    expect(verify(request(transaction({ data }), { ...asked(data), asset: 'DAI' }))).toMatchObject({
      status: 'unverifiable',
    })
  })
})

describe('several entries', () => {
  const two = (first: Fields, second: Fields) => [
    transaction({ nonce: 1n, ...first }),
    transaction({ nonce: 2n, ...second }),
  ]
  const both: Partial<ReadableTx> = {
    amount: fromBaseUnits(3000n, 18),
    requestedAmount: fromBaseUnits(3000n, 18),
    fee: fromBaseUnits(420_000n, 18),
    destAddress: '',
    destinations: [
      destination({ displayDstAddress: ALICE, amountNative: fromBaseUnits(1000n, 18) }),
      destination({ dstAddress: BOB, amountNative: fromBaseUnits(2000n, 18) }),
    ],
  }

  it('one per destination, in any order: verified', () => {
    const raw = two({ to: BOB, value: 2000n }, {})
    expect(verify(request(raw, both))).toEqual({ status: 'verified', facts: {} })
    expect(verify(request(raw, { ...both, destAddress: ALICE }))).toMatchObject({
      status: 'verified',
    })
  })

  it.each<[string, readonly string[], Partial<ReadableTx>]>([
    ['one destination paid twice', two({}, {}), both],
    ['amounts exchanged', two({ value: 2000n }, { to: BOB }), both],
    ['one entry for two destinations', [transaction()], both],
    ['two entries for one destination', two({}, {}), {}],
    ['a nonce twice', two({ nonce: 2n }, { to: BOB, value: 2000n }), both],
    [
      'a fraction of a wei',
      two({}, {}),
      {
        ...both,
        destinations: [
          destination({ dstAddress: BOB, amountNative: decimal('0.0000000000000000001') }),
          destination({}),
        ],
      },
    ],
  ])('%s: mismatch', (_, raw, overrides) => {
    expect(verify(request(raw, overrides))).toMatchObject({ status: 'mismatch' })
  })

  it.each<[string, Partial<ReadableTx>]>([
    ['a sum that is not the amount', { amount: decimal('1') }],
    ['a requested amount that is not the sum', { requestedAmount: decimal('1') }],
    ['a top-level address of nobody', { destAddress: USDC }],
  ])('%s: unverifiable, unless others are paid', (_, overrides) => {
    const pays = (value: bigint, to: string) =>
      verify(request(two({}, { to, value }), { ...both, ...overrides }))
    expect(pays(2000n, BOB)).toMatchObject({ status: 'unverifiable' })
    expect(pays(2001n, BOB)).toMatchObject({ status: 'mismatch' })
    expect(pays(2000n, USDC)).toMatchObject({ status: 'mismatch' })
  })

  it('two addresses of one of them: unverifiable with either, mismatch with another', () => {
    const destinations = (both.destinations ?? []).map((each, index) =>
      index === 0 ? { ...each, dstAddress: USDC } : each,
    )
    const pays = (to: string) =>
      verify(request(two({ to }, { to: BOB, value: 2000n }), { ...both, destinations }))
    expect([ALICE, USDC, BOB].map((to) => pays(to).status)).toEqual([
      'unverifiable',
      'unverifiable',
      'mismatch',
    ])
  })

  it('an invalid address: unverifiable', () => {
    const destinations = [destination({ displayDstAddress: 'x' }), destination({})]
    expect(verify(request(two({}, {}), { ...both, destinations }))).toMatchObject({
      status: 'unverifiable',
    })
  })

  it('a fee that covers one only: what gas may cost is not what the fee says', () => {
    const raw = two({}, { to: BOB, value: 2000n })
    expect(verify(request(raw, { ...both, fee: fromBaseUnits(419_999n, 18) }))).toEqual({
      status: 'unproven',
      unproven: ['fee'],
      facts: { feeBound: fromBaseUnits(420_000n, 18) },
    })
  })

  it('destinations without amount, or several without address: unverifiable', () => {
    const raw = two({}, { to: BOB, value: 2000n })
    for (const missing of [
      destination({ dstAddress: BOB }),
      destination({ amountNative: fromBaseUnits(1500n, 18) }),
    ]) {
      const value = request(raw, { ...both, destinations: [missing, missing] })
      expect(verify(value)).toMatchObject({ status: 'unverifiable' })
    }
  })

  it('without a requested amount: the amount is the sum', () => {
    const raw = two({}, { to: BOB, value: 2000n })
    expect(verify(request(raw, { ...both, requestedAmount: undefined }))).toMatchObject({
      status: 'verified',
    })
  })

  it('a mismatch in one outweighs an unverifiable other', () => {
    const raw = ['05', transaction({ chainId: 2n })]
    expect(verify(request(raw))).toMatchObject({ status: 'mismatch', field: 'rawTx[1].chainId' })
  })

  it('the selectors of all entries are facts, and that one could not be decoded', () => {
    const calls = two({ data: '0xdeadbeef' }, { data: '0xdeadbee0' })
    const operation = 'CONTRACT_CALL'
    expect(verify(request(calls, { operation }))).toMatchObject({
      facts: { selectors: ['0xdeadbeef', '0xdeadbee0'] },
    })
    const [call = ''] = calls
    expect(verify(request([call, '05'], { operation }))).toEqual({
      status: 'unverifiable',
      reason: '`rawTx[1]`: transaction type 5 is not known',
      facts: { selectors: ['0xdeadbeef'], undecoded: true },
    })
  })

  it('more than fit into any transaction: unverifiable', () => {
    const rawTx = Array.from({ length: 4097 }, () => entry('00'))
    expect(verify(request('', { rawTx }))).toMatchObject({ status: 'unverifiable' })
  })
})

describe('undecodable bytes', () => {
  const address = Buffer.from(ALICE.slice(2), 'hex')
  const eip1559 = (changes: Record<number, unknown>) => {
    const items = [[1], [], [1], [10], [0x52, 0x08], [...address], [3], []].map((each) =>
      Uint8Array.from(each),
    )
    return `02${list(...Object.assign([...items, []], changes))}`
  }

  it.each([
    ['blob transactions', '03c0'],
    ['set-code transactions', '04c0'],
    ['text', '19457468'],
    ['a string', '0283616263'],
    ['too few items', '02c0'],
    ['too few legacy items', 'c0'],
    ['a truncated legacy list', 'c1'],
    ['legacy with a signature', list('', '', '', '', '', '', [1], Uint8Array.of(1), '')],
    ['legacy with half a signature', list('', '', '', '', '', '', '', '', Uint8Array.of(1))],
    ['trailing bytes', `${eip1559({})}00`],
    ['a chain id with a leading zero', eip1559({ 0: Uint8Array.of(0, 1) })],
    ['a nonce with a leading zero', eip1559({ 1: Uint8Array.of(0) })],
    ['a priority fee that is a list', eip1559({ 2: [] })],
    ['a price of 33 bytes', eip1559({ 3: new Uint8Array(33).fill(1) })],
    ['a gas limit of 9 bytes', eip1559({ 4: new Uint8Array(9).fill(1) })],
    ['a recipient of 19 bytes', eip1559({ 5: address.subarray(1) })],
    ['a recipient that is a list', eip1559({ 5: [] })],
    ['a value of 33 bytes', eip1559({ 6: new Uint8Array(33).fill(1) })],
    ['data that is a list', eip1559({ 7: [] })],
    ['an access list that is a string', eip1559({ 8: Uint8Array.of(0x81) })],
    ['an access that is a string', eip1559({ 8: [Uint8Array.of(0x81)] })],
    ['an access of three', eip1559({ 8: [[address, [], []]] })],
    ['an access to a short address', eip1559({ 8: [[address.subarray(1), []]] })],
    ['an access to a list', eip1559({ 8: [[[], []]] })],
    ['an access with keys that are no list', eip1559({ 8: [[address, address]] })],
    ['an access with a short key', eip1559({ 8: [[address, [address]]] })],
    ['an access with a list as key', eip1559({ 8: [[address, [[]]]] })],
  ])('%s: unverifiable', (_, rawTx) => {
    expect(verify(request(rawTx))).toMatchObject({ status: 'unverifiable' })
  })

  it.each([undefined, null, '', 'xyz', '0x02', 'A0', '0', '00'.repeat(512 * 1024 + 1)])(
    'rawTx of another form: unverifiable',
    (rawTx) => {
      expect(verify(request('', { rawTx: [{ ...entry('00'), rawTx }] }))).toMatchObject({
        status: 'unverifiable',
      })
    },
  )

  it.each([undefined, null, '', 'ab', 'AB'.repeat(32)])('payload `%s`: unverifiable', (payload) => {
    expect(verify(request('', { rawTx: [{ ...entry('00'), payload }] }))).toMatchObject({
      status: 'unverifiable',
    })
  })
})

describe('destinations that are called vault accounts', () => {
  const isOwn: OwnAddress = (vault, asset, address) =>
    vault === '7' && asset === 'ETH' && address.toLowerCase() === ALICE
  const check = (overrides: Partial<ReadableTx>, options: RawTxOptions = { isOwn }) =>
    verifyRawTx(request(transaction(), overrides), BUILT_IN_ASSETS, options)
  const LABEL_ONLY = { status: 'unproven', unproven: ['vault-address'], facts: {} }
  const WHOLE = { status: 'verified', facts: {} }

  it.each<[string, Partial<ReadableTx>, object]>([
    ['the address of the account', { destType: 'VAULT', destId: '7' }, WHOLE],
    ['its longer name', { destType: 'VAULT_ACCOUNT', destId: '7' }, WHOLE],
    ['another account', { destType: 'VAULT', destId: '8' }, LABEL_ONLY],
    ['no account', { destType: 'VAULT' }, LABEL_ONLY],
    ['another type', { destType: 'UNMANAGED', destId: '7' }, WHOLE],
    [
      'a label in the entry alone',
      { destinations: [destination({ dstType: 'VAULT', dstId: '7' })] },
      WHOLE,
    ],
    [
      'two accounts',
      { destType: 'VAULT', destId: '7', destinations: [destination({ dstId: '8' })] },
      LABEL_ONLY,
    ],
  ])('%s', (_, overrides, verdict) => {
    expect(check(overrides)).toEqual(verdict)
  })

  it('nothing is known of any account without a list', () => {
    expect(check({ destType: 'VAULT', destId: '7' }, {})).toEqual(LABEL_ONLY)
  })

  it('an address that is left out is the one in the bytes', () => {
    const facts = { recipient: { index: 0, address: ALICE } }
    const named = { destType: 'VAULT', destAddress: undefined }
    expect(check({ ...named, destId: '7' })).toEqual({ status: 'verified', facts })
    expect(check({ ...named, destId: '8' })).toEqual({ ...LABEL_ONLY, facts })
  })

  it('one of several', () => {
    const destinations = [
      destination({ dstType: 'VAULT', dstId: '7', amountNative: fromBaseUnits(1000n, 18) }),
      destination({ dstAddress: BOB, amountNative: fromBaseUnits(2000n, 18) }),
    ]
    const amount = fromBaseUnits(3000n, 18)
    const fields = {
      amount,
      requestedAmount: amount,
      fee: fromBaseUnits(420_000n, 18),
      destAddress: '',
      destinations,
    }
    const raw = [transaction({ nonce: 1n, to: BOB, value: 2000n }), transaction({ nonce: 2n })]
    const facts = { recipient: { index: 0, address: ALICE } }
    const value = request(raw, fields)
    expect(verifyRawTx(value, BUILT_IN_ASSETS, { isOwn })).toEqual({ status: 'verified', facts })
    expect(verify(value)).toEqual({ ...LABEL_ONLY, facts })
    const wrong = request([raw[0] ?? '', transaction({ nonce: 2n, value: 1n })], fields)
    expect(verify(wrong)).toMatchObject({ status: 'mismatch' })
  })
})

describe('the signing key', () => {
  it.each(['[44,60,0,0,0]', '[44, 60, 0, 0, 0]', '[ 44, 60, 0, 0, 0 ]'])('%s: verified', (path) => {
    expect(withPath(path)).toMatchObject({ status: 'verified' })
  })

  it('another purpose: unverifiable, its numbers mean something else', () => {
    for (const path of ['[45,60,0,0,0]', '[84,60,1,0,0]']) {
      expect(withPath(path)).toMatchObject({ status: 'unverifiable' })
    }
  })

  it('another account or coin: mismatch', () => {
    for (const path of ['[44,60,1,0,0]', '[44,0,0,0,0]']) {
      expect(withPath(path)).toMatchObject({ status: 'mismatch' })
    }
    expect(withPath('[44,60,7,0,0]', { sourceId: '07' })).toMatchObject({ status: 'mismatch' })
    expect(withPath('[44,60,7,0,0]', { sourceId: undefined })).toMatchObject({ status: 'mismatch' })
  })

  it('the account under the longer name of the source type: verified', () => {
    expect(withPath('[44,60,0,0,0]', { sourceType: 'VAULT_ACCOUNT' })).toMatchObject({
      status: 'verified',
    })
  })

  it('another key of the account: unverifiable, account-based chains have one', () => {
    for (const path of ['[44,60,0,1,0]', '[44,60,0,0,1]']) {
      expect(withPath(path)).toMatchObject({ status: 'unverifiable' })
    }
  })

  it.each([
    undefined,
    null,
    '',
    '[44,60,0,0]',
    '[44,60,00,0,0]',
    "[44',60,0,0,0]",
    '[44, 60, 0, 0, 0,]',
  ])('path `%s`: unverifiable', (path) => {
    expect(withPath(path)).toMatchObject({ status: 'unverifiable' })
  })

  it('the coin type is not checked where the table names none', () => {
    const assets = mergeAssets({ X: { family: 'evm', chainId: 1, decimals: 18 } })
    const value = request(transaction(), {
      asset: 'X',
      rawTx: [entry(transaction(), '[44,9,0,0,0]')],
    })
    expect(verifyRawTx(value, assets)).toMatchObject({ status: 'verified' })
  })
})

describe('addresses', () => {
  it.each([
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
    '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  ])('%s (EIP-55): accepted, and no other mixture of case', (address) => {
    expect(parseEvmAddress(address)).toBe(address.toLowerCase())
    expect(checksummed(address.toLowerCase())).toBe(address)
    expect(parseEvmAddress(wrongCase(address))).toBeUndefined()
  })

  it('one case throughout carries no checksum', () => {
    expect(parseEvmAddress(ALICE)).toBe(ALICE)
    expect(parseEvmAddress(ALICE.toUpperCase().replace('0X', '0x'))).toBe(ALICE)
  })

  it.each(['', '0x', ALICE.slice(2), `${ALICE}00`, `${ALICE.slice(0, -1)}g`])(
    '%s: refused',
    (text) => {
      expect(parseEvmAddress(text)).toBeUndefined()
    },
  )
})

/** The checksummed spelling with the case of its first letter changed. */
function wrongCase(address: string): string {
  return checksummed(address.toLowerCase()).replace(/(?<=^0x[0-9]*)[a-zA-Z]/, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )
}
