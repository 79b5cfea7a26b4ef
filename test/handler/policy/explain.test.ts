import { describe, expect, it } from '@jest/globals'
import { explain } from '../../../handler/policy/explain.ts'
import type { Facts } from '../../../handler/policy/facts.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import { JsonNumber } from '../../../handler/protocol/json-value.ts'
import { CERTAINLY } from '../../../handler/policy/readings/answer.ts'
import { subjectOf } from '../../../handler/policy/readings/subject.ts'
import { policyOf } from './policy.ts'
import { ADDRESS, configRequest, destination, FACTS, OTHER_ADDRESS, txRequest } from './requests.ts'

/** The first unmet condition of a rule with this `when`. */
function unmet(
  when: string,
  changes: Parameters<typeof txRequest>[0] = {},
  facts: Partial<Facts> = {},
) {
  const policy = policyOf(`
lists: { payees: { kind: addresses, values: ["${ADDRESS}"] } }
rules: [{ id: r, when: ${when}, then: APPROVE }]
`)
  const { rules } = explain(policy, txRequest(changes), { ...FACTS, ...facts })
  return rules[0]?.unmet
}

describe('explain', () => {
  it('names the deciding rule, those that come too late, and why the others do not match', () => {
    const policy = policyOf(`
rules:
  - { id: btc, when: { asset: BTC }, then: APPROVE }
  - { id: eth, when: { asset: ETH }, then: APPROVE }
  - { id: all, when: {}, then: RETRY }
`)
    expect(explain(policy, txRequest(), FACTS)).toMatchObject({
      evaluation: { decision: { action: 'APPROVE', rule: 'eth' } },
      consistency: [],
      rawTx: 'absent',
      statement: 'absent',
      rules: [
        {
          id: 'btc',
          action: 'APPROVE',
          answer: 'no',
          reading: 'every',
          outcome: 'unmatched',
          unmet: { field: 'asset', wants: '`BTC`', found: '`ETH`' },
        },
        { id: 'eth', answer: 'certainly', outcome: 'deciding', unmet: undefined },
        { id: 'all', answer: 'certainly', reading: 'any', outcome: 'shadowed', unmet: undefined },
      ],
    })
  })

  it('shows the addresses as they are compared, by which family', () => {
    const policy = policyOf('rules: []')
    const R = 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'
    const shown = (changes: Parameters<typeof txRequest>[0]) =>
      explain(policy, txRequest({ destinations: undefined, ...changes }), FACTS).addresses
    const eth = '0x5dc69b1fbb13bafd09af88a782f0f285772ad5f8'
    expect(shown({})).toEqual([{ keys: [eth], unreadable: false, family: 'evm' }])
    expect(shown({ asset: 'XRP', destAddress: R })).toEqual([
      { keys: [`${R} (tag unknown)`], unreadable: false, family: 'xrp' },
    ])
    expect(shown({ asset: 'XRP', destAddress: 'rX' })).toEqual([
      { keys: [], unreadable: true, family: 'xrp' },
    ])
    expect(shown({ asset: 'NEW', destAddress: 'rX' })).toEqual([
      { keys: ['rX'], unreadable: false, family: undefined },
    ])
    expect(explain(policy, configRequest(), FACTS).addresses).toEqual([])
  })

  it('says which rules match possibly, on what that depends, and why a hold cannot be released', () => {
    const policy = policyOf(`
rules:
  - { id: yes, when: { asset: ETH, amountUSD: { max: "50" } }, then: APPROVE }
  - { id: no, when: { amountUSD: { min: "50" } }, then: REJECT }
  - { id: held, when: { destination: { type: VAULT } }, then: { action: RETRY, hold: {} } }
`)
    const amountNative = parseDecimal('0.005')
    const mixed = [
      destination({ amountNative, amountUSD: null }),
      destination({ amountNative, dstType: 'EXCHANGE' }),
    ]
    const request = txRequest({ destinations: mixed, destType: undefined })
    const explanation = explain(policy, request, FACTS)
    expect(explanation).toMatchObject({
      evaluation: {
        decision: { action: 'RETRY', rule: 'uncertain' },
        uncertainty: { rule: 'no', unknown: ['amountUSD'] },
      },
      rules: [
        { id: 'yes', answer: 'possibly', reading: 'every', outcome: 'passed' },
        {
          id: 'no',
          answer: 'possibly',
          reading: 'any',
          outcome: 'deciding',
          unknown: ['amountUSD'],
        },
        {
          id: 'held',
          answer: 'certainly',
          outcome: 'shadowed',
          unreleasable:
            'its rule does not match every destination and element (see `release: any`)',
        },
      ],
    })
  })

  it('says what contradicts what, and what was found in bytes and statements', () => {
    const policy = policyOf('rules: []')
    const explained = (facts: Partial<Facts>) =>
      explain(policy, txRequest({ destAddress: OTHER_ADDRESS }), { ...FACTS, ...facts })
    expect(explained({}).consistency).toEqual([
      {
        check: 'address-pair',
        answer: 'RETRY',
        found: '`destAddress` is not the address of the only destination',
      },
    ])
    expect(explained({ rawTx: { status: 'unverifiable', reason: 'odd', facts: {} } }).rawTx).toBe(
      'unverifiable: odd',
    )
    expect(
      explained({
        rawTx: { status: 'mismatch', field: 'amount', expected: '1', found: '2', facts: {} },
      }).rawTx,
    ).toBe('mismatch: amount is 2, not 1')
    expect(explained({ statement: { status: 'invalid', reason: 'expired' } }).statement).toBe(
      'invalid: expired',
    )
    const valid = { status: 'valid', digest: '', keyName: 'ops', contentDigest: undefined } as const
    expect(explained({ statement: valid }).statement).toBe('valid, signed by ops')
  })

  it.each<[string, Parameters<typeof txRequest>[0], string, string]>([
    ['{ asset: [A, B, C, D, E, F, G] }', {}, 'one of `A`, `B`, `C`, `D`, `E` and 2 more', '`ETH`'],
    ['{ asset: A }', { asset: undefined }, '`A`', 'unknown'],
    ['{ asset: A }', { asset: null }, '`A`', 'unknown'],
    ['{ asset: A }', { asset: 'x'.repeat(100) }, '`A`', `\`${'x'.repeat(80)}…\``],
    ['{ note: "a*" }', { note: 'b\n`' }, '`a*`', '`b\\n``'],
    ['{ amount: { max: "0.001" } }', {}, 'at most `0.001`', '`0.01`'],
    ['{ amount: { min: "1" } }', {}, 'at least `1`', '`0.01`'],
    ['{ amount: { max: "2" } }', { amount: null }, 'at most `2`', '`0.01` and unknown'],
    ['{ amountUSD: { max: "1" } }', { destinations: undefined }, 'at most `1`', 'unknown'],
    ['{ destination: { type: EXCHANGE } }', {}, '`EXCHANGE`', '`VAULT`'],
    [
      '{ destination: { address: { list: payees } } }',
      { destinations: [destination(), destination({ displayDstAddress: OTHER_ADDRESS })] },
      'in list `payees`',
      `\`${OTHER_ADDRESS.toLowerCase()}\``,
    ],
    ['{ destination: { name: x } }', { destinations: undefined }, '`x`', 'unknown'],
    [
      '{ any-of: [{ asset: BTC }, { amount: { min: "1" } }] }',
      {},
      'one of 2 blocks',
      'none of them: asset is `ETH`; amount is `0.01`',
    ],
    ['{ extraParameters: { path: a, equals: b } }', { extraParameters: { a: 'c' } }, '`b`', '`c`'],
    [
      '{ extraParameters: { path: a, equals: [b, c] } }',
      { extraParameters: { a: true } },
      '`b` or `c`',
      '`true`',
    ],
    [
      '{ extraParameters: { path: a, equals: b } }',
      { extraParameters: { a: new JsonNumber('1') } },
      '`b`',
      '`1`',
    ],
    [
      '{ extraParameters: { path: a, equals: b } }',
      { extraParameters: { a: {} } },
      '`b`',
      'an object or a list',
    ],
    [
      '{ extraParameters: { path: a, present: true } }',
      { extraParameters: { a: null } },
      'present',
      'no value',
    ],
    [
      '{ time: { zone: UTC, days: [MON, TUE] } }',
      {},
      'MON, TUE in UTC',
      '`2026-11-20T12:00:00.000Z`',
    ],
    [
      '{ time: [{ zone: UTC, from: "00:00", to: "01:00" }, { zone: UTC, days: SUN }] }',
      {},
      'any day from 00:00 to 01:00 in UTC, or SUN in UTC',
      '`2026-11-20T12:00:00.000Z`',
    ],
  ])('says what %s wants and finds', (when, changes, wants, found) => {
    expect(unmet(when, changes)).toMatchObject({ wants, found })
  })

  it('finds nothing unmet in blocks of which one holds', () => {
    const policy = policyOf('rules: [{ id: r, when: { any-of: [{ asset: ETH }] }, then: APPROVE }]')
    const subject = subjectOf(txRequest(), FACTS, policy.addresses)
    const block = policy.rules[0]?.checks.find(({ alternatives }) => alternatives !== undefined)
    expect(block?.answer(subject, 'every')).toBe(CERTAINLY)
    expect(block?.unmet(subject, 'every').found).toBe('none of them: ')
  })
})
