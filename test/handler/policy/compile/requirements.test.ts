import { describe, expect, it } from '@jest/globals'
import type { Evaluation } from '../../../../handler/policy/decision.ts'
import { chargesFor } from '../../../../handler/policy/compile/limits.ts'
import { evaluate } from '../../../../handler/policy/evaluate.ts'
import type { Facts } from '../../../../handler/policy/facts.ts'
import { parseDecimal } from '../../../../handler/protocol/decimal.ts'
import { Unreadable } from '../../../../handler/protocol/request.ts'
import type { CallbackRequest } from '../../../../handler/protocol/request.ts'
import { proven } from '../../../../handler/policy/rawtx/verdict.ts'
import type { Proof } from '../../../../handler/policy/rawtx/verdict.ts'
import { policyOf, problemsIn } from '../policy.ts'
import {
  ADDRESS,
  configRequest,
  destination,
  FACTS,
  OTHER_ADDRESS,
  txRequest,
} from '../requests.ts'

const SECTIONS = `
limits:
  daily: { window: 24h, count: 10, amount: "5", by: [source, asset] }
  each: { window: 1h, count: 3, amount: "2", by: destination }
  signer: { window: 7d, count: 100, by: signer }
  all: { window: 30s, count: 1 }
  account: { window: 1h, amount: "2", by: account }
hooks:
  screening: { url: "https://screening.example/", timeout: 2s, budget: 10s, fallback: RETRY, keyId: ops }
statementKeys:
  ops: { publicKey: "-----BEGIN PUBLIC KEY----- AAAA -----END PUBLIC KEY-----" }
  desk: { publicKey: "-----BEGIN PUBLIC KEY----- AAAA -----END PUBLIC KEY-----" }
`

function decide(
  require: string,
  request: CallbackRequest = txRequest(),
  facts: Partial<Facts> = {},
  then = 'APPROVE',
): Evaluation {
  const policy = policyOf(
    `${SECTIONS}\nrules: [{ id: r, when: {}, then: ${then}, require: ${require} }]`,
  )
  return evaluate(policy, request, { ...FACTS, ...facts })
}

const HIDDEN = { displayDstAddress: undefined }
const NOT_LISTED = { destinations: undefined, destAddress: '' }
const NO_ADDRESS = { destAddress: '', destinations: [destination(HIDDEN)] }

const LEGACY = '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu'
const CASH = 'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a'
const WITNESS = 'bc1qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99'
const RAW_TON = `-1:${'3'.repeat(64)}`
const BOUNCES = 'Ef8zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM0vF'
const STAYS = 'Uf8zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMxYA'

const approved = { action: 'APPROVE', rule: 'r', reason: 'approved by policy' }
const full = { action: 'REJECT', rule: 'r', reason: 'limit reached' } as const
const units = (text: string) => parseDecimal(text)

describe('limits', () => {
  it('charges what the limit is kept by, in a fixed order, asset included when amounts count', () => {
    expect(decide('{ limits: daily }')).toEqual({
      decision: approved,
      charges: [
        {
          limit: 'daily',
          key: 'asset=ETH|source=VAULT:0',
          windowMs: 86_400_000,
          maxCount: 10,
          amount: units('0.01'),
          maxAmount: units('5'),
          otherwise: full,
        },
      ],
      singleUses: [],
      hooks: [],
      hold: undefined,
    })
  })

  it('charges each destination what goes to it', () => {
    const to = (id: string, native: string) =>
      destination({ dstId: id, amountNative: units(native), displayDstAddress: undefined })
    const request = txRequest({
      destinations: [to('1', '0.002'), to('2', '0.003'), to('1', '0.005')],
    })
    expect(decide('{ limits: each }', request).charges).toMatchObject([
      { key: 'asset=ETH|destination=VAULT:1', amount: units('0.007') },
      { key: 'asset=ETH|destination=VAULT:2', amount: units('0.003') },
      // Only the top level names it: all of it may go there.
      { key: `asset=ETH|destination=${ADDRESS.toLowerCase()}`, amount: units('0.01') },
    ])
  })

  it('charges each account what goes to it, whatever its address', () => {
    const to = (id: string, native: string, displayDstAddress?: string) =>
      destination({ dstId: id, amountNative: units(native), displayDstAddress })
    const request = txRequest({
      destType: 'MULTI_DESTINATION',
      destId: '',
      destAddress: '',
      destinations: [to('1', '0.002', ADDRESS), to('2', '0.003'), to('1', '0.005', OTHER_ADDRESS)],
    })
    expect(decide('{ limits: account }', request).charges).toMatchObject([
      { key: 'asset=ETH|account=VAULT:1', amount: units('0.007') },
      { key: 'asset=ETH|account=VAULT:2', amount: units('0.003') },
    ])
  })

  it('does not vouch by account for what goes to none', () => {
    const oneTime = { destType: 'ONE_TIME_ADDRESS', destId: '', destinations: undefined }
    expect(decide('{ limits: account }', txRequest(oneTime)).decision).toEqual(full)
    const unnamed = { destType: undefined, destId: '1', destinations: undefined }
    expect(decide('{ limits: account }', txRequest(unnamed)).decision).toEqual(full)
  })

  it('is kept by destination or by account', () => {
    expect(
      problemsIn('limits: { x: { window: 1h, count: 1, by: [account, destination] } }'),
    ).toEqual([expect.stringContaining('expected `destination` or `account`, not both')])
  })

  it('charges the largest of the amount and the sum of the destinations', () => {
    const request = (amount: string, sum: string) =>
      txRequest({
        amount: units(amount),
        requestedAmount: units(amount),
        sourceType: 'EXCHANGE_ACCOUNT',
        destinations: [destination({ amountNative: units(sum) })],
      })
    const limit = policyOf(SECTIONS).limits.get('daily')
    const charged = (amount: string, sum: string) => {
      const { assets } = policyOf('')
      const rules = { assets, tagsSent: false }
      const [charge] = (limit && chargesFor(limit, request(amount, sum), rules, full)) ?? []
      return charge?.amount
    }
    expect(charged('0.02', '0.01')).toEqual(units('0.02'))
    expect(charged('0.01', '0.02')).toEqual(units('0.02'))
  })

  it('adds up what goes to one address under several names', () => {
    const entries = [
      destination({ dstId: '1', amountNative: units('0.002') }),
      destination({ dstId: '2', amountNative: units('0.003') }),
      destination({ dstType: 'ONE_TIME_ADDRESS', dstId: '', amountNative: units('0.005') }),
    ]
    const request = txRequest({ destinations: entries, destType: '', destId: '', destAddress: '' })
    const { charges } = decide('{ limits: each }', request)
    expect(charges.map(({ key, amount, onlyIfSpent }) => [key, amount, onlyIfSpent])).toEqual([
      ['asset=ETH|destination=VAULT:1', units('0.002'), true],
      [`asset=ETH|destination=${ADDRESS.toLowerCase()}`, units('0.010'), undefined],
      ['asset=ETH|destination=VAULT:2', units('0.003'), true],
      // As version 0.1.0 named it.
      [`asset=ETH|destination=ONE_TIME:${ADDRESS.toLowerCase()}`, units('0.005'), true],
    ])
  })

  it('counts at every address that is stated', () => {
    const other = { destAddress: OTHER_ADDRESS, destinations: [destination({ dstId: '' })] }
    const request = txRequest({ ...other, destId: '' })
    const { limits, assets } = policyOf(SECTIONS)
    const limit = limits.get('each')
    const charges = limit && chargesFor(limit, request, { assets, tagsSent: false }, full)
    expect(charges?.map(({ key }) => key)).toEqual([
      `asset=ETH|destination=${ADDRESS.toLowerCase()}`,
      `asset=ETH|destination=${OTHER_ADDRESS.toLowerCase()}`,
      `asset=ETH|destination=VAULT:${ADDRESS.toLowerCase()}`,
      `asset=ETH|destination=VAULT:${OTHER_ADDRESS.toLowerCase()}`,
    ])
  })

  // Version 0.1.0 compared the texts of these addresses: what it had charged to one spelling did not count for another.
  it.each([
    ['BCH', CASH, [CASH, LEGACY, CASH.slice('bitcoincash:'.length)]],
    ['BCH', LEGACY, [CASH, LEGACY, CASH.slice('bitcoincash:'.length)]],
    ['TON', BOUNCES, [RAW_TON, BOUNCES, STAYS]],
    ['TON', RAW_TON, [RAW_TON, BOUNCES, STAYS]],
    ['ETH', ADDRESS, [ADDRESS.toLowerCase()]],
    ['BTC', WITNESS, [WITNESS]],
    ['BTC', LEGACY, [LEGACY]],
    ['NO_SUCH_ASSET', LEGACY, [LEGACY]],
  ])('counts what 0.1.0 charged to the address of %s in its spellings: %s', (asset, to, texts) => {
    const destinations = [
      destination({ dstType: 'ONE_TIME_ADDRESS', dstId: '', displayDstAddress: to }),
    ]
    const parts = { asset, destType: 'ONE_TIME', destId: '', destAddress: to, destinations }
    const { limits, assets } = policyOf(SECTIONS)
    const limit = limits.get('each')
    const charges = limit && chargesFor(limit, txRequest(parts), { assets, tagsSent: false }, full)
    const [now, ...earlier] = charges ?? []
    const key = (text = '') => `asset=${asset}|destination=${text}`
    const escaped = (text = '') => text.replaceAll(':', '%3a').replaceAll('=', '%3d')
    expect(now).toMatchObject({ key: key(escaped(texts[0])) })
    expect(now).not.toHaveProperty('onlyIfSpent')
    expect(earlier.map((each) => each.key).toSorted()).toEqual(
      texts.map((text) => key(`ONE_TIME:${escaped(text)}`)).toSorted(),
    )
    expect(earlier.every(({ onlyIfSpent }) => onlyIfSpent === true)).toBe(true)
  })

  it.each([
    ['an only destination by its id', NO_ADDRESS, 'asset=ETH|destination=VAULT:1'],
    [
      'the top level when there is no list',
      { destinations: undefined, destAddress: undefined },
      'asset=ETH|destination=VAULT:1',
    ],
    [
      'a one-time address by its key, in any spelling',
      {
        destType: 'ONE_TIME',
        destId: '',
        destAddress: ADDRESS.toLowerCase(),
        destinations: [destination({ dstType: 'ONE_TIME_ADDRESS', dstId: '' })],
      },
      `asset=ETH|destination=${ADDRESS.toLowerCase()}`,
      `asset=ETH|destination=ONE_TIME:${ADDRESS.toLowerCase()}`,
    ],
    [
      'an account of the workspace by its id and its address',
      {},
      'asset=ETH|destination=VAULT:1',
      `asset=ETH|destination=${ADDRESS.toLowerCase()}`,
    ],
    [
      'an address without a type',
      { destType: '', destId: '', destinations: undefined },
      `asset=ETH|destination=${ADDRESS.toLowerCase()}`,
    ],
    [
      'an id with separators in it',
      { destAddress: '', destinations: [destination({ ...HIDDEN, dstId: 'a|b=c%' })], destId: '' },
      'asset=ETH|destination=VAULT:a%7cb%3dc%25',
    ],
  ])('names %s', (_name, changes, ...keys) => {
    const { charges } = decide('{ limits: each }', txRequest(changes))
    expect(charges.map(({ key }) => key)).toEqual(keys)
  })

  it('charges several limits, and only counts where no amount is bounded', () => {
    expect(decide('{ limits: [signer, all] }').charges).toMatchObject([
      { limit: 'signer', key: 'signer=signer-1', amount: undefined, windowMs: 604_800_000 },
      { limit: 'all', key: '', maxCount: 1, maxAmount: undefined, windowMs: 30_000 },
    ])
  })

  const nowhere = { dstId: '', dstAddress: undefined, displayDstAddress: undefined }

  it.each<[string, string, CallbackRequest]>([
    ['the asset', 'daily', txRequest({ asset: undefined })],
    ['the source', 'daily', txRequest({ sourceId: null })],
    ['the source type', 'daily', txRequest({ sourceType: undefined })],
    ['the amount', 'daily', txRequest({ amount: undefined })],
    ['the amount for each destination', 'each', txRequest({ amount: null })],
    ['the signer', 'signer', txRequest({ signerId: undefined })],
    ['the destination type', 'each', txRequest({ ...NOT_LISTED, destType: undefined })],
    [
      'the destination',
      'each',
      txRequest({ destId: '', destAddress: undefined, destinations: [destination(nowhere)] }),
    ],
    [
      'one of two destinations',
      'each',
      txRequest({
        operation: 'MINT',
        destinations: [destination(), destination(nowhere)],
      }),
    ],
    [
      'the amount of one of two',
      'each',
      txRequest({
        operation: 'MINT',
        destinations: [destination(), destination({ amountNative: undefined })],
      }),
    ],
    ['a transaction', 'all', configRequest()],
  ])('refuses a request without %s, which the limit needs', (_name, limit, request) => {
    expect(decide(`{ limits: ${limit} }`, request)).toMatchObject({ decision: full, charges: [] })
  })

  const hidden = new Unreadable(['x'])
  it.each<[string, string, CallbackRequest]>([
    ['amount', 'daily', txRequest({ amount: hidden })],
    [
      'amount of a destination',
      'daily',
      txRequest({ destinations: [destination({ amountNative: hidden })] }),
    ],
    ['asset', 'daily', txRequest({ asset: hidden })],
    ['source', 'daily', txRequest({ sourceId: hidden })],
    ['list of destinations', 'each', txRequest({ destinations: hidden })],
    [
      'address',
      'each',
      txRequest({ ...NOT_LISTED, destAddress: '0x1234567890aBcdef1234567890abcdef12345678' }),
    ],
  ])(
    'puts off a request whose %s, which the limit needs, cannot be read',
    (_name, limit, request) => {
      expect(decide(`{ limits: ${limit} }`, request)).toMatchObject({
        decision: { ...full, action: 'RETRY' },
        charges: [],
      })
    },
  )

  it('says what its author wants when full', () => {
    const otherwise = '{ limits: { action: RETRY, reason: try tomorrow } }'
    const [charge] = decide(`{ limits: daily, otherwise: ${otherwise} }`).charges
    expect(charge?.otherwise).toEqual({ action: 'RETRY', rule: 'r', reason: 'try tomorrow' })
  })
})

describe('a raw transaction', () => {
  const verified: Facts['rawTx'] = { status: 'verified', facts: {} }
  const unverifiable: Facts['rawTx'] = { status: 'unverifiable', reason: 'x', facts: {} }
  const mismatch: Facts['rawTx'] = {
    status: 'mismatch',
    field: 'amount',
    expected: '1',
    found: '2',
    facts: {},
  }
  const waits = { action: 'RETRY', rule: 'r', reason: 'raw transaction not verified' }

  it.each<[string, Facts['rawTx'], unknown]>([
    ['verified', verified, approved],
    ['unproven', proven(['fee']), waits],
    ['unverifiable', unverifiable, waits],
    ['absent', { status: 'absent' }, waits],
  ])('that must be verified and is %s', (_name, rawTx, decision) => {
    expect(decide('{ rawTx: verified }', txRequest(), { rawTx }).decision).toEqual(decision)
  })

  it('that contradicts the request is refused, required or not, held or not', () => {
    const decision = {
      action: 'REJECT',
      rule: 'raw-tx',
      reason: 'raw transaction contradicts the request',
    }
    const facts = { rawTx: mismatch }
    expect(decide('{ rawTx: verified }', txRequest(), facts).decision).toEqual(decision)
    expect(decide('{}', txRequest(), facts).decision).toEqual(decision)
    expect(decide('{}', txRequest(), facts, '{ action: RETRY, hold: {} }').decision).toEqual(
      decision,
    )
  })

  const HELD = '{ action: RETRY, reason: ask, hold: {} }'

  it('are charged by a hold that is released; without room it waits', () => {
    const retry = { action: 'RETRY', rule: 'r', reason: 'limit reached' }
    expect(decide('{ limits: daily }', txRequest(), {}, HELD)).toMatchObject({
      decision: { action: 'RETRY', reason: 'ask' },
      charges: [{ limit: 'daily', otherwise: retry }],
      hold: { approvals: 1 },
    })
    const unknown = txRequest({ asset: undefined })
    expect(decide('{ limits: daily }', unknown, {}, HELD)).toMatchObject({
      decision: retry,
      hold: undefined,
    })
    const rejects = '{ limits: daily, otherwise: { limits: { action: REJECT } } }'
    expect(decide(rejects, txRequest(), {}, HELD).charges).toMatchObject([
      { otherwise: { action: 'REJECT' } },
    ])
    expect(decide('{ limits: none }', txRequest(), {}, HELD)).toMatchObject({ charges: [] })
  })

  it('that must be verified answers otherwise where the rule says so', () => {
    const require = '{ rawTx: verified, otherwise: { rawTx: { action: REJECT, reason: no } } }'
    const facts = { rawTx: proven(['fee']) }
    expect(decide(require, txRequest(), facts).decision).toEqual({
      action: 'REJECT',
      rule: 'r',
      reason: 'no',
    })
  })

  it.each<[string, readonly Proof[], 'APPROVE' | 'RETRY']>([
    ['[fee]', ['fee'], 'APPROVE'],
    ['[fee]', ['fee', 'vault-address'], 'RETRY'],
    ['[fee, vault-address]', ['fee', 'vault-address'], 'APPROVE'],
    ['[vault-address]', ['recipient'], 'RETRY'],
    ['[chain]', ['chain'], 'APPROVE'],
    ['[fee, vault-address, chain]', ['recipient'], 'RETRY'],
  ])('that tolerates %s, and %s is unproven: %s', (tolerate, unproven, action) => {
    const require = `{ rawTx: { verified: true, tolerate: ${tolerate} } }`
    const { decision } = decide(require, txRequest(), { rawTx: proven(unproven) })
    expect(decision.action).toBe(action)
    expect(decide(require, txRequest(), { rawTx: unverifiable }).decision).toEqual(waits)
  })

  it('cannot tolerate who is paid, nor nothing', () => {
    for (const tolerate of ['[recipient]', '[]', 'fee']) {
      const rule = `{ id: r, when: { operation: any }, then: APPROVE, require: { rawTx: { verified: true, tolerate: ${tolerate} } } }`
      expect(problemsIn(`rules: [${rule}]`)).not.toEqual([])
    }
  })

  it('can be required of a hold', () => {
    const held =
      '{ action: RETRY, reason: ask, hold: { approvals: 2, expires: 1h, onExpiry: RETRY } }'
    const require = '{ rawTx: verified, otherwise: { rawTx: { action: RETRY } } }'
    expect(decide(require, txRequest(), { rawTx: verified }, held)).toMatchObject({
      decision: { action: 'RETRY', rule: 'r', reason: 'ask' },
      hold: { approvals: 2, expiresMs: 3_600_000, onExpiry: 'RETRY' },
    })
    expect(decide(require, txRequest(), { rawTx: unverifiable }, held)).toMatchObject({
      decision: { action: 'RETRY', rule: 'r', reason: 'raw transaction not verified' },
      hold: undefined,
    })
  })
})

describe('an extra signature', () => {
  const signedBy = (keyName: string): Facts['statement'] => ({
    status: 'valid',
    digest: 'abc',
    keyName,
    contentDigest: undefined,
  })
  const refused = { action: 'REJECT', rule: 'r', reason: 'extra signature missing or not valid' }

  it('by one of the keys approves, once', () => {
    const facts = { statement: signedBy('desk') }
    expect(decide('{ extraSignature: [ops, desk] }', txRequest(), facts)).toMatchObject({
      decision: approved,
      singleUses: [{ name: 'statement:abc', otherwise: refused }],
    })
  })

  it.each<[string, Facts['statement']]>([
    ['by another key', signedBy('desk')],
    ['that is absent', { status: 'absent' }],
    ['that is invalid', { status: 'invalid', reason: 'x' }],
  ])('%s does not', (_name, statement) => {
    const evaluation = decide('{ extraSignature: ops }', txRequest(), { statement })
    expect(evaluation).toMatchObject({ decision: refused, singleUses: [] })
  })
})

describe('a hook', () => {
  it('is asked, with a refusal instead when it says no', () => {
    expect(decide('{ hook: screening }').hooks).toEqual([
      {
        hook: 'screening',
        unknown: [],
        otherwise: { action: 'REJECT', rule: 'r', reason: 'not allowed by the hook' },
      },
    ])
  })

  it('is told of the fields that are unknown', () => {
    const destinations = [destination({ amountUSD: null, dstName: '' })]
    expect(
      decide('{ hook: screening }', txRequest({ asset: undefined, destinations })).hooks,
    ).toMatchObject([{ unknown: ['asset', 'amountUSD', 'destination.name'] }])
  })

  it('gives way to what the rule says', () => {
    const otherwise = '{ hook: { action: REJECT, reason: screened } }'
    expect(decide(`{ hook: screening, otherwise: ${otherwise} }`).hooks).toMatchObject([
      { otherwise: { action: 'REJECT', rule: 'r', reason: 'screened' } },
    ])
  })
})

describe('answers', () => {
  it('holds with defaults that let one person decide within a day', () => {
    const policy = policyOf('rules: [{ id: r, when: {}, then: { action: RETRY, hold: {} } }]')
    expect(evaluate(policy, txRequest(), FACTS).hold).toEqual({
      approvals: 1,
      expiresMs: 86_400_000,
      onExpiry: 'REJECT',
      boundTo: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it('binds a hold to id and conditions of its rule, not to how they are written', () => {
    const boundTo = (rule: string) =>
      evaluate(policyOf(`rules: [${rule}]`), txRequest(), FACTS).hold?.boundTo
    const then = 'then: { action: RETRY, hold: {} }'
    const first = boundTo(`{ id: r, when: { asset: ETH, operation: TRANSFER }, ${then} }`)
    expect(boundTo(`{ id: r, when: { operation: TRANSFER, asset: "ETH" }, ${then} }`)).toBe(first)
    expect(boundTo(`{ id: s, when: { asset: ETH, operation: TRANSFER }, ${then} }`)).not.toBe(first)
    expect(boundTo(`{ id: r, when: { asset: ETH }, ${then} }`)).not.toBe(first)
  })

  it('ignores at the approval stage and on configuration changes', () => {
    const policy = policyOf(`
rules:
  - { id: a, when: { stage: approval, asset: ETH }, then: IGNORE }
  - { id: b, when: { type: ADD_USER }, then: IGNORE }
`)
    const action = (request: CallbackRequest) => evaluate(policy, request, FACTS).decision
    expect(action(txRequest({ stage: 'approval' }))).toMatchObject({ action: 'IGNORE', rule: 'a' })
    expect(action(txRequest())).toMatchObject({ action: 'REJECT', rule: 'default' })
    expect(action(configRequest({ type: 'ADD_USER' }))).toMatchObject({ action: 'IGNORE' })
  })

  it('uses the default that the policy sets', () => {
    expect(evaluate(policyOf('default: RETRY'), txRequest(), FACTS).decision).toEqual({
      action: 'RETRY',
      rule: 'default',
      reason: 'no rule matched',
    })
  })

  it('lets nothing but a contradiction-free request through a rule without conditions', () => {
    const policy = policyOf('rules: [{ id: r, when: {}, then: APPROVE }]')
    expect(evaluate(policy, txRequest(), FACTS).decision).toEqual(approved)
    expect(evaluate(policy, txRequest({ destAddress: OTHER_ADDRESS }), FACTS).decision.rule).toBe(
      'contradiction',
    )
  })
})
