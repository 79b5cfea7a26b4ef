import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { Evaluation } from '../../../handler/policy/decision.ts'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import { explain } from '../../../handler/policy/explain.ts'
import type { Facts } from '../../../handler/policy/facts.ts'
import { describeVerdict, factsOf } from '../../../handler/policy/judge.ts'
import { isObject } from '../../../handler/protocol/json-value.ts'
import { parseRequest } from '../../../handler/protocol/parse-request.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { parseStrictJson } from '../../../handler/protocol/strict-json.ts'
import { sampleMessage } from '../../fixtures/typed-message.ts'
import { policyOf } from './policy.ts'

type Payload = Readonly<Record<string, unknown>>

const FIXTURES = join(import.meta.dirname, '../../fixtures')
const KNOWN = { now: new Date('2026-11-20T12:00:00Z'), cosigner: 'main' }

function fixture(name: string): Payload {
  return JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')) as Payload
}

function requestOf(payload: Payload): CallbackRequest {
  const claims = parseStrictJson(JSON.stringify(payload))
  const parsed = isObject(claims) ? parseRequest('tx_sign_request', claims) : undefined
  if (parsed?.kind !== 'request') throw new Error('not a request')
  return parsed.request
}

interface Judged {
  readonly evaluation: Evaluation
  readonly facts: Facts
  /** `APPROVE r`. */
  readonly decision: string
  readonly rawTx: string
}

/** What the rules, written in YAML, make of a payload with its bytes. */
function judge(rules: string, payload: Payload): Judged {
  const policy = policyOf(`rules:\n${rules}`)
  const request = requestOf(payload)
  const facts = factsOf(policy, request, KNOWN, () => false)
  const evaluation = evaluate(policy, request, facts)
  expect(explain(policy, request, facts).evaluation).toEqual(evaluation)
  const { action, rule } = evaluation.decision
  const rawTx = describeVerdict(facts.rawTx)
  return { evaluation, facts, decision: `${action} ${rule}`, rawTx }
}

/** One approving rule. */
const rule = (when: string, rawTx: string, operation = 'TRANSFER') =>
  `  - { id: r, when: { stage: signing, operation: ${operation}, ${when} }, then: APPROVE, require: { rawTx: ${rawTx} } }`

const ALL = 'verified'
const TOLERANT = '{ verified: true, tolerate: [fee] }'
const BOUND = "asset: BTC, fee: { max: '0.001' }"

describe('a fee', () => {
  it.each<[string, string, string, string]>([
    ['fee-p2pkh', 'unproven: fee', 'RETRY r', 'APPROVE r'],
    ['fee-p2tr', 'unproven: fee', 'RETRY r', 'APPROVE r'],
    ['fee-p2tr-psbt', 'mismatch: fee', 'REJECT raw-tx', 'REJECT raw-tx'],
    ['fee-p2wpkh', 'mismatch: fee', 'REJECT raw-tx', 'REJECT raw-tx'],
    ['legacy-ambiguous', 'unproven: fee', 'RETRY r', 'APPROVE r'],
  ])('%s: %s', (name, rawTx, asked, tolerated) => {
    const payload = fixture(`bytes/${name}.json`)
    const strict = judge(rule(BOUND, ALL), payload)
    expect(strict.rawTx).toMatch(new RegExp(`^${rawTx}`))
    expect(strict.decision).toBe(asked)
    expect(judge(rule(BOUND, TOLERANT), payload).decision).toBe(tolerated)
  })

  describe('of gas that may cost more than `fee`', () => {
    // In the sample all gas at the highest price costs exactly the fee: 0.000597803762241.
    const payload = (fee: string) => ({ ...ethTo('ONE_TIME_ADDRESS', VAULT_1), fee })
    const bound = (max: string) => `asset: ETH, fee: { max: '${max}' }`

    it('is unproven; `fee.max` bounds what the bytes allow', () => {
      const less = payload('0.0005')
      expect(judge(rule(bound('0.001'), ALL), less)).toMatchObject({
        decision: 'RETRY contradiction',
        rawTx: 'unproven: fee',
      })
      expect(judge(rule(bound('0.001'), TOLERANT), less).decision).toBe('APPROVE r')
      // Between the stated fee and what the bytes allow.
      expect(judge(rule(bound('0.00055'), TOLERANT), less).decision).toBe('REJECT default')
    })

    it('satisfies a refusal of large fees', () => {
      const refusal = "  - { id: large, when: { fee: { min: '0.00055' } }, then: REJECT }\n"
      const rules = refusal + rule(bound('0.001'), TOLERANT)
      expect(judge(rules, payload('0.0005')).decision).toBe('REJECT large')
    })
  })
})

/** The published sample: 0.01 ETH from vault 0 to vault 1. */
const eth = () => fixture('vectors/doc-eth-raw/payload-9c794cee.json')
const VAULT_1 = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
const STRANGER = '0x00000000219ab540356cBB839Cbe05303d7705Fa'

/** The sample as if it went to another kind of destination, or said less of it. */
function ethTo(type: 'VAULT' | 'ONE_TIME_ADDRESS', address?: string): Payload {
  const payload = eth()
  const [first] = payload['destinations'] as Payload[]
  const dstId = type === 'VAULT' ? '1' : ''
  return {
    ...payload,
    destType: type,
    destId: dstId,
    destAddress: address ?? '',
    destinations: [{ ...first, dstType: type, dstId, displayDstAddress: address ?? '' }],
  }
}

describe('an own vault account', () => {
  const LABEL = "asset: ETH, destination: { type: VAULT, id: '1' }"
  const named = (address: string) =>
    `asset: ETH, destination: { type: VAULT, id: '1', address: '${address}' }`
  const tolerant = '{ verified: true, tolerate: [vault-address] }'

  it('is not proven by its label; the rule may name the address, or tolerate it', () => {
    const payload = ethTo('VAULT', VAULT_1)
    expect(judge(rule(LABEL, ALL), payload)).toMatchObject({
      decision: 'RETRY r',
      rawTx: 'unproven: vault-address',
    })
    expect(judge(rule(named(VAULT_1), ALL), payload).decision).toBe('APPROVE r')
    expect(judge(rule(LABEL, tolerant), payload).decision).toBe('APPROVE r')
  })

  it('may be named in blocks that all must hold, or of which each names one', () => {
    const payload = ethTo('VAULT', VAULT_1)
    const address = `destination: { address: '${VAULT_1}' }`
    for (const [when, decision] of [
      [`asset: ETH, all-of: [{ ${address} }, { destination: { id: '1' } }]`, 'APPROVE r'],
      [`asset: ETH, any-of: [{ ${address} }, { destination: { address: x } }]`, 'APPROVE r'],
      [`asset: ETH, any-of: [{ ${address} }, { destination: { id: '1' } }]`, 'RETRY r'],
    ] as const) {
      expect(judge(rule(when, ALL), payload).decision).toBe(decision)
    }
  })

  it('nothing has to be said of a one-time address', () => {
    expect(judge(rule('asset: ETH', ALL), ethTo('ONE_TIME_ADDRESS', VAULT_1))).toMatchObject({
      decision: 'APPROVE r',
      rawTx: 'verified',
    })
  })

  it('whose address is left out has the one that the bytes pay', () => {
    expect(judge(rule(named(VAULT_1), ALL), ethTo('VAULT')).decision).toBe('APPROVE r')
    expect(judge(rule(named(STRANGER), ALL), ethTo('VAULT')).decision).toBe('REJECT default')
    expect(judge(rule(LABEL, ALL), ethTo('VAULT')).decision).toBe('RETRY r')
  })
})

describe('a recipient that only the bytes name', () => {
  const payload = ethTo('ONE_TIME_ADDRESS')

  it('waits, unless the rule names it', () => {
    expect(judge(rule('asset: ETH', ALL), payload)).toMatchObject({
      decision: 'RETRY r',
      rawTx: 'unproven: recipient',
    })
    const everything = '{ verified: true, tolerate: [fee, vault-address, chain] }'
    expect(judge(rule('asset: ETH', everything), payload).decision).toBe('RETRY r')
    const when = `asset: ETH, destination: { address: '${VAULT_1}' }`
    expect(judge(rule(when, ALL), payload).decision).toBe('APPROVE r')
  })

  it('is refused by a rule that refuses it', () => {
    const refusal = `  - { id: blocked, when: { destination: { address: '${VAULT_1}' } }, then: REJECT }\n`
    expect(judge(refusal + rule('asset: ETH', ALL), payload).decision).toBe('REJECT blocked')
  })
})

describe('a hold', () => {
  const hold = (destination: string, terms: string, rawTx = ALL) =>
    `  - { id: h, when: { operation: TRANSFER, destination: ${destination} }, then: { action: RETRY, hold: { ${terms} } }, require: { rawTx: ${rawTx} } }`
  const payload = ethTo('VAULT', VAULT_1)

  it('asks people only when the bytes prove what it requires, by its own words too', () => {
    const named = `{ address: '${VAULT_1}' }`
    expect(judge(hold("{ id: '1' }", ''), payload).evaluation.hold).toBeUndefined()
    expect(judge(hold(named, ''), payload).evaluation.hold).toBeDefined()
    expect(judge(hold(`{ every: ${named} }`, ''), payload).evaluation.hold).toBeDefined()
  })

  it('that may be released for mixed or unknown values proves nothing by its conditions', () => {
    const named = `{ address: '${VAULT_1}' }`
    for (const terms of ['release: any', 'uncertain: release']) {
      expect(judge(hold(named, terms), payload).evaluation.hold).toBeUndefined()
    }
    const tolerant = '{ verified: true, tolerate: [vault-address] }'
    expect(judge(hold(named, 'release: any', tolerant), payload).evaluation.hold).toBeDefined()
  })
})

describe('several calls in one request', () => {
  /** Selectors of two entries of which the request states neither. */
  const judged = (rules: string, facts: object) => {
    const policy = policyOf(`rules:\n${rules}`)
    const request = requestOf({ ...eth(), operation: 'CONTRACT_CALL' })
    const rawTx = { status: 'unverifiable', reason: 'x', facts } as const
    const evaluation = evaluate(policy, request, {
      ...factsOf(policy, request, KNOWN, () => false),
      rawTx,
    })
    const { action, rule: by } = evaluation.decision
    return { decision: `${action} ${by}`, unreleasable: evaluation.unreleasable }
  }
  const two = { selectors: ['0x11111111', '0x22222222'] }
  const when = (selectors: string) =>
    `{ operation: CONTRACT_CALL, contractCall: { selector: ${selectors} } }`
  const approve = (selectors: string) => `  - { id: a, when: ${when(selectors)}, then: APPROVE }`
  const reject = (selectors: string) => `  - { id: n, when: ${when(selectors)}, then: REJECT }`
  const held = (selectors: string, terms = '') =>
    `  - { id: h, when: ${when(selectors)}, then: { action: RETRY, hold: { ${terms} } } }`
  const one = "'0x22222222'"
  const both = "['0x11111111', '0x22222222']"

  it('an approval needs all of them, a refusal one', () => {
    expect(judged(approve(one), two).decision).toBe('REJECT default')
    expect(judged(approve(both), two).decision).toBe('APPROVE a')
    expect(judged(`${reject(one)}\n${approve(both)}`, two).decision).toBe('REJECT n')
  })

  it('people release a hold only if its rule matches every entry, or says that one is enough', () => {
    expect(judged(held(one), two)).toEqual({
      decision: 'RETRY h',
      unreleasable: 'its rule does not match every destination and element (see `release: any`)',
    })
    expect(judged(held(both), two).unreleasable).toBeUndefined()
    expect(judged(held(one, 'release: any'), two).unreleasable).toBeUndefined()
  })

  it('an entry that cannot be decoded is unreadable: no approval, a refusal waits', () => {
    const half = { selectors: ['0x22222222'], undecoded: true }
    expect(judged(approve(both), half).decision).toBe('RETRY default')
    const all = '  - { id: all, when: { operation: any }, then: APPROVE }'
    expect(judged(`${reject("'0x33333333'")}\n${all}`, half).decision).toBe('RETRY uncertain')
    expect(judged(held(both), half).unreleasable).toMatch(/contractCall\.selector/)
  })
})

describe('typed data', () => {
  const messages = (...chainIds: (number | undefined)[]) => chainIds.map((id) => sampleMessage(id))
  const payload = (list: readonly object[], fields: Payload = {}) => ({
    ...eth(),
    operation: 'TYPED_MESSAGE',
    fee: undefined,
    rawTx: undefined,
    extraParameters: { rawMessageData: { messages: list } },
    ...fields,
  })
  const CONTRACT = '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC'
  const say = (typedData: string, then = 'APPROVE') =>
    `  - { id: r, when: { operation: TYPED_MESSAGE, typedData: ${typedData} }, then: ${then} }`

  it.each<[string, string, readonly object[], string]>([
    ['the chain', "{ chainId: '1' }", messages(1), 'APPROVE r'],
    ['another chain', "{ chainId: '137' }", messages(1), 'REJECT default'],
    ['the primary type', '{ primaryType: Mail }', messages(1), 'APPROVE r'],
    ['another primary type', '{ primaryType: Permit }', messages(1), 'REJECT default'],
    ['the contract', `{ verifyingContract: '${CONTRACT}' }`, messages(1), 'APPROVE r'],
    ['another contract', `{ verifyingContract: '${VAULT_1}' }`, messages(1), 'REJECT default'],
    [
      'all three',
      `{ chainId: ['1', '10'], primaryType: Mail, verifyingContract: '${CONTRACT}' }`,
      messages(1),
      'APPROVE r',
    ],
    [
      'two of three',
      `{ chainId: '1', primaryType: Order, verifyingContract: '${CONTRACT}' }`,
      messages(1),
      'REJECT default',
    ],
    ['a domain without chain id', "{ chainId: '1' }", messages(undefined), 'RETRY default'],
    ['each of two', '{ primaryType: Mail }', messages(1, 1), 'APPROVE r'],
    ['one of two', "{ chainId: '1' }", messages(1, 137), 'REJECT default'],
    ['a plain message', "{ chainId: '1' }", [{ type: 'EIP191', content: '00' }], 'REJECT default'],
    ['a message that is not strict', "{ chainId: '1' }", [{ type: 'EIP712' }], 'RETRY default'],
    ['a message of no known kind', "{ chainId: '1' }", [{ type: 'X' }], 'RETRY default'],
    ['no message', "{ chainId: '1' }", [], 'RETRY default'],
  ])('approves by %s', (_, typedData, list, decision) => {
    expect(judge(say(typedData), payload(list)).decision).toBe(decision)
  })

  it.each<[string, string, readonly object[], string]>([
    ['one of two', "{ chainId: '137' }", messages(1, 137), 'REJECT r'],
    ['every one', "{ every: { chainId: '137' } }", messages(1, 137), 'APPROVE all'],
    ['every one', "{ every: { chainId: ['1', '137'] } }", messages(1, 137), 'REJECT r'],
    ['none', "{ chainId: '10' }", messages(1, 137), 'APPROVE all'],
    ['what it may be', "{ chainId: '137' }", messages(undefined), 'RETRY uncertain'],
    ['what cannot be read', "{ chainId: '137' }", [{ type: 'EIP712' }], 'RETRY uncertain'],
    [
      'what cannot be read, unless that is no match',
      "{ chainId: '137', unknown: no-match }",
      [{ type: 'EIP712' }],
      'APPROVE all',
    ],
  ])('refuses %s', (_, typedData, list, decision) => {
    const rules = `${say(typedData, 'REJECT')}\n  - { id: all, when: { operation: any }, then: APPROVE }`
    const found = judge(rules, payload(list, { asset: 'ETH' }))
    // Two messages are not decoded, so no chain of theirs is known to be another one.
    expect(found.decision).toBe(decision)
  })

  it('for another chain wait, whatever else a rule says, until it names the chain', () => {
    const foreign = payload(messages(137))
    const open = '  - { id: r, when: { operation: TYPED_MESSAGE }, then: APPROVE }'
    expect(judge(open, foreign).evaluation.decision).toEqual({
      action: 'RETRY',
      rule: 'contradiction',
      reason: 'the request contradicts itself: typed-data-chain',
    })
    expect(judge(open, payload(messages(1))).decision).toBe('APPROVE r')
    expect(judge(say("{ chainId: '137' }"), foreign).decision).toBe('APPROVE r')
    expect(judge(say("{ chainId: ['1', '137'] }"), foreign).decision).toBe('APPROVE r')
    expect(judge(say('{ primaryType: Mail }'), foreign).decision).toBe('RETRY contradiction')
    const hold = '{ action: RETRY, hold: {} }'
    expect(judge(say('{ primaryType: Mail }', hold), foreign).evaluation.hold).toBeUndefined()
    expect(judge(say("{ every: { chainId: '137' } }", hold), foreign).evaluation.hold).toBeDefined()
  })

  it('are no value of other operations', () => {
    const refusal = say("{ chainId: '1' }", 'REJECT').replace('operation: TYPED_MESSAGE, ', '')
    const rules = `${refusal}\n  - { id: all, when: { operation: any }, then: APPROVE }`
    expect(judge(rules, eth()).decision).toBe('APPROVE all')
  })

  it('are explained', () => {
    const policy = policyOf(`rules:\n${say("{ chainId: '137', primaryType: Mail }")}`)
    const unmetOf = (list: readonly object[]) => {
      const request = requestOf(payload(list))
      const facts = factsOf(policy, request, KNOWN, () => false)
      const [first] = explain(policy, request, facts).rules
      return { unmet: first?.unmet, unknown: first?.unknown }
    }
    const wants = '`137`'
    expect(unmetOf(messages(1)).unmet).toEqual({
      field: 'typedData.chainId',
      wants,
      found: '`1`',
    })
    expect(unmetOf(messages(undefined))).toEqual({
      unmet: { field: 'typedData.chainId', wants, found: 'unknown' },
      unknown: ['typedData.chainId'],
    })
    expect(unmetOf([{ type: 'EIP712' }]).unmet?.found).toBe('unreadable')
    expect(unmetOf([{ type: 'EIP191' }]).unmet?.found).toBe('no value')
    const request = requestOf(eth())
    const facts = factsOf(policy, request, KNOWN, () => false)
    const other = policyOf(
      "rules:\n  - { id: r, when: { typedData: { chainId: '1' } }, then: REJECT }",
    )
    expect(explain(other, request, facts).rules[0]?.unmet).toEqual({
      field: 'typedData.chainId',
      wants: '`1`',
      found: 'no value',
    })
  })

  it('need a condition, and a chain id in decimal', () => {
    const problems = (typedData: string) => {
      try {
        policyOf(`rules:\n${say(typedData)}`)
        return ''
      } catch (error) {
        return String(error)
      }
    }
    expect(problems('{}')).toContain('expected `chainId`, `primaryType` or `verifyingContract`')
    expect(problems("{ chainId: '0x1' }")).toContain('expected a chain id in decimal')
    expect(problems("{ any: { chainId: '1' } }")).toContain('must hold for every one of them')
  })
})
