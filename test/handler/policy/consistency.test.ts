/** Members of a request that disagree: which checks fail, what is answered, and that weakening comes too late for those seen before. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import {
  answersTo,
  disagreementsIn,
  stricterTerms,
  strictestOf,
} from '../../../handler/policy/consistency.ts'
import { CHECKS } from '../../../handler/policy/decision.ts'
import type { AnsweredCheck, CheckName } from '../../../handler/policy/decision.ts'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import type { Facts } from '../../../handler/policy/facts.ts'
import { factsOf } from '../../../handler/policy/judge.ts'
import { parsePolicy } from '../../../handler/policy/parse.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import { Unreadable } from '../../../handler/protocol/request.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { policyOf } from './policy.ts'
import { ADDRESS, configRequest, destination, FACTS, OTHER_ADDRESS, txRequest } from './requests.ts'

const VECTORS = join(import.meta.dirname, '../../fixtures/vectors')
const KNOWN = { now: FACTS.now, cosigner: 'main' }
const ABSENT = { status: 'absent' } as const
const amount = parseDecimal
const unreadable = new Unreadable(['x'])

function requestOf(text: string): CallbackRequest {
  const claims = parseStrictJson(text)
  const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
  if (parsed?.kind !== 'request') throw new Error('no request')
  return parsed.request
}

const failing = (request: CallbackRequest, rawTx: Facts['rawTx'] = ABSENT) =>
  disagreementsIn(request, rawTx).map(({ check }) => check)

describe('the checks', () => {
  it.each([
    'doc-eth-raw/payload-9c794cee.json',
    'doc-eth-raw/request-payload.exact.json',
    'doc-btc-raw/payload-legacy-3acaf94b.json',
    'doc-btc-raw/payload-segwit-153736c6.json',
  ])('find nothing in the published sample %s', (file) => {
    expect(failing(requestOf(readFileSync(join(VECTORS, file), 'utf8')))).toEqual([])
  })

  const two = (first: string, second: string) => [
    destination({ amountNative: amount(first) }),
    destination({ amountNative: amount(second) }),
  ]
  const contradicted = { units: 1n, scale: 2, isContradicted: true } as const

  it.each<[string, readonly CheckName[], Parameters<typeof txRequest>[0]]>([
    // number-text
    ['another number', ['number-text'], { amount: contradicted }],
    ['another requested number', ['number-text'], { requestedAmount: contradicted }],
    [
      'another number of a destination',
      ['number-text'],
      { destinations: [destination({ amountNative: contradicted })] },
    ],
    // no-destination
    ['no list of destinations', [], { destinations: undefined }],
    ['an empty list beside a complete top level', [], { destinations: [] }],
    ['a null list beside a complete top level', [], { destinations: null }],
    ['an unreadable list', [], { destinations: unreadable, destId: '', destAddress: '' }],
    ...([[], null] as const).map((destinations): [string, readonly CheckName[], object] => [
      `no destination at all: ${JSON.stringify(destinations)}`,
      ['no-destination'],
      { destinations, destType: undefined, destId: '', destAddress: null },
    ]),
    [
      'no destination of another operation',
      [],
      { operation: 'MINT', destinations: [], destType: '', destId: '', destAddress: '' },
    ],
    [
      'nowhere at all, without a list',
      [],
      { destinations: undefined, destType: '', destId: '', destAddress: '' },
    ],
    // sum
    ['two that add up', [], { destinations: two('0.004', '0.006') }],
    ['two that get more', ['sum'], { destinations: two('0.006', '0.005') }],
    ['two that get less', [], { destinations: two('0.004', '0.005') }],
    [
      'one that gets more',
      ['sum'],
      { destinations: [destination({ amountNative: amount('0.1') })] },
    ],
    ['the requested amount before the fee is known', [], { amount: amount('0.009') }],
    [
      'less by an estimate than by the fee',
      [],
      { fee: amount('0.001'), destinations: [destination({ amountNative: amount('0.0093') })] },
    ],
    [
      'more than the amount, with no requested amount',
      ['sum'],
      { amount: amount('0.009'), requestedAmount: undefined },
    ],
    [
      'a known part that is more',
      ['sum'],
      {
        destinations: [
          destination({ amountNative: amount('1') }),
          destination({ amountNative: unreadable }),
        ],
      },
    ],
    [
      'no amount of one of two',
      [],
      { destinations: [destination(), destination({ amountNative: null })] },
    ],
    ['no amount stated', [], { amount: undefined, requestedAmount: unreadable }],
    ['sums of another operation', [], { operation: 'STAKE', amount: amount('0.001') }],
    // requested
    [
      'more than was requested',
      ['requested'],
      {
        requestedAmount: amount('0.009'),
        destinations: [destination({ amountNative: amount('0.009') })],
      },
    ],
    [
      'more than was requested, of another operation',
      [],
      { operation: 'MINT', requestedAmount: amount('0.009') },
    ],
    ['an exchange that takes more', [], { sourceType: 'EXCHANGE', amount: amount('0.0101') }],
    [
      'an exchange account that takes less',
      [],
      { sourceType: 'EXCHANGE_ACCOUNT', amount: amount('0.0099') },
    ],
    // address-pair
    ['another address at the top', ['address-pair'], { destAddress: OTHER_ADDRESS }],
    [
      'another address at the top than dstAddress',
      ['address-pair'],
      {
        destAddress: OTHER_ADDRESS,
        destinations: [destination({ dstAddress: ADDRESS, displayDstAddress: undefined })],
      },
    ],
    ['the same address in another case', [], { destAddress: ADDRESS.toLowerCase() }],
    [
      'a wrong checksum at the top',
      ['address-pair'],
      { destAddress: ADDRESS.replace('5dC', '5Dc') },
    ],
    ['no address at the top', [], { destAddress: undefined }],
    ['an empty address at the top', [], { destAddress: '' }],
    ['an unreadable address at the top', [], { destAddress: unreadable }],
    [
      'two addresses in one destination',
      ['address-pair'],
      { destinations: [destination({ dstAddress: OTHER_ADDRESS })] },
    ],
    ['one of several addresses at the top', [], { destinations: two('0.004', '0.006') }],
    // address-type
    ['another address type', ['address-type'], { destAddressType: 'ONE_TIME' }],
    ['a contract address as address type', [], { destAddressType: OTHER_ADDRESS }],
    ['an unreadable address type', [], { destAddressType: unreadable }],
    [
      'several at once, in their order',
      ['sum', 'address-pair', 'address-type'],
      {
        destAddress: OTHER_ADDRESS,
        destAddressType: 'ONE_TIME',
        destinations: [destination({ amountNative: amount('5') })],
      },
    ],
  ])('%s: %j', (_name, expected, changes) => {
    expect(failing(txRequest(changes))).toEqual(expected)
  })

  it('take the gas and the chain of typed data from the bytes', () => {
    const facts = { feeBound: { units: 1n, scale: 0 }, otherChain: '5' }
    const verdicts: Facts['rawTx'][] = [
      { status: 'verified', facts },
      { status: 'unverifiable', reason: 'x', facts },
    ]
    for (const rawTx of verdicts) {
      expect(failing(txRequest(), rawTx)).toEqual(['gas-bound', 'typed-data-chain'])
      expect(failing(txRequest({ fee: undefined }), rawTx)).toEqual(['typed-data-chain'])
    }
  })

  it('find nothing in a configuration change', () => {
    expect(failing(configRequest())).toEqual([])
  })
})

describe('the answer', () => {
  const request = txRequest({ destAddress: OTHER_ADDRESS, destAddressType: 'ONE_TIME' })
  const decide = (consistency: string, then = 'APPROVE', facts: Partial<Facts> = {}) =>
    evaluate(
      policyOf(`consistency: ${consistency}\nrules: [{ id: r, when: {}, then: ${then} }]`),
      request,
      { ...FACTS, ...facts },
    )
  const contradiction = (action: string, checks: string) => ({
    action,
    rule: 'contradiction',
    reason: `the request contradicts itself: ${checks}`,
  })
  const HELD = { approvals: 1, expiresMs: 86_400_000, onExpiry: 'REJECT' }

  it('is RETRY, which names the checks, and goes on record', () => {
    expect(decide('{}')).toMatchObject({
      decision: contradiction('RETRY', 'address-pair, address-type'),
      hold: undefined,
      charges: [],
      consistency: [
        { check: 'address-pair', answer: 'RETRY' },
        { check: 'address-type', answer: 'RETRY' },
      ],
    })
    expect(decide('{}', '{ action: RETRY, hold: {} }')).toMatchObject({
      decision: contradiction('RETRY', 'address-pair, address-type'),
      hold: undefined,
    })
  })

  it('is the strictest of all that fail', () => {
    expect(decide('{ address-pair: note, address-type: REJECT }').decision).toEqual(
      contradiction('REJECT', 'address-type'),
    )
    expect(decide('{ address-pair: note }').decision).toEqual(
      contradiction('RETRY', 'address-type'),
    )
    expect(decide('{ address-pair: hold, address-type: note }')).toMatchObject({
      decision: {
        action: 'RETRY',
        rule: 'r',
        reason: 'the request contradicts itself: address-pair',
      },
      hold: HELD,
    })
    expect(decide('{ address-pair: note, address-type: note }')).toMatchObject({
      decision: { action: 'APPROVE', rule: 'r' },
      consistency: [{ answer: 'note' }, { answer: 'note' }],
    })
  })

  it('of a hold has the terms of the check or of the rule, whichever asks for more', () => {
    const both = (terms: string) => `{ address-pair: ${terms}, address-type: note }`
    const held = (hold: string) => `{ action: RETRY, reason: ask, hold: ${hold} }`
    const two = { approvals: 2, expiresMs: 3_600_000, onExpiry: 'RETRY' }
    const twoText = '{ approvals: 2, expires: 1h, onExpiry: RETRY }'
    expect(decide(both(twoText)).hold).toMatchObject(two)
    // What was released for the rule alone, or for another check, is not for this.
    const bound = [both('hold'), '{ address-pair: note, address-type: hold }'].map(
      (each) => decide(each, held('{}')).hold?.boundTo,
    )
    expect(new Set([...bound, decide(both('note'), held('{}')).hold?.boundTo]).size).toBe(3)
    expect(decide(both('hold'), held(twoText))).toMatchObject({
      decision: { action: 'RETRY', rule: 'r', reason: 'ask' },
      hold: two,
    })
    expect(decide(both(twoText), held('{}')).hold).toMatchObject(two)
    expect(decide(both('{ onExpiry: RETRY }'), held('{}')).hold).toMatchObject(HELD)
    expect(decide(both('{ expires: 1h }'), held('{}')).hold).toMatchObject({
      ...HELD,
      expiresMs: 3_600_000,
    })
    expect(decide('{ address-pair: note, address-type: note }', held(twoText)).hold).toMatchObject(
      two,
    )
  })

  it('of a hold leaves the requirements of the rule as they are', () => {
    const policy = policyOf(`
consistency: { address-pair: hold, address-type: note }
limits: { day: { window: 24h, count: 1 } }
rules:
  - { id: r, when: { asset: ETH }, then: APPROVE, require: { limits: day } }
  - { id: b, when: { asset: BTC }, then: APPROVE, require: { rawTx: verified } }
`)
    expect(evaluate(policy, request, FACTS)).toMatchObject({
      hold: HELD,
      charges: [{ limit: 'day' }],
    })
    expect(evaluate(policy, { ...request, asset: 'BTC' }, FACTS)).toMatchObject({
      decision: { action: 'RETRY', rule: 'b' },
      hold: undefined,
    })
  })

  it('is not asked for where a rule refuses, waits or abstains', () => {
    expect(decide('{}', 'REJECT')).toMatchObject({ decision: { action: 'REJECT', rule: 'r' } })
    expect(decide('{}', 'REJECT').consistency).toBeUndefined()
    expect(decide('{}', 'RETRY')).toMatchObject({
      decision: { action: 'RETRY', rule: 'r' },
      // For the day on which a rule approves it.
      consistency: [{ answer: 'RETRY' }, { answer: 'RETRY' }],
    })
    const abstains = policyOf('rules: [{ id: r, when: { stage: approval }, then: IGNORE }]')
    expect(evaluate(abstains, { ...request, stage: 'approval' }, FACTS).decision.rule).toBe('r')
  })

  it('is written for checks that exist, and nothing else', () => {
    expect(parsePolicy('version: 1\nconsistency: { sums: note }', 'p')).toMatchObject({ ok: false })
    expect(parsePolicy('version: 1\nconsistency: { sum: APPROVE }', 'p')).toMatchObject({
      ok: false,
    })
    expect(parsePolicy('version: 1\nconsistency: { sum: { approvals: 3 } }', 'p')).toMatchObject({
      ok: false,
    })
    for (const check of CHECKS) {
      const policy = policyOf(`consistency: { ${check}: note }`)
      expect([...policy.consistency]).toEqual([[check, { answer: 'note' }]])
    }
  })
})

describe('a request that was seen before', () => {
  const disagreements = [{ check: 'sum', found: '' }] as const
  const retry: AnsweredCheck = { check: 'sum', answer: 'RETRY' }
  const held: AnsweredCheck = {
    check: 'sum',
    answer: 'hold',
    hold: { approvals: 2, expiresMs: 1, onExpiry: 'RETRY' },
  }
  const one = { approvals: 1, expiresMs: 9, onExpiry: 'REJECT' } as const
  const now = (consistency: string) => policyOf(`consistency: ${consistency}`).consistency

  it('keeps the stricter of what was answered and what the policy says now', () => {
    expect(answersTo(disagreements, now('{ sum: note }'), [retry])).toEqual([retry])
    expect(answersTo(disagreements, now('{ sum: REJECT }'), [retry])).toEqual([
      { check: 'sum', answer: 'REJECT' },
    ])
    expect(answersTo(disagreements, now('{ sum: note }'), [held])).toEqual([held])
    expect(
      answersTo(disagreements, new Map([['sum', { answer: 'hold', hold: one }]]), [held]),
    ).toEqual([held])
    expect(answersTo(disagreements, now('{ sum: note }'), [])).toEqual([
      { check: 'sum', answer: 'note' },
    ])
    expect(strictestOf([])).toBeUndefined()
    expect(strictestOf([held, retry])).toEqual({ answer: retry, checks: ['sum'] })
  })

  it.each([
    ['more people', { approvals: 2 }],
    ['REJECT at the end', { onExpiry: 'REJECT' }],
    ['a shorter time', { expiresMs: 1 }],
  ] as const)('asks for more with %s, in whichever order', (_, more) => {
    const terms = { approvals: 1, expiresMs: 2, onExpiry: 'RETRY' } as const
    const strict = { ...terms, ...more }
    expect([stricterTerms(terms, strict), stricterTerms(strict, terms)]).toEqual([strict, strict])
  })

  it('is not approved by a policy that was weakened meanwhile', () => {
    const policy = policyOf(
      'consistency: { address-pair: note }\nrules: [{ id: r, when: {}, then: APPROVE }]',
    )
    const request = txRequest({ destAddress: OTHER_ADDRESS })
    const before: AnsweredCheck[] = [{ check: 'address-pair', answer: 'RETRY' }]
    expect(evaluate(policy, request, FACTS).decision.action).toBe('APPROVE')
    expect(evaluate(policy, request, { ...FACTS, before }).decision).toMatchObject({
      action: 'RETRY',
      rule: 'contradiction',
    })
    const known = factsOf(policy, request, { ...KNOWN, before }, () => false)
    expect(evaluate(policy, request, known).decision.action).toBe('RETRY')
  })
})

describe('bytes that contradict the request', () => {
  const rawTx: Facts['rawTx'] = {
    status: 'mismatch',
    field: 'to',
    expected: 'a',
    found: 'b',
    facts: {},
  }
  const rule = (policy: string, changes: object = {}) => {
    const { decision, hold } = evaluate(policyOf(policy), txRequest(changes), { ...FACTS, rawTx })
    expect(hold).toBeUndefined()
    return `${decision.action} ${decision.rule}`
  }

  it.each([
    ['APPROVE', 'REJECT raw-tx'],
    ['RETRY', 'REJECT raw-tx'],
    ['{ action: RETRY, hold: {} }', 'REJECT raw-tx'],
    ['REJECT', 'REJECT r'],
  ])('are refused whatever a rule says: %s', (then, expected) => {
    expect(rule(`rules: [{ id: r, when: {}, then: ${then} }]`)).toBe(expected)
  })

  it('are refused where no rule matches, or none for certain', () => {
    expect(rule('default: RETRY')).toBe('REJECT raw-tx')
    expect(rule('rules: []')).toBe('REJECT raw-tx')
    const uncertain = 'rules: [{ id: r, when: { asset: ETH }, then: REJECT }]'
    expect(rule(uncertain, { asset: unreadable })).toBe('REJECT raw-tx')
  })

  it('are refused where a rule abstains', () => {
    const policy = 'rules: [{ id: r, when: { stage: approval }, then: IGNORE }]'
    expect(rule(policy, { stage: 'approval' })).toBe('REJECT raw-tx')
  })
})
