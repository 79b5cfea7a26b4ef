import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { adviceOn } from '../../../../handler/policy/compile/advice.ts'
import { parsePolicy } from '../../../../handler/policy/parse.ts'
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

describe('addresses of chains with tags', () => {
  const R = 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'
  const about = (address: string, head = '') =>
    messages(
      `${head}rules: [{ id: pay, when: { operation: TRANSFER, any-of: [{ destination: { address: "${address}" } }, { note: x }] }, then: REJECT }]`,
    ).filter((line) => line.includes('tags: sent'))

  it.each([R, `${R}:7`, 'GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ'])(
    '%s asks for the line that says that tags are sent',
    (address) => {
      expect(about(address)).toHaveLength(1)
      expect(about(address)[0]).toContain(address)
      expect(about(address, 'tags: sent\n')).toEqual([])
    },
  )

  it.each([`${R}:*`, ADDRESS, 'bc1qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99', 'binancecleos'])(
    '%s does not',
    (address) => {
      expect(about(address)).toEqual([])
    },
  )
})

it('names the lines of a list file that are no addresses', () => {
  const policy = policyOf(
    'lists: { bad: { kind: addresses, file: bad.txt } }',
    new Map([['bad.txt', '\nfoo!\n']]),
  )
  expect(adviceOn(policy).map(({ message }) => message)).toContain(
    'bad.txt:2: `foo!` is no address of a known chain: it is compared as it is',
  )
})

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
    ).toEqual([
      'error: rule `b` is never reached: `a` matches all that it matches',
      'warning: the policy has no tests',
    ])
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
`).filter((line) => line.includes('is in list')),
    ).toEqual([
      `warning: \`${ADDRESS.toLowerCase()}\` is in list \`payees\`, which approves, and in \`blocked\`, which refuses: the earlier rule wins`,
    ])
  })

  it('warns of bytes that cannot prove what a rule asks for', () => {
    const rule = (id: string, when: string, rawTx: string) =>
      `- { id: ${id}, when: { stage: signing, operation: TRANSFER, source: { id: '0' }, ${when} }, then: APPROVE, require: { rawTx: ${rawTx} } }`
    const fee = "fee: { max: '1' }"
    const tolerant = '{ verified: true, tolerate: [fee] }'
    const lines = [
      rule('bitcoin', `asset: BTC, ${fee}`, 'verified'),
      rule('no-bound', 'asset: BTC', tolerant),
      rule('right', `asset: [BTC, DOGE], ${fee}`, tolerant),
      rule('vault', `asset: ETH, ${fee}, destination: { type: VAULT, id: '1' }`, 'verified'),
      rule(
        'named',
        `asset: ETH, ${fee}, destination: { type: VAULT, address: "${ADDRESS}" }`,
        'verified',
      ),
      rule(
        'label',
        `asset: ETH, ${fee}, destination: { type: VAULT }`,
        '{ verified: true, tolerate: [vault-address] }',
      ),
    ]
    const result = parsePolicy(`version: 2\nrules:\n  ${lines.join('\n  ')}\n`, 'p.yaml')
    if (!result.ok) throw new Error(JSON.stringify(result.problems))
    expect(
      adviceOn(result.policy)
        .map(({ message }) => message)
        .filter((message) => /\bprove|\bproven\b/.test(message)),
    ).toEqual([
      'rule `bitcoin` requires a proven fee: `BTC` transactions with legacy or taproot inputs wait unless a PSBT proves it; `tolerate: [fee]` with `fee.max` says less',
      'rule `no-bound` tolerates a fee that is not proven, without `fee.max`',
      'rule `vault` requires proven addresses of own vaults and names none: bind them with `vaultAddresses` or `destination.address`, or `tolerate: [vault-address]`',
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
      'warning: rules[0].when: rule `r` approves transactions of every operation; name them, or write `operation: any`',
      'warning: rules[1].when: rule `s` approves transactions of every operation; name them, or write `operation: any`',
      'warning: `lists.a` is not used',
      'warning: `limits.b` is not used',
      'warning: list `a` is empty, so its rules match nothing',
      'warning: rule `r` approves on both endpoints',
      'warning: rule `r`: `rawTx: verified` means fee and own vault addresses as well, and answers RETRY where they are not proven',
      'warning: rule `s` approves without a bound on source, destination or amount',
      'warning: rule `s` approves at signing without `fee.max`',
      'warning: rule `s` requires a raw transaction but is not limited to `stage: signing`: approval requests carry none',
      'warning: rule `s`: `rawTx: verified` means fee and own vault addresses as well, and answers RETRY where they are not proven',
      'warning: the policy has no tests',
    ])
  })

  it.each([
    ['{ operation: TRANSFER, source: { id: "0" }, fee: { max: "1" } }', []],
    ['{ operation: TRANSFER, source: { id: "0" }, stage: approval }', []],
    [
      '{ operation: any, source: { id: "0" }, any-of: [{ stage: approval }, { stage: signing, fee: { max: "1" } }] }',
      [],
    ],
    ['{ type: ADD_USER }', []],
    ['{ operation: TRANSFER, source: { id: "0" } }', ['approves at signing without `fee.max`']],
    [
      '{ operation: TRANSFER, source: { id: "0" }, any-of: [{ stage: approval }, { stage: signing }] }',
      ['approves at signing without `fee.max`'],
    ],
    [
      '{ operation: TRANSFER, fee: { max: "1" } }',
      ['approves without a bound on source, destination or amount'],
    ],
    [
      '{ operation: TRANSFER, amount: { max: "1" }, fee: { max: "1" } }',
      ['bounds an amount without naming the asset'],
    ],
    [
      '{ operation: RAW, source: { id: "0" } }',
      ['approves RAW or TYPED_MESSAGE whatever their content'],
    ],
    ['{ operation: RAW, source: { id: "0" }, extraParameters: { path: a, equals: b } }', []],
  ])('says what an approval with %s leaves open', (when, expected) => {
    const found = messages(`rules: [{ id: r, when: ${when}, then: APPROVE }]`)
    expect(found).toEqual([
      ...expected.map((each) => `warning: rule \`r\` ${each}`),
      'warning: the policy has no tests',
    ])
  })

  // A guard that is misspelt never matches, and the next rule approves what it should have refused.
  it.each([
    ['{ operation: CONTRACT-CALL }', 'operation', 'CONTRACT-CALL', 'CONTRACT_CALL'],
    ['{ operation: [MINT, transfer] }', 'operation[1]', 'transfer', 'TRANSFER'],
    ['{ operation: TRANSFERS }', 'operation', 'TRANSFERS', 'TRANSFER'],
    ['{ operation: TRASNFER }', 'operation', 'TRASNFER', 'TRANSFER'],
    ['{ destination: { type: ONETIME } }', 'destination.type', 'ONETIME', 'ONE_TIME'],
    ['{ destination: { any: { type: VUALT } } }', 'destination.any.type', 'VUALT', 'VAULT'],
    [
      '{ destination: { addressType: one-time } }',
      'destination.addressType',
      'one-time',
      'ONE_TIME',
    ],
    ['{ destination: { subType: binance } }', 'destination.subType', 'binance', 'BINANCE'],
    ['{ source: { type: vault } }', 'source.type', 'vault', 'VAULT'],
    ['{ asset: btc }', 'asset', 'btc', 'BTC'],
    ['{ asset: { list: coins } }', 'asset', 'eth_test5', 'ETH_TEST5'],
    ['{ type: ADDUSER }', 'type', 'ADDUSER', 'ADD_USER'],
    ['{ any-of: [{ asset: Eth }] }', 'any-of[0].asset', 'Eth', 'ETH'],
  ])('finds the near miss in %s', (when, path, value, word) => {
    const lists = 'lists: { coins: { kind: assets, values: [eth_test5, MINE] } }'
    const text = `${lists}\nrules: [{ id: r, when: ${when}, then: REJECT }]`
    const message = `\`${value}\` is not known; is \`${word}\` meant?`
    expect(messages(text)).toContain(`warning: rules[0].when.${path}: ${message}`)
    const second = parsePolicy(`version: 2\n${text}`, 'p')
    expect(second.ok ? [] : second.problems.map((each) => each.message)).toEqual([message])
  })

  it.each([
    '{ operation: [SOMETHING_NEW, TRANSFER, any_kind] }',
    '{ asset: [EHT, BTCX, ETH-AETH, ETH_TEST6] }',
    '{ type: [TAG_NEW, ADD_USER] }',
    '{ destination: { type: [END_USER_WALLET, NEW_KIND] } }',
  ])('leaves words alone that are known or far from any: %s', (when) => {
    const text = `rules: [{ id: r, when: ${when}, then: REJECT }]`
    expect(messages(text)).toEqual(['warning: the policy has no tests'])
    expect(parsePolicy(`version: 2\n${text}`, 'p').ok).toBe(true)
  })

  it('does not look for near misses in a list of more than a thousand', () => {
    const values = Array.from({ length: 1_001 }, (_, n) => (n === 0 ? 'eth_test5' : `MINE${n}`))
    const text = (of: readonly string[]) =>
      `lists: { coins: { kind: assets, values: ${JSON.stringify(of)} } }\nrules: [{ id: r, when: { asset: { list: coins } }, then: REJECT }]`
    const near = (of: readonly string[]) =>
      messages(text(of)).filter((line) => line.includes('is not known'))
    expect([near(values.slice(0, 1_000)).length, near(values).length]).toEqual([1, 0])
  })

  it('refuses an approval that names no operation in a policy of version 2', () => {
    const at = (when: string) =>
      parsePolicy(`version: 2\nrules: [{ id: r, when: ${when}, then: APPROVE }]`, 'p')
    expect(at('{ asset: ETH }')).toMatchObject({
      ok: false,
      problems: [{ path: 'rules[0].when', message: expect.stringContaining('every operation') }],
    })
    expect(at('{ asset: ETH, operation: any }').ok).toBe(true)
    expect(at('{ any-of: [{ operation: MINT }, { operation: BURN }] }').ok).toBe(true)
    expect(at('{ any-of: [{ operation: MINT }, { asset: ETH }] }').ok).toBe(false)
    expect(at('{ type: ADD_USER }').ok).toBe(true)
  })

  it.each([
    ['{ operation: TRANSFER }', '{}', true],
    ['{ asset: ETH }', '{}', true],
    ['{ operation: TRANSFER }', '{ limits: none }', false],
    ['{ operation: TRANSFER }', '{ limits: l }', false],
    ['{ operation: RAW }', '{}', false],
    ['{ type: ADD_USER }', '{}', false],
  ])('warns of a hold without limits: %s, %s', (when, require, expected) => {
    const limits = 'limits: { l: { window: 1h, count: 1 } }'
    const then = '{ action: RETRY, hold: {} }'
    const text = `${limits}\nrules: [{ id: r, when: ${when}, then: ${then}, require: ${require} }]`
    const found = messages(text).some((each) => each.includes('without `limits`'))
    expect(found).toBe(expected)
  })

  const DEAR = '{ id: dear, when: { operation: any, fee: { min: "1" } }, then: REJECT }'
  it.each([
    ['{ operation: TRANSFER }', '', true],
    // It holds no request without a fee.
    ['{ operation: TRANSFER, fee: { min: "1" } }', '', false],
    [
      '{ operation: TRANSFER, any-of: [{ stage: approval }, { stage: signing, fee: { max: "1" } }] }',
      '',
      false,
    ],
    ['{ operation: TRANSFER, any-of: [{ stage: approval }, { stage: signing }] }', '', true],
    ['{ operation: TRANSFER, stage: signing }', '', false],
    ['{ operation: TRANSFER, stage: approval }', '', false],
    ['{ operation: TYPED_MESSAGE }', '', false],
    ['{ type: ADD_USER }', '', false],
    ['{ operation: TRANSFER }', DEAR, false],
    ['{ operation: TRANSFER }', DEAR.replace('REJECT', 'APPROVE'), true],
    ['{ operation: TRANSFER }', DEAR.replace('min', 'max'), true],
  ])('warns of a release before the fee is known: %s %s', (when, above, expected) => {
    const then = '{ action: RETRY, hold: {} }'
    const own = `{ id: r, when: ${when}, then: ${then}, require: { limits: none } }`
    const text = (...rules: string[]) => `rules:\n${rules.map((each) => `  - ${each}\n`).join('')}`
    const warns = (policy: string) => messages(policy).some((each) => each.includes('with any fee'))
    expect(warns(above === '' ? text(own) : text(above, own))).toBe(expected)
    if (above !== '') expect(warns(text(own, above))).toBe(true)
  })

  it('covers no rule that refuses by one that needs every destination', () => {
    const rules = (then: string) => `
rules:
  - { id: first, when: { operation: TRANSFER, destination: { type: VAULT } }, then: ${then} }
  - { id: second, when: { operation: TRANSFER, destination: { type: VAULT } }, then: REJECT }`
    const covered = (then: string) =>
      messages(rules(then)).some((line) => line.includes('never reached'))
    expect([covered('APPROVE'), covered('RETRY')]).toEqual([false, true])
  })

  it('finishes on ten thousand rules', () => {
    const rules = Array.from(
      { length: 10_000 },
      (_, i) => `  - { id: r${i}, when: { asset: A${i % 5000} }, then: REJECT }`,
    )
    expect(adviceOn(policyOf(`rules:\n${rules.join('\n')}`))).toHaveLength(5001)
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
