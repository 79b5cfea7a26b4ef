/** Changes of a policy or a request that must never add an approval, and the agreement of explanations with decisions. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { disagreementsIn } from '../../../handler/policy/consistency.ts'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import { explain } from '../../../handler/policy/explain.ts'
import { factsOf } from '../../../handler/policy/judge.ts'
import type { Policy } from '../../../handler/policy/compile/policy.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { policyOf } from './policy.ts'

/** Pairs of a policy and a request per property; a long run sets this to 100000. */
const PAIRS = Number(process.env['COUNTERSIGN_PROPERTY_RUNS'] ?? '2000')
const PER_POLICY = 20

const E1 = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
const E2 = '0x00000000219ab540356cBB839Cbe05303d7705Fa'
const X1 = 'rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh'
const C1 = 'bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy'
const ADDRESSES = [E1, E2, X1, `${X1}:7`, C1, '1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR']
/** A checksum that fails. */
const UNREADABLE_ADDRESS = '0x5dC69B1Fbb13Bafd09af88a782F0F285772AD5f8'
const TYPES = ['VAULT', 'EXCHANGE', 'ONE_TIME', 'UNMANAGED', 'CONTRACT', 'FIAT_ACCOUNT']

type Payload = Record<string, unknown>
interface Rule {
  readonly when: object
  readonly then: unknown
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values)
const oneOrTwo = <T>(...values: T[]) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 })
const seldom = <T>(value: fc.Arbitrary<T>, weight = 3) =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })

const addresses = fc.oneof(
  oneOrTwo(...ADDRESSES),
  pick({ list: 'good' }, { list: 'bad' }, { list: ['good', 'bad'] }),
)
const block = fc.record({
  type: seldom(oneOrTwo(...TYPES)),
  id: seldom(oneOrTwo('0', '1', '7')),
  address: seldom(addresses, 1),
  addressType: seldom(pick('WHITELISTED', 'ONE_TIME')),
  name: seldom(pick('n', 'b*')),
  subType: seldom(pick('BINANCE', 'CONTRACT', 'EXTERNAL')),
})
const range = fc.oneof(
  pick('0', '1', '5').map((min) => ({ min })),
  pick('0.5', '1', '5').map((max) => ({ max })),
)
const extra = pick<object>(
  { path: 'rawMessageData.messages.*.type', equals: 'EIP191' },
  { path: 'rawMessageData.messages.*.type', equals: ['EIP712', 'EIP191'] },
  { path: 'flag', present: true },
  { path: 'contractCallData', present: true },
)
const simple = fc.record({
  operation: seldom(oneOrTwo('TRANSFER', 'CONTRACT_CALL', 'TYPED_MESSAGE', 'STAKE')),
  asset: seldom(oneOrTwo('ETH', 'XRP')),
  source: seldom(
    fc.record(
      { type: oneOrTwo('VAULT', 'EXCHANGE'), id: oneOrTwo('0', '9') },
      { requiredKeys: ['id'] },
    ),
  ),
  destination: seldom(
    block.filter((each) => Object.values(each).some((value) => value)),
    1,
  ),
  amount: seldom(range),
  amountUSD: seldom(range),
  fee: seldom(range),
  note: seldom(pick('x*', 'rent')),
  externalTxId: seldom(pick('x-1', 'bad-*')),
  signerId: seldom(pick('s1', 's2')),
  contractCall: seldom(pick({ selector: '0xa9059cbb' })),
  extraParameters: seldom(extra),
  stage: seldom(pick('approval', 'signing')),
})
const when = fc
  .tuple(simple, seldom(fc.array(simple, { minLength: 1, maxLength: 2 }), 4))
  .map(([own, blocks]) => clean({ ...own, 'any-of': blocks?.filter((each) => !isEmpty(each)) }))
const hold = pick({}, { release: 'any' }, { uncertain: 'release' })
const rule: fc.Arbitrary<Rule> = fc.record({
  when,
  then: fc.oneof(
    { weight: 4, arbitrary: pick<unknown>('APPROVE') },
    { weight: 2, arbitrary: pick<unknown>('REJECT', 'RETRY') },
    { weight: 1, arbitrary: hold.map((each) => ({ action: 'RETRY', hold: each })) },
  ),
})
const rules = fc.array(rule, { minLength: 1, maxLength: 5 })

/** JSON members that are undefined, and blocks that are empty, left out. */
function clean(value: object): object {
  const parsed: unknown = JSON.parse(JSON.stringify(value))
  const entries = Object.entries(Object(parsed)).filter(
    ([, each]) => !(Array.isArray(each) && each.length === 0),
  )
  return Object.fromEntries(entries)
}

function isEmpty(value: object): boolean {
  return Object.keys(clean(value)).length === 0
}

const text = (...values: (string | null | undefined)[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...values) },
    fc.constantFrom(undefined, null, ''),
  )

const entry = fc
  .record({
    dstType: text(...TYPES, 'EXCHANGE_ACCOUNT', 'ONE_TIME_ADDRESS'),
    dstId: text('0', '1', '7'),
    dstAddress: text(...ADDRESSES, UNREADABLE_ADDRESS),
    dstAddressType: text('WHITELISTED', 'ONE_TIME'),
    dstName: text('n', 'bad'),
    dstSubType: text('BINANCE', 'CONTRACT', 'EXTERNAL'),
    amountNativeStr: fc.oneof({ weight: 9, arbitrary: pick('0.5', '1', '4') }, pick(undefined)),
    amountUSD: pick<number | null | undefined>(0.5, 3, 10, null, undefined),
  })
  .map((each): Payload => each)

/** The top level names the first entry, or less: where both name a type they agree. */
const payload: fc.Arbitrary<Payload> = fc
  .record({
    operation: pick('TRANSFER', 'TRANSFER', 'CONTRACT_CALL', 'TYPED_MESSAGE', 'STAKE'),
    asset: text('ETH', 'XRP', 'BTC'),
    sourceType: text('VAULT', 'EXCHANGE'),
    sourceId: text('0', '9', '3'),
    destinations: fc.array(entry, { minLength: 1, maxLength: 3 }),
    top: pick('first', 'address', 'silent'),
    topAddress: text(...ADDRESSES),
    isSigning: pick(true, false),
    amountStr: pick('0.5', '1', '4', '5', undefined),
    fee: pick('0.1', '4', undefined, undefined),
    note: text('x', 'rent'),
    externalTxId: text('x-1', 'bad-1'),
    signerId: text('s1', 's2'),
    extraParameters: pick<unknown>(
      undefined,
      { contractCallData: '0xa9059cbb00' },
      { contractCallData: '0x095ea7b300', flag: 1 },
      { rawMessageData: { messages: [{ type: 'EIP712' }, { type: 'EIP191' }] } },
    ),
  })
  .map(({ top, topAddress, isSigning, fee, ...members }): Payload => {
    const [first] = members.destinations
    const named = {
      destType: first?.['dstType'],
      destId: first?.['dstId'],
      destAddress: first?.['dstAddress'],
      destAddressType: first?.['dstAddressType'],
    }
    const level = top === 'first' ? named : top === 'address' ? { destAddress: topAddress } : {}
    const stage = isSigning ? { rawTx: [], ...(fee === undefined ? {} : { fee }) } : {}
    return { txId: 't', requestId: 't', ...members, ...level, ...stage }
  })

const GOOD = [E1, X1]
const BAD = [E2]

function compile(list: readonly Rule[], bad: readonly string[] = BAD): Policy {
  const entries = list.map((each, index) => ({ id: `r${index}`, ...each }))
  const lists = {
    good: { kind: 'addresses', values: GOOD },
    bad: { kind: 'addresses', values: bad },
  }
  return policyOf(`lists: ${JSON.stringify(lists)}\nrules: ${JSON.stringify(entries)}`)
}

function read(content: Payload) {
  const claims = parseStrictJson(JSON.stringify(content))
  const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
  return parsed?.kind === 'request' ? parsed.request : undefined
}

const KNOWN = { now: new Date('2026-11-20T12:00:00Z'), cosigner: 'main' }

function approves(policy: Policy, content: Payload): boolean {
  const request = read(content)
  if (request === undefined) return false
  const facts = factsOf(policy, request, KNOWN, () => false)
  return evaluate(policy, request, facts).decision.action === 'APPROVE'
}

/** A request whose parts disagree is refused for that, which a change may mend; conditions are what is tried here. */
function agrees(content: Payload): boolean {
  const request = read(content)
  return request !== undefined && disagreementsIn(request, { status: 'absent' }).length === 0
}

/** How often something is approved at all, without which a property would say nothing. */
let approved = 0
beforeEach(() => {
  approved = 0
})
afterEach(() => {
  expect(approved).toBeGreaterThan(PAIRS / 200)
})

interface Policies {
  readonly before: Policy
  readonly after: Policy
}

/**
 * What is approved after a change was approved before it. `policies` gives the two of a list of rules, `changed` the
 * requests to try after the change; those that `changed` leaves out are not tried.
 */
function neverAdds<P, C>(
  ofPolicy: fc.Arbitrary<P>,
  policies: (list: readonly Rule[], how: P) => Policies,
  ofRequest: fc.Arbitrary<C>,
  changed: (content: Payload, how: C) => readonly Payload[],
): void {
  const requests = fc.array(fc.tuple(payload, ofRequest), {
    minLength: PER_POLICY,
    maxLength: PER_POLICY,
  })
  fc.assert(
    fc.property(rules, ofPolicy, requests, (list, how, pairs) => {
      const { before, after } = policies(list, how)
      for (const [content, change] of pairs) {
        if (!agrees(content)) continue
        const isApproved = approves(before, content)
        if (isApproved) approved += 1
        const added = isApproved
          ? undefined
          : changed(content, change).find((each) => approves(after, each))
        if (added !== undefined) throw new Error(JSON.stringify({ content, added }))
      }
    }),
    { numRuns: Math.ceil(PAIRS / PER_POLICY) },
  )
}

const nothing = fc.constant(undefined)
const same = (content: Payload) => [content]
const onePolicy = (list: readonly Rule[]) => {
  const policy = compile(list)
  return { before: policy, after: policy }
}

describe('never adds an approval', () => {
  it('a rule that refuses, on top', () => {
    const top = fc.record({
      when,
      then: pick<unknown>('REJECT', 'RETRY', { action: 'RETRY', hold: {} }),
    })
    const policies = (list: readonly Rule[], added: Rule) => ({
      before: compile(list),
      after: compile([added, ...list]),
    })
    neverAdds(top, policies, nothing, same)
  })

  it('an entry of a list that only refusing rules use', () => {
    const policies = (list: readonly Rule[]) => {
      const own = list.filter(
        ({ when: conditions, then }) =>
          then !== 'APPROVE' || !JSON.stringify(conditions).includes('"bad"'),
      )
      return { before: compile(own), after: compile(own, [...BAD, ...ADDRESSES]) }
    }
    neverAdds(nothing, policies, nothing, same)
  })

  it('a further destination of no amount', () => {
    neverAdds(nothing, onePolicy, entry, (content, added) => [
      withEntry(content, { ...added, amountNativeStr: '0', amountUSD: 0 }),
      withEntry(content, { ...added, amountNativeStr: undefined, amountUSD: 0 }),
    ])
  })

  it('an unreadable value instead of any other', () => {
    // A fee, readable or not, makes a request one of the signing stage, which other rules are about.
    neverAdds(nothing, onePolicy, pick(...MEMBERS), (content, member) =>
      member === 'fee' && !('rawTx' in content) ? [] : [put(content, member, unreadable(member))],
    )
  })

  it('nothing instead of a value that is then unknown', () => {
    neverAdds(nothing, onePolicy, pick(...DROPPED), (content, member) =>
      isUnknownWithout(content, member) ? [put(content, member, undefined)] : [],
    )
  })
})

/** True when the table calls the member unknown once it is missing. */
function isUnknownWithout(content: Payload, member: string): boolean {
  const hasDestination = ['TRANSFER', 'CONTRACT_CALL'].includes(String(content['operation']))
  if (member === 'fee') return 'rawTx' in content
  if (!Object.hasOwn(LEVELS, member)) return true
  return hasDestination
}

/** Names of members in `destinations`, with that of the top level. */
const LEVELS: Readonly<Record<string, string | undefined>> = {
  dstType: 'destType',
  dstId: 'destId',
  dstAddress: 'destAddress',
  dstAddressType: 'destAddressType',
  dstName: undefined,
  dstSubType: undefined,
  amountUSD: undefined,
}

const MEMBERS = [
  ...Object.keys(LEVELS),
  'asset',
  'sourceType',
  'sourceId',
  'amountStr',
  'fee',
  'note',
  'externalTxId',
  'signerId',
]

/** Where an absent value is unknown; of ids and names, only where the type has them. */
const DROPPED = [
  'dstAddressType',
  'dstAddress',
  'amountUSD',
  'asset',
  'sourceType',
  'sourceId',
  'amountStr',
  'fee',
]

function entriesOf({ destinations }: Payload): readonly Payload[] {
  return Array.isArray(destinations) ? (destinations as readonly Payload[]) : []
}

function withEntry(content: Payload, added: Payload): Payload {
  return { ...content, destinations: [...entriesOf(content), added] }
}

function unreadable(member: string): unknown {
  if (member === 'dstAddress') return UNREADABLE_ADDRESS
  return member === 'amountUSD' || member === 'amountStr' || member === 'fee' ? '-1' : 7
}

/** The payload with another value of a member, in every destination and at the top level. */
function put(content: Payload, member: string, value: unknown): Payload {
  if (!Object.hasOwn(LEVELS, member)) return { ...content, [member]: value }
  const top = LEVELS[member]
  return {
    ...content,
    ...(top === undefined || content[top] === undefined ? {} : { [top]: value }),
    destinations: entriesOf(content).map((each) => ({ ...each, [member]: value })),
  }
}

describe('explain', () => {
  it('names the rule that evaluate names', () => {
    fc.assert(
      fc.property(
        rules,
        fc.array(payload, { minLength: PER_POLICY, maxLength: PER_POLICY }),
        (list, contents) => {
          const policy = compile(list)
          for (const content of contents) {
            const request = read(content)
            if (request === undefined) continue
            const facts = factsOf(policy, request, KNOWN, () => false)
            const { evaluation, rules: explained } = explain(policy, request, facts)
            const { rule: found, action } = evaluation.decision
            const deciding = explained.find(({ outcome }) => outcome === 'deciding')
            expect(evaluate(policy, request, facts)).toEqual(evaluation)
            if (found === 'default') expect(deciding).toBeUndefined()
            else if (found === 'uncertain')
              expect(deciding).toMatchObject({ answer: 'possibly', action: 'REJECT' })
            else if (found !== 'contradiction') expect(deciding?.id).toBe(found)
            if (action === 'APPROVE') expect(deciding?.answer).toBe('certainly')
            if (deciding !== undefined) approved += 1
          }
        },
      ),
      { numRuns: Math.ceil(PAIRS / PER_POLICY) },
    )
  })
})
