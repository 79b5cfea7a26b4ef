import { describe, expect, it } from '@jest/globals'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import type { Facts } from '../../../handler/policy/facts.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { JsonNumber } from '../../../handler/protocol/json-value.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { policyOf } from './policy.ts'
import { ADDRESS, configRequest, destination, FACTS, OTHER_ADDRESS, txRequest } from './requests.ts'

const BECH32 = 'bc1qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99'
const BASE58 = '1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYdC'

const LISTS = `
lists:
  payees: { kind: addresses, values: ["${ADDRESS}"] }
  others: { kind: addresses, values: ["${OTHER_ADDRESS}"] }
  hot: { kind: vaults, values: ["0", "1"] }
  ops: { kind: people, values: [signer-1] }
  coins: { kind: assets, values: [ETH, BTC] }
`

/** Whether a rule with this condition matches: it refuses, so that nothing but the condition decides. */
function matches(when: string, request: CallbackRequest, facts: Partial<Facts> = {}): boolean {
  const policy = policyOf(`${LISTS}
default: RETRY
rules:
  - { id: r, when: ${when}, then: REJECT }
`)
  return evaluate(policy, request, { ...FACTS, ...facts }).decision.rule === 'r'
}

const amount = parseDecimal
const noDestinations = { destinations: undefined, destType: undefined, destId: undefined }
const nowhere = { ...noDestinations, destAddress: undefined, destAddressType: undefined }
const to = (...changes: Parameters<typeof destination>[0][]) => ({
  destinations: changes.map((change) => destination(change)),
})

describe('conditions on a transaction', () => {
  it.each<[string, boolean, string, Parameters<typeof txRequest>[0]]>([
    ['endpoint', true, '{ endpoint: tx_sign_request }', {}],
    ['the other endpoint', false, '{ endpoint: config_change_sign_request }', {}],
    ['both endpoints', true, '{ endpoint: [tx_sign_request, config_change_sign_request] }', {}],
    ['nothing at all', true, '{}', {}],
    ['stage', true, '{ stage: signing }', {}],
    ['the other stage', false, '{ stage: approval }', {}],
    ['one of several operations', true, '{ operation: [MINT, TRANSFER] }', {}],
    ['an operation in another case', false, '{ operation: transfer }', {}],
    ['an asset that is absent', false, '{ asset: ETH }', { asset: undefined }],
    ['an asset that is null', false, '{ asset: ETH }', { asset: null }],
    ['an asset that is empty', false, '{ asset: ETH }', { asset: '' }],
    ['an asset in a list', true, '{ asset: { list: coins } }', {}],
    ['an asset in no list', false, '{ asset: { list: coins } }', { asset: 'SOL' }],
    ['a source', true, '{ source: { type: VAULT, id: "0" } }', {}],
    ['a source by its longer name', true, '{ source: { type: VAULT_ACCOUNT } }', {}],
    ['another source', false, '{ source: { id: "00" } }', {}],
    ['a source type that is null', false, '{ source: { type: VAULT } }', { sourceType: null }],
    ['a source in a list', true, '{ source: { id: { list: hot } } }', {}],
    ['an amount at its bound', true, '{ amount: { max: "0.01" } }', {}],
    [
      'an amount a hair above its bound',
      false,
      '{ amount: { max: "1.0" } }',
      { amount: amount('1.000000000000000005') },
    ],
    ['an amount below its bound', false, '{ amount: { min: "0.010000001" } }', {}],
    ['an amount between its bounds', true, '{ amount: { min: "0", max: "1" } }', {}],
    ['an amount that is absent', false, '{ amount: { min: "0" } }', { amount: undefined }],
    ['an amount that is null', false, '{ amount: { min: "0" } }', { amount: null }],
    ['a requested amount', true, '{ requestedAmount: { max: "0.01" } }', {}],
    ['a fee', true, '{ fee: { max: "0.001" } }', {}],
    ['a fee before it is known', false, '{ fee: { max: "0.001" } }', { fee: undefined }],
    ['the dollars of one destination', true, '{ amountUSD: { max: "18.75" } }', {}],
    [
      'the dollars of all destinations',
      false,
      '{ amountUSD: { max: "18.75" } }',
      to({ amountUSD: amount('10') }, { amountUSD: amount('9') }),
    ],
    [
      'the dollars when one destination has none',
      false,
      '{ amountUSD: { min: "0" } }',
      to({}, { amountUSD: undefined }),
    ],
    ['the dollars when one is null', false, '{ amountUSD: { min: "0" } }', to({ amountUSD: null })],
    ['the dollars of nothing', false, '{ amountUSD: { min: "0" } }', { destinations: [] }],
    ['the dollars of null', false, '{ amountUSD: { min: "0" } }', { destinations: null }],
    ['the dollars of no list', false, '{ amountUSD: { min: "0" } }', noDestinations],
    ['a signer', true, '{ signerId: signer-1 }', {}],
    ['a signer in a list', true, '{ signerId: { list: ops } }', {}],
    ['a signer that is absent', false, '{ signerId: { list: ops } }', { signerId: undefined }],
    ['a co-signer', true, '{ cosigner: main }', {}],
    ['a note', true, '{ note: "pay*#??" }', { note: 'payroll #42' }],
    ['a note with more', false, '{ note: "pay*#??" }', { note: 'payroll #420' }],
    ['a note that is absent', false, '{ note: "*" }', {}],
    ['a note that is null', false, '{ note: "*" }', { note: null }],
    ['an empty note', true, '{ note: "*" }', { note: '' }],
    ['one of several notes', true, '{ note: [x, "y*"] }', { note: 'yes' }],
    ['an external id', true, '{ externalTxId: "erp-*" }', { externalTxId: 'erp-1' }],
  ])('%s: %s', (_name, expected, when, changes) => {
    expect(matches(when, txRequest(changes))).toBe(expected)
  })

  it('matches no co-signer by name where requests are not signed', () => {
    expect(matches('{ cosigner: main }', txRequest(), { cosigner: '' })).toBe(false)
  })

  it('matches no configuration change with a condition on a transaction', () => {
    expect(matches('{ operation: TRANSFER }', configRequest())).toBe(false)
    expect(matches('{ destination: { type: VAULT } }', configRequest())).toBe(false)
    expect(matches('{ destination: { address: { list: payees } } }', configRequest())).toBe(false)
  })
})

describe('conditions on destinations', () => {
  it.each<[string, boolean, string, Parameters<typeof txRequest>[0]]>([
    ['type of top level and entry', true, 'type: VAULT', {}],
    ['type of the top level alone', true, 'type: VAULT', { destinations: undefined }],
    ['type of the entries alone', true, 'type: VAULT', { destType: undefined }],
    ['type of nothing', false, 'type: VAULT', nowhere],
    ['type with a null at the top', false, 'type: VAULT', { destType: null }],
    ['type with no entries', false, 'type: VAULT', { destinations: [] }],
    ['type with null entries', false, 'type: VAULT', { destinations: null }],
    ['type missing in an entry', false, 'type: VAULT', to({}, { dstType: undefined })],
    ['type other in the last entry', false, 'type: VAULT', to({}, {}, { dstType: 'EXCHANGE' })],
    ['type other at the top', false, 'type: VAULT', { destType: 'EXCHANGE' }],
    [
      'either word for an exchange',
      true,
      'type: EXCHANGE_ACCOUNT',
      { destType: 'EXCHANGE', ...to({ dstType: 'EXCHANGE_ACCOUNT' }) },
    ],
    [
      'either word for a one-time address',
      true,
      'type: ONE_TIME_ADDRESS',
      { destType: 'ONE_TIME', ...to({ dstType: 'ONE_TIME_ADDRESS' }) },
    ],
    ['id', true, 'id: "1"', {}],
    ['id in a list', true, 'id: { list: hot }', {}],
    ['id that differs in an entry', false, 'id: "1"', to({ dstId: '2' })],
    ['address type', true, 'addressType: WHITELISTED', {}],
    [
      'address type of one of two',
      false,
      'addressType: WHITELISTED',
      to({}, { dstAddressType: 'ONE_TIME' }),
    ],
    ['name', true, 'name: "Network *"', {}],
    ['name that is absent', false, 'name: "*"', to({ dstName: undefined })],
    ['name without any entry', false, 'name: "*"', { destinations: undefined }],
    ['sub-type', true, 'subType: EXTERNAL', to({ dstSubType: 'EXTERNAL' })],
    ['sub-type that is empty', false, 'subType: EXTERNAL', {}],
    ['address everywhere', true, `address: "${ADDRESS}"`, {}],
    ['address in lower case in the policy', true, `address: "${ADDRESS.toLowerCase()}"`, {}],
    ['address in a list', true, 'address: { list: payees }', {}],
    ['address in one of two lists', true, 'address: { list: [others, payees] }', {}],
    ['address in another list', false, 'address: { list: others }', {}],
    [
      'address in lower case in the request',
      true,
      'address: { list: payees }',
      { destAddress: ADDRESS.toLowerCase() },
    ],
    [
      'address with a wrong checksum',
      false,
      'address: { list: payees }',
      { destAddress: ADDRESS.replace('5dC', '5Dc') },
    ],
    [
      'address other at the top',
      false,
      'address: { list: payees }',
      { destAddress: OTHER_ADDRESS },
    ],
    [
      'address other in the entry',
      false,
      'address: { list: payees }',
      to({ displayDstAddress: OTHER_ADDRESS }),
    ],
    [
      'address other in one of its two fields',
      false,
      'address: { list: payees }',
      to({ dstAddress: OTHER_ADDRESS }),
    ],
    [
      'address of the only entry, told by the top level',
      true,
      'address: { list: payees }',
      to({ displayDstAddress: undefined }),
    ],
    [
      'address told by nobody',
      false,
      'address: { list: payees }',
      { destAddress: undefined, ...to({ displayDstAddress: undefined }) },
    ],
    [
      'address of one of two entries',
      false,
      'address: { list: payees }',
      to({}, { displayDstAddress: undefined }),
    ],
    [
      'second address not listed',
      false,
      'address: { list: payees }',
      to({}, { displayDstAddress: OTHER_ADDRESS }),
    ],
    ['address with no entries', false, 'address: { list: payees }', { destinations: [] }],
    ['address with null entries', false, 'address: { list: payees }', { destinations: null }],
    [
      'address of the top level alone',
      true,
      'address: { list: payees }',
      { destinations: undefined },
    ],
    ['address of nothing', false, 'address: { list: payees }', nowhere],
    ['address that is null', false, 'address: { list: payees }', { destAddress: null }],
  ])('%s: %s', (_name, expected, condition, changes) => {
    expect(matches(`{ destination: { ${condition} } }`, txRequest(changes))).toBe(expected)
  })

  it.each([
    ['bech32 as it is', true, BECH32, BECH32],
    ['bech32 in capitals', true, BECH32, BECH32.toUpperCase()],
    ['bech32 in mixed case', false, BECH32, BECH32.replace('bc1q', 'bc1Q')],
    ['bech32 with a wrong checksum', false, BECH32, BECH32.replace('k99', 'k98')],
    ['base58 as it is', true, BASE58, BASE58],
    ['base58 in lower case', false, BASE58, BASE58.toLowerCase()],
    ['a homoglyph', false, BASE58, BASE58.replace('C', 'С')],
    ['with a tag that is wanted', true, 'rXyz:123', 'rXyz:123'],
    ['with another tag', false, 'rXyz:123', 'rXyz:124'],
    ['without the tag', false, 'rXyz:123', 'rXyz'],
    ['with a tag that is not wanted', false, 'rXyz', 'rXyz:123'],
    ['bech32 in capitals with a memo', true, `${BECH32}:Memo`, `${BECH32.toUpperCase()}:Memo`],
    [
      'bech32 with a wrong checksum and a memo',
      false,
      `${BECH32}:1`,
      `${BECH32.replace('k99', 'k98')}:1`,
    ],
    ['EVM in capitals with a tag', true, `${ADDRESS}:1`, `0x${ADDRESS.slice(2).toUpperCase()}:1`],
    ['EVM with a capital X', false, ADDRESS, ADDRESS.replace('0x', '0X')],
  ])('address %s: %s', (_name, expected, listed, sent) => {
    const request = txRequest({ destAddress: sent, destinations: undefined })
    expect(matches(`{ destination: { address: "${listed}" } }`, request)).toBe(expected)
  })
})

describe('conditions on extra parameters and contract calls', () => {
  const extraParameters = {
    message: 'hello',
    flag: true,
    count: new JsonNumber('1.50'),
    none: null,
    rawMessageData: { messages: [{ type: 'EIP712' }, { type: 'EIP712' }], empty: [] },
    contractCallData: '0xa9059cbb00',
  }

  it.each([
    ['a text', true, '{ path: message, equals: hello }'],
    ['another text', false, '{ path: message, equals: [a, b] }'],
    ['a boolean', true, '{ path: flag, equals: true }'],
    ['a boolean as a text', false, '{ path: flag, equals: "true" }'],
    ['a number by its text', true, '{ path: count, equals: "1.50" }'],
    ['a number by its value', false, '{ path: count, equals: "1.5" }'],
    ['presence', true, '{ path: rawMessageData, present: true }'],
    ['presence of null', false, '{ path: none, present: true }'],
    ['presence of nothing', false, '{ path: nothing, present: true }'],
    ['every element', true, '{ path: rawMessageData.messages.*.type, equals: EIP712 }'],
    ['one element', true, '{ path: rawMessageData.messages.1.type, equals: EIP712 }'],
    [
      'an element that is not there',
      false,
      '{ path: rawMessageData.messages.2.type, present: true }',
    ],
    ['a name in an array', false, '{ path: rawMessageData.messages.length, present: true }'],
    ['every element of none', false, '{ path: rawMessageData.empty.*, present: true }'],
    ['every element of no array', false, '{ path: rawMessageData.*, present: true }'],
    ['a member of a text', false, '{ path: message.length, present: true }'],
    ['a member of a number', false, '{ path: count.text, present: true }'],
    ['a member of the prototype', false, '{ path: toString, present: true }'],
    ['two at once', true, '[{ path: message, present: true }, { path: flag, equals: true }]'],
    [
      'two of which one fails',
      false,
      '[{ path: message, present: true }, { path: x, present: true }]',
    ],
  ])('%s: %s', (_name, expected, condition) => {
    const request = txRequest({ extraParameters })
    expect(matches(`{ extraParameters: ${condition} }`, request)).toBe(expected)
  })

  it('matches nothing in extra parameters that are absent or null', () => {
    for (const value of [undefined, null]) {
      const request = txRequest({ extraParameters: value })
      expect(matches('{ extraParameters: { path: a, present: true } }', request)).toBe(false)
    }
  })

  const call = (data: string | null | undefined) =>
    txRequest({ extraParameters: data === undefined ? {} : { contractCallData: data } })
  const rawTx = (selector?: string): Facts['rawTx'] => ({
    status: 'verified',
    facts: selector === undefined ? {} : { selector },
  })

  it.each<[string, boolean, CallbackRequest, Partial<Facts>]>([
    ['call data', true, call('0xa9059cbb00'), {}],
    ['call data without prefix', true, call('A9059CBB'), {}],
    ['other call data', false, call('0x095ea7b300'), {}],
    ['call data that is no hex', false, call('0xa9059cbbzz'), {}],
    ['call data of odd length', false, call('0xa9059cbb0'), {}],
    ['call data too short', false, call('0xa9'), {}],
    ['call data that is null', false, call(null), {}],
    ['no call data', false, call(undefined), {}],
    ['decoded selector alone', true, call(undefined), { rawTx: rawTx('0xa9059cbb') }],
    ['decoded selector that differs', false, call('0xa9059cbb00'), { rawTx: rawTx('0x095ea7b3') }],
    ['decoded without selector', true, call('0xa9059cbb00'), { rawTx: rawTx() }],
    ['decoded without selector alone', false, call(undefined), { rawTx: rawTx() }],
    ['no transaction', false, configRequest(), {}],
  ])('selector, %s: %s', (_name, expected, request, facts) => {
    expect(matches('{ contractCall: { selector: "0xa9059cbb" } }', request, facts)).toBe(expected)
  })
})

describe('conditions on a configuration change', () => {
  const info = configRequest().extraInfo ?? {}

  it.each<[string, boolean, string, Parameters<typeof configRequest>[0]]>([
    ['type', true, '{ type: UNMANAGED_WALLET }', {}],
    ['another type', false, '{ type: [ADD_USER, EXCHANGE] }', {}],
    ['a type that is absent', false, '{ type: ADD_USER }', { type: undefined }],
    ['details', true, '{ details: { subType: EXTERNAL, walletName: "Payee *", asset: ETH } }', {}],
    ['a detail that differs', false, '{ details: { subType: INTERNAL } }', {}],
    ['a detail that is absent', false, '{ details: { accountId: x } }', {}],
    [
      'a detail that is no text',
      false,
      '{ details: { note: "*" } }',
      { extraInfo: { note: true } },
    ],
    ['a detail that is null', false, '{ details: { note: "*" } }', { extraInfo: { note: null } }],
    ['details that are null', false, '{ details: { asset: ETH } }', { extraInfo: null }],
    ['details that are absent', false, '{ details: { asset: ETH } }', { extraInfo: undefined }],
    ['a member of the prototype', false, '{ details: { note: "*" } }', { extraInfo: {} }],
    ['an address', true, '{ details: { address: { list: payees } } }', {}],
    [
      'an address that is absent',
      false,
      '{ details: { address: { list: payees } } }',
      { extraInfo: {} },
    ],
    [
      'an address with an unexpected tag',
      false,
      '{ details: { address: { list: payees } } }',
      { extraInfo: { ...info, tag: '7' } },
    ],
    [
      'an address with its tag',
      true,
      `{ details: { address: "${ADDRESS}:7" } }`,
      { extraInfo: { ...info, tag: '7' } },
    ],
    [
      'an address and a tag of its own',
      true,
      `{ details: { address: "${ADDRESS}", tag: "7" } }`,
      { extraInfo: { ...info, tag: '7' } },
    ],
    [
      'an address and another tag',
      false,
      `{ details: { address: "${ADDRESS}", tag: "8" } }`,
      { extraInfo: { ...info, tag: '7' } },
    ],
  ])('%s: %s', (_name, expected, when, changes) => {
    expect(matches(when, configRequest(changes))).toBe(expected)
  })

  it('matches no transaction', () => {
    expect(matches('{ type: UNMANAGED_WALLET }', txRequest())).toBe(false)
    expect(matches('{ details: { asset: ETH } }', txRequest())).toBe(false)
  })
})

describe('blocks', () => {
  it.each([
    ['all of two that hold', true, '{ all-of: [{ asset: ETH }, { operation: TRANSFER }] }'],
    ['all of two of which one fails', false, '{ all-of: [{ asset: ETH }, { operation: MINT }] }'],
    ['any of two', true, '{ any-of: [{ asset: BTC }, { asset: ETH, amount: { max: "1" } }] }'],
    [
      'any of two that fail',
      false,
      '{ any-of: [{ asset: BTC }, { asset: ETH, amount: { min: "1" } }] }',
    ],
    ['any of several, and more', false, '{ operation: MINT, any-of: [{ asset: ETH }] }'],
  ])('%s: %s', (_name, expected, when) => {
    expect(matches(when, txRequest())).toBe(expected)
  })
})

describe('time windows', () => {
  it.each([
    [
      'inside',
      true,
      '{ zone: Europe/Zurich, days: [MON, FRI], from: "08:00", to: "17:00" }',
      '2026-11-20T12:00:00Z',
    ],
    [
      'at its start',
      true,
      '{ zone: Europe/Zurich, from: "08:00", to: "17:00" }',
      '2026-11-20T07:00:00Z',
    ],
    [
      'at its end',
      false,
      '{ zone: Europe/Zurich, from: "08:00", to: "17:00" }',
      '2026-11-20T16:00:00Z',
    ],
    ['on another day', false, '{ zone: UTC, days: MON }', '2026-11-20T12:00:00Z'],
    ['all of a day', true, '{ zone: UTC, days: FRI }', '2026-11-20T23:59:59Z'],
    ['a day that has begun there', true, '{ zone: Asia/Tokyo, days: SAT }', '2026-11-20T15:30:00Z'],
    [
      'summer time',
      true,
      '{ zone: Europe/Zurich, from: "08:00", to: "09:00" }',
      '2026-07-01T06:30:00Z',
    ],
    [
      'winter time',
      true,
      '{ zone: Europe/Zurich, from: "08:00", to: "09:00" }',
      '2026-12-01T07:30:00Z',
    ],
    [
      'before midnight',
      true,
      '{ zone: UTC, days: FRI, from: "22:00", to: "06:00" }',
      '2026-11-20T23:00:00Z',
    ],
    [
      'after midnight, of the day before',
      true,
      '{ zone: UTC, days: FRI, from: "22:00", to: "06:00" }',
      '2026-11-21T05:59:00Z',
    ],
    [
      'after midnight, of another day',
      false,
      '{ zone: UTC, days: FRI, from: "22:00", to: "06:00" }',
      '2026-11-20T05:00:00Z',
    ],
    [
      'between two nights',
      false,
      '{ zone: UTC, days: FRI, from: "22:00", to: "06:00" }',
      '2026-11-20T12:00:00Z',
    ],
    ['until midnight', true, '{ zone: UTC, from: "18:00", to: "24:00" }', '2026-11-20T23:59:00Z'],
    [
      'one of two',
      true,
      '[{ zone: UTC, days: MON }, { zone: UTC, days: FRI }]',
      '2026-11-20T12:00:00Z',
    ],
    [
      'midnight itself',
      true,
      '{ zone: UTC, days: SAT, from: "00:00", to: "00:01" }',
      '2026-11-21T00:00:00Z',
    ],
  ])('%s: %s', (_name, expected, time, now) => {
    expect(matches(`{ time: ${time} }`, txRequest(), { now: new Date(now) })).toBe(expected)
  })

  it('throws on an invalid clock rather than guess', () => {
    const facts = { now: new Date(Number.NaN) }
    expect(() => matches('{ time: { zone: UTC, days: FRI } }', txRequest(), facts)).toThrow(
      RangeError,
    )
  })
})
