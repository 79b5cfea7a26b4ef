import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { contradictionIn } from '../../../handler/policy/contradiction.ts'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { policyOf } from './policy.ts'
import { ADDRESS, configRequest, destination, FACTS, OTHER_ADDRESS, txRequest } from './requests.ts'

const VECTORS = join(import.meta.dirname, '../../fixtures/vectors')
const amount = parseDecimal

describe('contradictionIn', () => {
  it.each([
    'doc-eth-raw/payload-9c794cee.json',
    'doc-eth-raw/request-payload.exact.json',
    'doc-btc-raw/payload-legacy-3acaf94b.json',
    'doc-btc-raw/payload-segwit-153736c6.json',
  ])('finds none in the published sample %s', (file) => {
    const claims = parseStrictJson(readFileSync(join(VECTORS, file), 'utf8'))
    const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
    expect(parsed?.kind === 'request' ? contradictionIn(parsed.request) : 'unread').toBeUndefined()
  })

  const sum = 'destinations do not add up to the amount'
  const two = (first: string, second: string) => [
    destination({ amountNative: amount(first) }),
    destination({ amountNative: amount(second) }),
  ]

  it.each<[string, string | undefined, Parameters<typeof txRequest>[0]]>([
    ['no list of destinations', undefined, { destinations: undefined }],
    ['an empty list', 'a transfer without destinations', { destinations: [] }],
    ['a null list', 'destinations of a transfer are null', { destinations: null }],
    ['an empty list of another operation', undefined, { operation: 'MINT', destinations: [] }],
    ['two that add up', undefined, { destinations: two('0.004', '0.006') }],
    ['two that do not', sum, { destinations: two('0.01', '0.01') }],
    ['one that gets more', sum, { destinations: [destination({ amountNative: amount('0.1') })] }],
    ['one that gets less', sum, { destinations: [destination({ amountNative: amount('0.009') })] }],
    [
      'one that gets less by the fee',
      undefined,
      { fee: amount('0.001'), destinations: [destination({ amountNative: amount('0.009') })] },
    ],
    [
      'the requested amount, the amount being that less the fee',
      undefined,
      { amount: amount('0.009'), fee: amount('0.001') },
    ],
    [
      'the requested amount, the amount being less than the fee explains',
      sum,
      { amount: amount('0.008'), fee: amount('0.001') },
    ],
    [
      'the requested amount before the fee is known',
      sum,
      { amount: amount('0.009'), fee: undefined },
    ],
    [
      'no requested amount',
      sum,
      { amount: amount('0.009'), requestedAmount: undefined, fee: amount('0.001') },
    ],
    [
      'more than was requested',
      'amount is more than requestedAmount',
      { requestedAmount: amount('0.009') },
    ],
    [
      'no amount of the only destination',
      undefined,
      { destinations: [destination({ amountNative: undefined })] },
    ],
    [
      'no amount of one of two',
      'a destination has no amount',
      { destinations: [destination(), destination({ amountNative: undefined })] },
    ],
    [
      'a null amount',
      'a destination has no amount',
      { destinations: [destination({ amountNative: null })] },
    ],
    ['no amount at all', undefined, { amount: undefined }],
    ['sums of another operation', undefined, { operation: 'STAKE', amount: amount('5') }],
    [
      'another address at the top',
      'destAddress is not the address of the only destination',
      { destAddress: OTHER_ADDRESS },
    ],
    [
      'another address at the top than dstAddress',
      'destAddress is not the address of the only destination',
      {
        destAddress: OTHER_ADDRESS,
        destinations: [destination({ dstAddress: ADDRESS, displayDstAddress: undefined })],
      },
    ],
    ['the same address in another case', undefined, { destAddress: ADDRESS.toLowerCase() }],
    [
      'a wrong checksum at the top',
      'destAddress is not the address of the only destination',
      { destAddress: ADDRESS.replace('5dC', '5Dc') },
    ],
    ['no address at the top', undefined, { destAddress: undefined }],
    ['an empty address at the top', undefined, { destAddress: '' }],
    [
      'two addresses in one destination',
      'dstAddress is not displayDstAddress',
      { destinations: [destination({ dstAddress: OTHER_ADDRESS })] },
    ],
    ['one of several addresses at the top', undefined, { destinations: two('0.004', '0.006') }],
    [
      'another address type',
      'destAddressType is not that of the only destination',
      { destAddressType: 'ONE_TIME' },
    ],
    ['a contract address as address type', undefined, { destAddressType: OTHER_ADDRESS }],
  ])('%s: %s', (_name, expected, changes) => {
    expect(contradictionIn(txRequest(changes))).toBe(expected)
  })

  it('finds none in a configuration change', () => {
    expect(contradictionIn(configRequest())).toBeUndefined()
  })
})

describe('a contradictory request', () => {
  const request = txRequest({ destAddress: OTHER_ADDRESS })
  const decide = (then: string) =>
    evaluate(policyOf(`rules: [{ id: r, when: {}, then: ${then} }]`), request, FACTS).decision

  it('is refused where a rule would approve or let a person approve', () => {
    const refused = {
      action: 'REJECT',
      rule: 'contradiction',
      reason: 'the request contradicts itself',
    }
    expect(decide('APPROVE')).toEqual(refused)
    expect(decide('{ action: RETRY, hold: {} }')).toEqual(refused)
  })

  it('is left to rules that do not approve', () => {
    expect(decide('RETRY').rule).toBe('r')
    expect(decide('{ action: REJECT, reason: no }')).toEqual({
      action: 'REJECT',
      rule: 'r',
      reason: 'no',
    })
  })
})
