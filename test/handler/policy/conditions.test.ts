import { describe, expect, it } from '@jest/globals'
import { explain } from '../../../handler/policy/explain.ts'
import type { Facts } from '../../../handler/policy/facts.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { JsonNumber } from '../../../handler/protocol/json-value.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { policyOf } from './policy.ts'
import { ADDRESS, configRequest, destination, FACTS, OTHER_ADDRESS, txRequest } from './requests.ts'

const BECH32 = 'bc1qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99'
const BASE58 = '1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYdC'
/** XRP; the X-address is of another account, with the tag 1. */
const R = 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'
const X_ADDRESS = 'X7AcgcsBL6XDcUb289X4mJ8djcdyKaGZMhc9YTE92ehJ2Fu'

const LISTS = `
lists:
  payees: { kind: addresses, values: ["${ADDRESS}"] }
  others: { kind: addresses, values: ["${OTHER_ADDRESS}"] }
  hot: { kind: vaults, values: ["0", "1"] }
  ops: { kind: people, values: [signer-1] }
  coins: { kind: assets, values: [ETH, BTC] }
`

/**
 * What a rule with this condition answers. `yes`, `no` and `unknown`: the same whether it approves or refuses. `some`: it
 * refuses for one of several values, and approves for none. `some?`: it may refuse, and approves for none. `partly`: it
 * refuses for one of several values, and another is unknown.
 */
function answer(when: string, request: CallbackRequest, facts: Partial<Facts> = {}): string {
  const policy = policyOf(`${LISTS}
rules:
  - { id: every, when: ${when}, then: APPROVE }
  - { id: any, when: ${when}, then: REJECT }
`)
  const { rules } = explain(policy, request, { ...FACTS, ...facts })
  const answers = rules.map((each) => each.answer).join(' ')
  return WORDS[answers] ?? answers
}

const WORDS: Readonly<Record<string, string>> = {
  'certainly certainly': 'yes',
  'no no': 'no',
  'possibly possibly': 'unknown',
  'no certainly': 'some',
  'no possibly': 'some?',
  'possibly certainly': 'partly',
}

const amount = parseDecimal
const noDestinations = { destinations: undefined, destType: undefined, destId: undefined }
const nowhere = { ...noDestinations, destAddress: undefined, destAddressType: undefined }
const to = (...changes: Parameters<typeof destination>[0][]) => ({
  destinations: changes.map((change) => destination(change)),
})

describe('conditions on a transaction', () => {
  it.each<[string, string, string, Parameters<typeof txRequest>[0]]>([
    ['endpoint', 'yes', '{ endpoint: tx_sign_request }', {}],
    ['the other endpoint', 'no', '{ endpoint: config_change_sign_request }', {}],
    ['both endpoints', 'yes', '{ endpoint: [tx_sign_request, config_change_sign_request] }', {}],
    ['nothing at all', 'yes', '{}', {}],
    ['stage', 'yes', '{ stage: signing }', {}],
    ['the other stage', 'no', '{ stage: approval }', {}],
    ['one of several operations', 'yes', '{ operation: [MINT, TRANSFER] }', {}],
    ['an operation in another case', 'no', '{ operation: transfer }', {}],
    ['an asset that is absent', 'unknown', '{ asset: ETH }', { asset: undefined }],
    ['an asset that is null', 'unknown', '{ asset: ETH }', { asset: null }],
    ['an asset that is empty', 'unknown', '{ asset: ETH }', { asset: '' }],
    ['an asset in a list', 'yes', '{ asset: { list: coins } }', {}],
    ['an asset in no list', 'no', '{ asset: { list: coins } }', { asset: 'SOL' }],
    ['a source', 'yes', '{ source: { type: VAULT, id: "0" } }', {}],
    ['a source by its longer name', 'yes', '{ source: { type: VAULT_ACCOUNT } }', {}],
    ['another source', 'no', '{ source: { id: "00" } }', {}],
    ['a source type that is null', 'unknown', '{ source: { type: VAULT } }', { sourceType: null }],
    ['a source in a list', 'yes', '{ source: { id: { list: hot } } }', {}],
    ['an amount at its bound', 'yes', '{ amount: { max: "0.01" } }', {}],
    [
      'an amount a hair above its bound',
      'some',
      '{ amount: { max: "1.0" } }',
      { amount: amount('1.000000000000000005') },
    ],
    ['an amount below its bound', 'no', '{ amount: { min: "0.010000001" } }', {}],
    ['an amount between its bounds', 'yes', '{ amount: { min: "0", max: "1" } }', {}],
    ['an amount that is absent', 'partly', '{ amount: { min: "0" } }', { amount: undefined }],
    ['an amount that is null', 'partly', '{ amount: { min: "0" } }', { amount: null }],
    ['a requested amount', 'yes', '{ requestedAmount: { max: "0.01" } }', {}],
    ['a fee', 'yes', '{ fee: { max: "0.001" } }', {}],
    ['a fee before it is known', 'unknown', '{ fee: { max: "0.001" } }', { fee: undefined }],
    ['the dollars of one destination', 'yes', '{ amountUSD: { max: "18.75" } }', {}],
    [
      'the dollars of all destinations',
      'no',
      '{ amountUSD: { max: "18.75" } }',
      to({ amountUSD: amount('10') }, { amountUSD: amount('9') }),
    ],
    [
      'the dollars when one destination has none',
      'partly',
      '{ amountUSD: { min: "0" } }',
      to({}, { amountUSD: undefined }),
    ],
    [
      'the dollars when one is null',
      'unknown',
      '{ amountUSD: { min: "0" } }',
      to({ amountUSD: null }),
    ],
    ['the dollars of nothing', 'unknown', '{ amountUSD: { min: "0" } }', { destinations: [] }],
    ['the dollars of null', 'unknown', '{ amountUSD: { min: "0" } }', { destinations: null }],
    ['the dollars of no list', 'unknown', '{ amountUSD: { min: "0" } }', noDestinations],
    ['a signer', 'yes', '{ signerId: signer-1 }', {}],
    ['a signer in a list', 'yes', '{ signerId: { list: ops } }', {}],
    ['a signer that is absent', 'no', '{ signerId: { list: ops } }', { signerId: undefined }],
    ['a co-signer', 'yes', '{ cosigner: main }', {}],
    ['a note', 'yes', '{ note: "pay*#??" }', { note: 'payroll #42' }],
    ['a note with more', 'no', '{ note: "pay*#??" }', { note: 'payroll #420' }],
    ['a note that is absent', 'no', '{ note: "*" }', {}],
    ['a note that is null', 'no', '{ note: "*" }', { note: null }],
    ['an empty note', 'no', '{ note: "*" }', { note: '' }],
    ['one of several notes', 'yes', '{ note: [x, "y*"] }', { note: 'yes' }],
    ['an external id', 'yes', '{ externalTxId: "erp-*" }', { externalTxId: 'erp-1' }],
  ])('%s: %s', (_name, expected, when, changes) => {
    expect(answer(when, txRequest(changes))).toBe(expected)
  })

  it('matches no co-signer by name where requests are not signed', () => {
    expect(answer('{ cosigner: main }', txRequest(), { cosigner: '' })).toBe('no')
  })

  it('matches no configuration change with a condition on a transaction', () => {
    expect(answer('{ operation: TRANSFER }', configRequest())).toBe('no')
    expect(answer('{ destination: { type: VAULT } }', configRequest())).toBe('no')
    expect(answer('{ destination: { address: { list: payees } } }', configRequest())).toBe('no')
  })
})

describe('conditions on destinations', () => {
  it.each<[string, string, string, Parameters<typeof txRequest>[0]]>([
    ['type of top level and entry', 'yes', 'type: VAULT', {}],
    ['type of the top level alone', 'yes', 'type: VAULT', { destinations: undefined }],
    ['type of the entries alone', 'yes', 'type: VAULT', { destType: undefined }],
    ['type of nothing', 'unknown', 'type: VAULT', nowhere],
    ['type with a null at the top', 'yes', 'type: VAULT', { destType: null }],
    ['type with no entries', 'yes', 'type: VAULT', { destinations: [] }],
    ['type with null entries', 'yes', 'type: VAULT', { destinations: null }],
    ['type missing in an entry', 'partly', 'type: VAULT', to({}, { dstType: undefined })],
    ['type other in the last entry', 'some', 'type: VAULT', to({}, {}, { dstType: 'EXCHANGE' })],
    ['type other at the top', 'some', 'type: VAULT', { destType: 'EXCHANGE' }],
    [
      'either word for an exchange',
      'yes',
      'type: EXCHANGE_ACCOUNT',
      { destType: 'EXCHANGE', ...to({ dstType: 'EXCHANGE_ACCOUNT' }) },
    ],
    [
      'either word for a one-time address',
      'yes',
      'type: ONE_TIME_ADDRESS',
      { destType: 'ONE_TIME', ...to({ dstType: 'ONE_TIME_ADDRESS' }) },
    ],
    ['id', 'yes', 'id: "1"', {}],
    ['id in a list', 'yes', 'id: { list: hot }', {}],
    ['id that differs in an entry', 'some', 'id: "1"', to({ dstId: '2' })],
    ['address type', 'yes', 'addressType: WHITELISTED', {}],
    [
      'address type of one of two',
      'some',
      'addressType: WHITELISTED',
      to({}, { dstAddressType: 'ONE_TIME' }),
    ],
    ['name', 'yes', 'name: "Network *"', {}],
    ['name that is absent', 'unknown', 'name: "*"', to({ dstName: undefined })],
    ['name without any entry', 'unknown', 'name: "*"', { destinations: undefined }],
    ['sub-type', 'yes', 'subType: EXTERNAL', to({ dstSubType: 'EXTERNAL' })],
    ['sub-type that is empty', 'no', 'subType: EXTERNAL', {}],
    ['address everywhere', 'yes', `address: "${ADDRESS}"`, {}],
    ['address in lower case in the policy', 'yes', `address: "${ADDRESS.toLowerCase()}"`, {}],
    ['address in a list', 'yes', 'address: { list: payees }', {}],
    ['address in one of two lists', 'yes', 'address: { list: [others, payees] }', {}],
    ['address in another list', 'no', 'address: { list: others }', {}],
    [
      'address in lower case in the request',
      'yes',
      'address: { list: payees }',
      { destAddress: ADDRESS.toLowerCase() },
    ],
    [
      'address with a wrong checksum',
      'partly',
      'address: { list: payees }',
      { destAddress: ADDRESS.replace('5dC', '5Dc') },
    ],
    [
      'address other at the top',
      'some',
      'address: { list: payees }',
      { destAddress: OTHER_ADDRESS },
    ],
    [
      'address other in the entry',
      'some',
      'address: { list: payees }',
      to({ displayDstAddress: OTHER_ADDRESS }),
    ],
    [
      'address other in one of its two fields',
      'some',
      'address: { list: payees }',
      to({ dstAddress: OTHER_ADDRESS }),
    ],
    [
      'address of the only entry, told by the top level',
      'yes',
      'address: { list: payees }',
      to({ displayDstAddress: undefined }),
    ],
    [
      'address told by nobody',
      'unknown',
      'address: { list: payees }',
      { destAddress: undefined, ...to({ displayDstAddress: undefined }) },
    ],
    [
      'address of one of two entries',
      'partly',
      'address: { list: payees }',
      to({}, { displayDstAddress: undefined }),
    ],
    [
      'second address not listed',
      'some',
      'address: { list: payees }',
      to({}, { displayDstAddress: OTHER_ADDRESS }),
    ],
    ['address with no entries', 'yes', 'address: { list: payees }', { destinations: [] }],
    ['address with null entries', 'yes', 'address: { list: payees }', { destinations: null }],
    [
      'address of the top level alone',
      'yes',
      'address: { list: payees }',
      { destinations: undefined },
    ],
    ['address of nothing', 'unknown', 'address: { list: payees }', nowhere],
    ['address that is null', 'yes', 'address: { list: payees }', { destAddress: null }],
  ])('%s: %s', (_name, expected, condition, changes) => {
    expect(answer(`{ destination: { ${condition} } }`, txRequest(changes))).toBe(expected)
  })

  it.each([
    ['bech32 as it is', 'yes', 'BTC', BECH32, BECH32],
    ['bech32 in capitals', 'yes', 'BTC', BECH32, BECH32.toUpperCase()],
    ['bech32 in mixed case', 'unknown', 'BTC', BECH32, BECH32.replace('bc1q', 'bc1Q')],
    ['bech32 with a wrong checksum', 'unknown', 'BTC', BECH32, BECH32.replace('k99', 'k98')],
    ['bech32 of another chain', 'unknown', 'LTC', BECH32, BECH32],
    ['bech32 where nothing is known', 'yes', 'NEW', BECH32, BECH32],
    ['bech32 in capitals where nothing is known', 'some?', 'NEW', BECH32, BECH32.toUpperCase()],
    ['base58 as it is', 'yes', 'BTC', BASE58, BASE58],
    ['base58 in lower case', 'unknown', 'BTC', BASE58, BASE58.toLowerCase()],
    ['base58 in lower case where nothing is known', 'some?', 'NEW', BASE58, BASE58.toLowerCase()],
    ['a homoglyph', 'unknown', 'BTC', BASE58, BASE58.replace('C', 'С')],
    ['a homoglyph where nothing is known', 'no', 'NEW', BASE58, BASE58.replace('C', 'С')],
    ['with a tag that is wanted', 'yes', 'NEW', 'rXyz:123', 'rXyz:123'],
    ['with another tag', 'no', 'NEW', 'rXyz:123', 'rXyz:124'],
    ['without the tag', 'some?', 'NEW', 'rXyz:123', 'rXyz'],
    ['with a tag that is not wanted', 'some', 'NEW', 'rXyz', 'rXyz:123'],
    ['with any tag', 'yes', 'NEW', 'rXyz:*', 'rXyz'],
    ['with a tag on a chain without tags', 'yes', 'BTC', BECH32, `${BECH32.toUpperCase()}:Memo`],
    ['with a tail', 'unknown', 'BTC', BECH32, `${BECH32}?memo`],
    ['EVM in capitals with a tag', 'yes', 'ETH', ADDRESS, `0x${ADDRESS.slice(2).toUpperCase()}:1`],
    ['EVM with a capital X', 'unknown', 'ETH', ADDRESS, ADDRESS.replace('0x', '0X')],
    ['EVM where nothing is known', 'yes', 'NEW', ADDRESS, ADDRESS.toLowerCase()],
    ['EVM with a wrong checksum there', 'unknown', 'NEW', ADDRESS, ADDRESS.replace('dC', 'Dc')],
    ['XRP without a tag member', 'partly', 'XRP', R, R],
    ['XRP with the tag in the text', 'yes', 'XRP', `${R}:7`, `${R}:7`],
    ['XRP as an X-address', 'yes', 'XRP', X_ADDRESS, 'r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59:1'],
    ['XRP with whatever tag', 'yes', 'XRP', `${R}:*`, R],
    ['XRP that is none', 'unknown', 'XRP', R, `${R}?dt=7`],
  ])('address %s: %s', (_name, expected, asset, listed, sent) => {
    const request = txRequest({ asset, destAddress: sent, destinations: undefined })
    expect(answer(`{ destination: { address: "${listed}" } }`, request)).toBe(expected)
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
    ['a text', 'yes', '{ path: message, equals: hello }'],
    ['another text', 'no', '{ path: message, equals: [a, b] }'],
    ['a boolean', 'yes', '{ path: flag, equals: true }'],
    ['a boolean as a text', 'no', '{ path: flag, equals: "true" }'],
    ['a number by its text', 'yes', '{ path: count, equals: "1.50" }'],
    ['a number by its value', 'no', '{ path: count, equals: "1.5" }'],
    ['presence', 'yes', '{ path: rawMessageData, present: true }'],
    ['presence of null', 'no', '{ path: none, present: true }'],
    ['presence of nothing', 'no', '{ path: nothing, present: true }'],
    ['every element', 'yes', '{ path: rawMessageData.messages.*.type, equals: EIP712 }'],
    ['one element', 'yes', '{ path: rawMessageData.messages.1.type, equals: EIP712 }'],
    [
      'an element that is not there',
      'no',
      '{ path: rawMessageData.messages.2.type, present: true }',
    ],
    ['a name in an array', 'no', '{ path: rawMessageData.messages.length, present: true }'],
    ['every element of none', 'no', '{ path: rawMessageData.empty.*, present: true }'],
    ['every element of no array', 'no', '{ path: rawMessageData.*, present: true }'],
    ['a member of a text', 'no', '{ path: message.length, present: true }'],
    ['a member of a number', 'no', '{ path: count.text, present: true }'],
    ['a member of the prototype', 'no', '{ path: toString, present: true }'],
    ['two at once', 'yes', '[{ path: message, present: true }, { path: flag, equals: true }]'],
    [
      'two of which one fails',
      'no',
      '[{ path: message, present: true }, { path: x, present: true }]',
    ],
  ])('%s: %s', (_name, expected, condition) => {
    const request = txRequest({ extraParameters })
    expect(answer(`{ extraParameters: ${condition} }`, request)).toBe(expected)
  })

  it('matches nothing in extra parameters that are absent or null', () => {
    for (const value of [undefined, null]) {
      const request = txRequest({ extraParameters: value })
      expect(answer('{ extraParameters: { path: a, present: true } }', request)).toBe('no')
    }
  })

  const call = (data: string | null | undefined) =>
    txRequest({ extraParameters: data === undefined ? {} : { contractCallData: data } })
  const rawTx = (selector?: string): Facts['rawTx'] => ({
    status: 'verified',
    facts: selector === undefined ? {} : { selectors: [selector] },
  })

  it.each<[string, string, CallbackRequest, Partial<Facts>]>([
    ['call data', 'yes', call('0xa9059cbb00'), {}],
    ['call data without prefix', 'yes', call('A9059CBB'), {}],
    ['other call data', 'no', call('0x095ea7b300'), {}],
    ['call data that is no hex', 'unknown', call('0xa9059cbbzz'), {}],
    ['call data of odd length', 'unknown', call('0xa9059cbb0'), {}],
    ['call data too short', 'unknown', call('0xa9'), {}],
    ['call data that is null', 'no', call(null), {}],
    ['no call data', 'no', call(undefined), {}],
    ['decoded selector alone', 'yes', call(undefined), { rawTx: rawTx('0xa9059cbb') }],
    ['decoded selector that differs', 'some', call('0xa9059cbb00'), { rawTx: rawTx('0x095ea7b3') }],
    ['decoded without selector', 'yes', call('0xa9059cbb00'), { rawTx: rawTx() }],
    ['decoded without selector alone', 'no', call(undefined), { rawTx: rawTx() }],
    ['no transaction', 'no', configRequest(), {}],
  ])('selector, %s: %s', (_name, expected, request, facts) => {
    expect(answer('{ contractCall: { selector: "0xa9059cbb" } }', request, facts)).toBe(expected)
  })
})

describe('conditions on a configuration change', () => {
  const info = configRequest().extraInfo ?? {}

  it.each<[string, string, string, Parameters<typeof configRequest>[0]]>([
    ['type', 'yes', '{ type: UNMANAGED_WALLET }', {}],
    ['another type', 'no', '{ type: [ADD_USER, EXCHANGE] }', {}],
    ['a type that is absent', 'unknown', '{ type: ADD_USER }', { type: undefined }],
    ['details', 'yes', '{ details: { subType: EXTERNAL, walletName: "Payee *", asset: ETH } }', {}],
    ['a detail that differs', 'no', '{ details: { subType: INTERNAL } }', {}],
    ['a detail that is absent', 'no', '{ details: { accountId: x } }', {}],
    [
      'a detail that is no text',
      'unknown',
      '{ details: { note: "*" } }',
      { extraInfo: { note: true } },
    ],
    ['a detail that is null', 'no', '{ details: { note: "*" } }', { extraInfo: { note: null } }],
    ['details that are null', 'unknown', '{ details: { asset: ETH } }', { extraInfo: null }],
    ['details that are absent', 'unknown', '{ details: { asset: ETH } }', { extraInfo: undefined }],
    ['a member of the prototype', 'no', '{ details: { note: "*" } }', { extraInfo: {} }],
    ['an address', 'yes', '{ details: { address: { list: payees } } }', {}],
    [
      'an address that is absent',
      'unknown',
      '{ details: { address: { list: payees } } }',
      { extraInfo: {} },
    ],
    [
      'an address with a tag that its chain does not know',
      'yes',
      '{ details: { address: { list: payees } } }',
      { extraInfo: { ...info, tag: '7' } },
    ],
    [
      'an address with an unexpected tag',
      'some',
      `{ details: { address: "${R}" } }`,
      { extraInfo: { asset: 'XRP', address: R, tag: '7' } },
    ],
    [
      'an address with its tag',
      'yes',
      `{ details: { address: "${R}:7" } }`,
      { extraInfo: { asset: 'XRP', address: R, tag: '7' } },
    ],
    [
      'an address without a tag, which is none',
      'yes',
      `{ details: { address: "${R}" } }`,
      { extraInfo: { asset: 'XRP', address: R } },
    ],
    [
      'an address with a tag that is no text',
      'unknown',
      `{ details: { address: "${R}" } }`,
      { extraInfo: { asset: 'XRP', address: R, tag: true } },
    ],
    [
      'an address and a tag of its own',
      'yes',
      `{ details: { address: "${ADDRESS}", tag: "7" } }`,
      { extraInfo: { ...info, tag: '7' } },
    ],
    [
      'an address and another tag',
      'no',
      `{ details: { address: "${ADDRESS}", tag: "8" } }`,
      { extraInfo: { ...info, tag: '7' } },
    ],
  ])('%s: %s', (_name, expected, when, changes) => {
    expect(answer(when, configRequest(changes))).toBe(expected)
  })

  it('matches no transaction', () => {
    expect(answer('{ type: UNMANAGED_WALLET }', txRequest())).toBe('no')
    expect(answer('{ details: { asset: ETH } }', txRequest())).toBe('no')
  })
})

describe('blocks', () => {
  it.each([
    ['all of two that hold', 'yes', '{ all-of: [{ asset: ETH }, { operation: TRANSFER }] }'],
    ['all of two of which one fails', 'no', '{ all-of: [{ asset: ETH }, { operation: MINT }] }'],
    ['any of two', 'yes', '{ any-of: [{ asset: BTC }, { asset: ETH, amount: { max: "1" } }] }'],
    [
      'any of two that fail',
      'no',
      '{ any-of: [{ asset: BTC }, { asset: ETH, amount: { min: "1" } }] }',
    ],
    ['any of several, and more', 'no', '{ operation: MINT, any-of: [{ asset: ETH }] }'],
  ])('%s: %s', (_name, expected, when) => {
    expect(answer(when, txRequest())).toBe(expected)
  })
})

describe('time windows', () => {
  it.each([
    [
      'inside',
      'yes',
      '{ zone: Europe/Zurich, days: [MON, FRI], from: "08:00", to: "17:00" }',
      '2026-11-20T12:00:00Z',
    ],
    [
      'at its start',
      'yes',
      '{ zone: Europe/Zurich, from: "08:00", to: "17:00" }',
      '2026-11-20T07:00:00Z',
    ],
    [
      'at its end',
      'no',
      '{ zone: Europe/Zurich, from: "08:00", to: "17:00" }',
      '2026-11-20T16:00:00Z',
    ],
    ['on another day', 'no', '{ zone: UTC, days: MON }', '2026-11-20T12:00:00Z'],
    ['all of a day', 'yes', '{ zone: UTC, days: FRI }', '2026-11-20T23:59:59Z'],
    [
      'a day that has begun there',
      'yes',
      '{ zone: Asia/Tokyo, days: SAT }',
      '2026-11-20T15:30:00Z',
    ],
    [
      'summer time',
      'yes',
      '{ zone: Europe/Zurich, from: "08:00", to: "09:00" }',
      '2026-07-01T06:30:00Z',
    ],
    [
      'winter time',
      'yes',
      '{ zone: Europe/Zurich, from: "08:00", to: "09:00" }',
      '2026-12-01T07:30:00Z',
    ],
    [
      'before midnight',
      'yes',
      '{ zone: UTC, days: FRI, from: "22:00", to: "06:00" }',
      '2026-11-20T23:00:00Z',
    ],
    [
      'after midnight, of the day before',
      'yes',
      '{ zone: UTC, days: FRI, from: "22:00", to: "06:00" }',
      '2026-11-21T05:59:00Z',
    ],
    [
      'after midnight, of another day',
      'no',
      '{ zone: UTC, days: FRI, from: "22:00", to: "06:00" }',
      '2026-11-20T05:00:00Z',
    ],
    [
      'between two nights',
      'no',
      '{ zone: UTC, days: FRI, from: "22:00", to: "06:00" }',
      '2026-11-20T12:00:00Z',
    ],
    ['until midnight', 'yes', '{ zone: UTC, from: "18:00", to: "24:00" }', '2026-11-20T23:59:00Z'],
    [
      'one of two',
      'yes',
      '[{ zone: UTC, days: MON }, { zone: UTC, days: FRI }]',
      '2026-11-20T12:00:00Z',
    ],
    [
      'midnight itself',
      'yes',
      '{ zone: UTC, days: SAT, from: "00:00", to: "00:01" }',
      '2026-11-21T00:00:00Z',
    ],
  ])('%s: %s', (_name, expected, time, now) => {
    expect(answer(`{ time: ${time} }`, txRequest(), { now: new Date(now) })).toBe(expected)
  })

  it('throws on an invalid clock rather than guess', () => {
    const facts = { now: new Date(Number.NaN) }
    expect(() => answer('{ time: { zone: UTC, days: FRI } }', txRequest(), facts)).toThrow(
      RangeError,
    )
  })
})
