/**
 * Values of a type that the vendor does not document, as the reader hands them on: what cannot be read satisfies no approval
 * and turns no refusal off.
 */
import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { explain } from '../../../handler/policy/explain.ts'
import { absenceOf } from '../../../handler/policy/readings/absence.ts'
import { largestAmount } from '../../../handler/policy/readings/amounts.ts'
import { NO, POSSIBLY } from '../../../handler/policy/readings/answer.ts'
import { subjectOf } from '../../../handler/policy/readings/subject.ts'
import { unknownFields } from '../../../handler/policy/readings/unknown.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { Unreadable } from '../../../handler/protocol/request.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { policyOf } from './policy.ts'
import { ADDRESS, configRequest, destination, FACTS, txRequest } from './requests.ts'

type Members = Readonly<Record<string, unknown>>

const UNREADABLE = new Unreadable(['x'])
const NO_TEXTS = new Set(['amount', 'destinations'])

/** Members as they are read of a sender who keeps no types. */
function ill(members: Members): Parameters<typeof txRequest>[0] {
  const entries = Object.entries(members).map(([name, value]) => {
    const isUnread = typeof value === 'number' || (typeof value === 'string' && NO_TEXTS.has(name))
    return [name, isUnread || hasStray(value) ? UNREADABLE : value]
  })
  return Object.fromEntries(entries)
}

/** One element of another type makes a list unreadable. */
function hasStray(value: unknown): boolean {
  return Array.isArray(value) && value.some((each) => typeof each !== 'object')
}

function illConfig(members: Members): CallbackRequest {
  return Object.assign({}, configRequest(), ill(members))
}

function illEntry(members: Members): unknown {
  return { ...destination(), ...ill(members) }
}

/** The answers of a rule that approves and of one that refuses, and what the first did not find. */
function answers(when: string, request: CallbackRequest) {
  const policy = policyOf(`
rules:
  - { id: every, when: ${when}, then: APPROVE }
  - { id: any, when: ${when}, then: REJECT }
`)
  const { rules } = explain(policy, request, FACTS)
  return [rules.map(({ answer }) => answer).join(' '), rules[0]?.unmet?.found]
}

const TWO = [destination(), destination({ dstId: '2' })]
const R = 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'
const nowhere = { destType: null, destId: null, destAddress: null, destAddressType: null }

describe('a transaction', () => {
  it.each<[string, string, Record<string, unknown>, string, string | undefined]>([
    [
      'destinations that are no list',
      '{ destination: { id: "1" } }',
      { destinations: 'x' },
      'possibly certainly',
      'unreadable',
    ],
    [
      'an entry that is none',
      '{ destination: { id: "1" } }',
      { destinations: [...TWO, 5] },
      'possibly certainly',
      'unreadable',
    ],
    [
      'an id that is no text',
      '{ destination: { id: "1" } }',
      { destinations: [illEntry({ dstId: 5 })] },
      'possibly certainly',
      'unreadable',
    ],
    [
      'an id that is no text, alone',
      '{ destination: { id: "1" } }',
      { ...nowhere, destinations: [illEntry({ dstId: 5 })] },
      'possibly possibly',
      'unreadable',
    ],
    [
      'a type that is no text beside one',
      '{ destination: { type: VAULT } }',
      { destinations: [illEntry({ dstType: 5 })] },
      'possibly certainly',
      'unreadable',
    ],
    [
      'a type that is no text beside another',
      '{ destination: { type: ONE_TIME } }',
      { destinations: [illEntry({ dstType: 5 })] },
      'no possibly',
      '`VAULT`',
    ],
    [
      'a contract whose other type is no text',
      '{ destination: { type: UNMANAGED } }',
      { ...nowhere, destType: 5, destinations: [illEntry({ dstType: 'CONTRACT' })] },
      'possibly possibly',
      '`CONTRACT`',
    ],
    [
      'an address that is no text',
      `{ destination: { address: "${ADDRESS}" } }`,
      { ...nowhere, destinations: [illEntry({ displayDstAddress: 5 })] },
      'possibly possibly',
      'unreadable',
    ],
    [
      'a tag that is no text',
      `{ destination: { address: "${R}:7" } }`,
      { ...nowhere, asset: 'XRP', destinations: [illEntry({ displayDstAddress: R, dstTag: 5 })] },
      'no possibly',
      `\`${R}\\n\``,
    ],
    [
      'a tag that is no text, where tags mean nothing',
      `{ destination: { address: "${ADDRESS}" } }`,
      { destinations: [illEntry({ dstTag: 5 })] },
      'certainly certainly',
      undefined,
    ],
    [
      'an amount that is no number',
      '{ amount: { max: "1" } }',
      { amount: 'x', destinations: [] },
      'possibly possibly',
      'unknown',
    ],
    [
      'amounts of no list',
      '{ amount: { max: "1" } }',
      { destinations: 'x' },
      'possibly certainly',
      '`0.01` and `0` or more',
    ],
    [
      'call data that are no text',
      '{ contractCall: { selector: "0xa9059cbb" } }',
      { extraParameters: { contractCallData: 5 } },
      'possibly possibly',
      'unreadable',
    ],
    [
      'parameters that are no object',
      '{ extraParameters: { path: contractCallData, equals: x } }',
      { extraParameters: 5 },
      'possibly possibly',
      'unreadable',
    ],
    [
      'parameters that are no object, for call data',
      '{ contractCall: { selector: "0xa9059cbb" } }',
      { operation: 'CONTRACT_CALL', extraParameters: 5 },
      'possibly possibly',
      'unreadable',
    ],
    [
      'messages of an operation that is no text',
      '{ typedData: { primaryType: Mail } }',
      { operation: 5 },
      'possibly possibly',
      'unreadable',
    ],
    [
      'a coarse type, which only refusals heed',
      '{ destination: { type: UNMANAGED } }',
      {
        ...nowhere,
        destType: 'END_USER_WALLET',
        destinations: [illEntry({ dstType: 'UNMANAGED' })],
      },
      'no certainly',
      '`END_USER_WALLET`',
    ],
  ])('with %s', (_, when, members, expected, found) => {
    expect(answers(when, txRequest(ill(members)))).toEqual([expected, found])
  })

  it('is in no limit that is kept by a destination which cannot be read', () => {
    const policy = policyOf(`
limits: { daily: { window: 24h, amount: "1", by: destination } }
rules: [{ id: r, when: { asset: ETH }, then: APPROVE, require: { limits: daily } }]`)
    const { decision } = explain(policy, txRequest(ill({ destinations: 'x' })), FACTS).evaluation
    expect(decision).toMatchObject({ action: 'RETRY' })
  })

  it('is refused by no rule that takes the unknown for no match', () => {
    const policy = policyOf(
      'rules: [{ id: any, when: { destination: { id: "1", unknown: no-match } }, then: REJECT }]',
    )
    const answered = (members: Members) =>
      explain(policy, txRequest(ill(members)), FACTS).rules[0]?.answer
    const unreadable = { ...nowhere, destinations: [illEntry({ dstId: 5 })] }
    expect([answered({}), answered(unreadable)]).toEqual(['certainly', 'no'])
  })

  it('states no largest amount unless every one is exact', () => {
    expect(largestAmount(txRequest())).toEqual(parseDecimal('0.01'))
    expect(largestAmount(txRequest({ amount: parseDecimal('0.02') }))).toEqual(parseDecimal('0.02'))
    expect(largestAmount(txRequest({ amount: parseDecimal('0.005') }))).toEqual(
      parseDecimal('0.01'),
    )
    expect(largestAmount(txRequest(ill({ destinations: 'x' })))).toBeUndefined()
    expect(largestAmount(txRequest(ill({ amount: null, destinations: null })))).toBeUndefined()
  })
})

describe('a destination that nobody states', () => {
  it('has no address that could be missing for a good reason', () => {
    const { addresses } = policyOf('rules: []')
    const subject = subjectOf(txRequest(), FACTS, addresses)
    expect(absenceOf('destination.address')(subject, undefined)).toBe(false)
    expect(absenceOf('destination.subType')(subject, undefined)).toBe(false)
  })
})

describe('many values', () => {
  it('of a list are compared, however many there are', () => {
    const texts = Array.from(
      { length: 1_100 },
      (_, n) => `0x${createHash('sha1').update(String(n)).digest('hex')}`,
    )
    const policy = policyOf(`
lists: { known: { kind: addresses, values: ${JSON.stringify(texts.slice(0, 600))} } }
rules:
  - { id: refused, when: { destination: { address: { list: known } } }, then: REJECT }
  - { id: rest, when: { operation: any }, then: APPROVE }`)
    const rules = texts.map((text) => {
      const destinations = [destination({ displayDstAddress: text })]
      const request = txRequest({ destAddress: text, destinations })
      return explain(policy, request, FACTS).evaluation.decision.rule
    })
    expect(rules.slice(0, 600).every((rule) => rule === 'refused')).toBe(true)
    expect(rules.slice(600).filter((rule) => rule !== 'rest')).toEqual([])
  })
})

describe('a configuration change', () => {
  it.each<[string, string, Record<string, unknown>, string, string]>([
    [
      'details that are no object',
      '{ details: { address: "x" } }',
      { extraInfo: 5 },
      'possibly possibly',
      'unreadable',
    ],
    [
      'an address that is no text',
      '{ details: { address: "x" } }',
      { extraInfo: { address: 5 } },
      'possibly possibly',
      'unreadable',
    ],
  ])('with %s', (_, when, members, expected, found) => {
    expect(answers(when, illConfig(members))).toEqual([expected, found])
  })

  it('has no destinations and no amounts, and conditions on them do not hold', () => {
    const policy = policyOf(`rules:
  - { id: every, when: { destination: { id: "1" }, amountUSD: { max: "1" } }, then: APPROVE }
  - { id: any, when: { destination: { id: "1" }, amount: { max: "1" } }, then: REJECT }`)
    const subject = subjectOf(configRequest(), FACTS, policy.addresses)
    expect([subject.destinations(), subject.amounts().amounts, subject.dollars().amounts]).toEqual([
      [],
      [],
      [],
    ])
    expect([unknownFields(subject), subject.typedMessages()]).toEqual([[], []])
    for (const { checks, reading } of policy.rules) {
      const about = (name: string) =>
        checks.find(({ parts }) => parts.some(({ field }) => field.startsWith(name)))
      expect(about('destination')?.answer(subject, reading)).toBe(NO)
      expect(about('destination')?.unmet(subject, reading).found).toBe('no value')
      expect(about('amount')?.answer(subject, reading)).toBe(POSSIBLY)
    }
  })
})
