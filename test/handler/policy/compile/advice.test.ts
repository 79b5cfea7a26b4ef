import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { adviceOn } from '../../../../handler/policy/compile/advice.ts'
import { policyOf } from '../policy.ts'
import { ADDRESS, OTHER_ADDRESS } from '../requests.ts'

const messages = (yaml: string) =>
  adviceOn(policyOf(yaml)).map(({ level, message }) => `${level}: ${message}`)

/** Advice on two rules with these conditions. */
const pair = (first: string, second: string) =>
  messages(`
lists:
  one: { kind: addresses, values: ["${ADDRESS}"] }
  two: { kind: addresses, values: ["${ADDRESS}", "${OTHER_ADDRESS}"] }
  huge: { kind: assets, values: [${Array.from({ length: 100 }, (_, i) => `A${i}`).join(', ')}] }
rules:
  - { id: first, when: ${first}, then: REJECT }
  - { id: second, when: ${second}, then: REJECT }
`).filter((line) => line.includes('never reached')).length === 1

describe('adviceOn', () => {
  it.each([
    ['everything', '{}', '{ asset: ETH }', true],
    ['the same', '{ asset: ETH }', '{ asset: ETH }', true],
    ['more assets', '{ asset: [ETH, BTC] }', '{ asset: ETH, note: x }', true],
    ['fewer assets', '{ asset: ETH }', '{ asset: [ETH, BTC] }', false],
    ['another field', '{ note: x }', '{ asset: ETH }', false],
    ['a wider range', '{ amount: { max: "2" } }', '{ amount: { min: "1", max: "2.0" } }', true],
    ['an open range', '{ amount: { min: "1" } }', '{ amount: { min: "1", max: "2" } }', true],
    ['a range against an open one', '{ amount: { max: "2" } }', '{ amount: { min: "1" } }', false],
    [
      'a range against one open below',
      '{ amount: { min: "1" } }',
      '{ amount: { max: "2" } }',
      false,
    ],
    ['a narrower range', '{ amount: { min: "1.5" } }', '{ amount: { min: "1" } }', false],
    ['a lower range', '{ amount: { max: "1" } }', '{ amount: { max: "2" } }', false],
    [
      'the same list',
      '{ destination: { address: { list: one } } }',
      '{ destination: { address: { list: one } } }',
      true,
    ],
    [
      'a larger list',
      '{ destination: { address: { list: two } } }',
      '{ destination: { address: { list: one } } }',
      true,
    ],
    [
      'a smaller list',
      '{ destination: { address: { list: one } } }',
      '{ destination: { address: { list: two } } }',
      false,
    ],
    ['a long list', '{ asset: { list: huge } }', '{ asset: [A1, A99] }', true],
    ['within a long list', '{ asset: A1 }', '{ asset: { list: huge } }', false],
    ['the same pattern', '{ note: "a*" }', '{ note: "a*", asset: ETH }', true],
    ['a pattern and a text', '{ note: "a*" }', '{ note: ab }', false],
    [
      'the same block',
      '{ any-of: [{ asset: A }, { asset: B }] }',
      '{ any-of: [{ asset: A }, { asset: B }] }',
      true,
    ],
    ['another block', '{ any-of: [{ asset: A }] }', '{ any-of: [{ asset: B }] }', false],
    [
      'an address with a condition on its tag, against one without',
      `{ details: { address: "${ADDRESS}" } }`,
      `{ details: { address: "${ADDRESS}", tag: "1" } }`,
      false,
    ],
    [
      'an index against a rule without it',
      '{ operation: MINT }',
      '{ asset: ETH, operation: MINT }',
      true,
    ],
  ])('sees whether a rule is covered by one with %s', (_name, first, second, covered) => {
    expect(pair(first, second)).toBe(covered)
  })

  it('names both rules', () => {
    expect(
      messages('rules: [{ id: a, when: {}, then: REJECT }, { id: b, when: {}, then: RETRY }]'),
    ).toEqual(['error: rule `b` is never reached: `a` matches all that it matches'])
  })

  it('finds what is in a list that approves and in one that refuses', () => {
    expect(
      messages(`
lists:
  payees: { kind: addresses, values: ["${ADDRESS}", "${OTHER_ADDRESS}"] }
  blocked: { kind: addresses, values: ["${ADDRESS}"] }
  vaults: { kind: vaults, values: ["0"] }
  free: { kind: addresses, values: ["${OTHER_ADDRESS}1"] }
  more: { kind: addresses, values: [a, b, c, d] }
rules:
  - { id: a, when: { destination: { address: { list: blocked } } }, then: REJECT }
  - { id: b, when: { source: { id: { list: vaults } } }, then: REJECT }
  - { id: c, when: { destination: { address: { list: [payees, free] } } }, then: APPROVE }
  - { id: e, when: { operation: BURN, destination: { address: { list: more } } }, then: REJECT }
  - { id: d, when: { operation: MINT, source: { id: { list: vaults } } }, then: RETRY }
`).filter((line) => line.startsWith('warning')),
    ).toEqual([
      `warning: \`${ADDRESS.toLowerCase()}\` is in list \`payees\`, which approves, and in \`blocked\`, which refuses: the earlier rule wins`,
    ])
  })

  it('warns of what is not used, empty, or approves more than meant', () => {
    expect(
      messages(`
lists: { a: { kind: texts, values: [] } }
limits: { b: { window: 1h, count: 1 } }
rules:
  - { id: r, when: { stage: signing }, then: APPROVE, require: { rawTx: verified } }
  - { id: s, when: { asset: ETH }, then: APPROVE, require: { rawTx: verified } }
`),
    ).toEqual([
      'warning: `lists.a` is not used',
      'warning: `limits.b` is not used',
      'warning: list `a` is empty, so its rules match nothing',
      'warning: rule `r` approves on both endpoints',
      'warning: rule `s` requires a raw transaction but is not limited to `stage: signing`: approval requests carry none',
    ])
  })

  it('finishes on ten thousand rules', () => {
    const rules = Array.from(
      { length: 10_000 },
      (_, i) => `  - { id: r${i}, when: { asset: A${i % 5000} }, then: REJECT }`,
    )
    expect(adviceOn(policyOf(`rules:\n${rules.join('\n')}`))).toHaveLength(5000)
  })

  it('calls no rule unreachable that decides something', () => {
    const conditions = fc.record(
      {
        asset: fc.uniqueArray(fc.constantFrom('A', 'B', 'C'), { minLength: 1 }),
        operation: fc.constantFrom('MINT', 'BURN'),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(conditions, { maxLength: 5 }), (rules) => {
        const reached = new Set<number>()
        for (const asset of ['A', 'B', 'C', 'D'] as const) {
          for (const operation of ['MINT', 'BURN', 'X']) {
            reached.add(
              rules.findIndex(
                (rule) =>
                  (rule.asset?.some((each) => each === asset) ?? true) &&
                  (rule.operation === undefined || rule.operation === operation),
              ),
            )
          }
        }
        const entries = rules.map(
          (when, index) => `  - { id: r${index}, when: ${JSON.stringify(when)}, then: REJECT }`,
        )
        for (const line of messages(
          `rules:\n${entries.length > 0 ? entries.join('\n') : '  []'}\n`,
        )) {
          const index = Number(/rule `r(\d+)` is never reached/.exec(line)?.[1] ?? '-2')
          expect(reached.has(index)).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })
})
