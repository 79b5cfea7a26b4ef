import { describe, expect, it } from '@jest/globals'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { policyOf } from './policy.ts'
import { ADDRESS, configRequest, FACTS, OTHER_ADDRESS, txRequest } from './requests.ts'

const DESIGN = `
default: REJECT
rules:
  - id: small-eth
    when:
      endpoint: tx_sign_request
      operation: TRANSFER
      asset: [ETH, ETH_TEST5]
      source: { type: VAULT, id: "0" }
      destination: { type: [VAULT, ONE_TIME_ADDRESS], address: ["${ADDRESS}"] }
      amount: { max: "1.5" }
    then: APPROVE
  - id: large
    when: { endpoint: tx_sign_request, amount: { min: "1.5" } }
    then: { action: RETRY, reason: needs a person }
  - id: whitelisting
    when: { endpoint: config_change_sign_request, type: UNMANAGED_WALLET }
    then: APPROVE
`

describe('evaluate', () => {
  it('rejects everything with the empty policy, by rule `default`', () => {
    const policy = policyOf('')
    const decision = { action: 'REJECT', rule: 'default', reason: 'no rule matched' }
    for (const request of [txRequest(), configRequest(), txRequest({ stage: 'approval' })]) {
      expect(evaluate(policy, request, FACTS)).toEqual({
        decision,
        charges: [],
        singleUses: [],
        hooks: [],
        hold: undefined,
      })
    }
  })

  it('finds a rule by whatever it asks for, among many that ask for the like', () => {
    const fields = [
      (value: string) => `{ asset: ${value} }`,
      (value: string) => `{ operation: ${value} }`,
      (value: string) => `{ source: { id: ${value} } }`,
      (value: string) => `{ destination: { id: ${value} } }`,
      (value: string) => `{ destination: { address: ${value} } }`,
      (value: string) => `{ signerId: ${value} }`,
      (value: string) => `{ externalTxId: ${value} }`,
      (value: string) => `{ type: ${value} }`,
    ]
    const values = ['v1', 'v2', 'v3']
    const rules = fields.flatMap((when, field) =>
      values.map((value) => `  - { id: ${value}-${field}, when: ${when(value)}, then: RETRY }`),
    )
    const policy = policyOf(`rules:\n${rules.join('\n')}\n`)
    const rule = (request: CallbackRequest) => evaluate(policy, request, FACTS).decision.rule
    expect(rule(txRequest({ asset: 'v2' }))).toBe('v2-0')
    expect(rule(txRequest({ operation: 'v3' }))).toBe('v3-1')
    expect(rule(txRequest({ sourceId: 'v1' }))).toBe('v1-2')
    expect(rule(txRequest({ destId: 'v2', destinations: undefined }))).toBe('v2-3')
    expect(rule(txRequest({ asset: 'NEW', destAddress: 'v3', destinations: undefined }))).toBe(
      'v3-4',
    )
    expect(rule(txRequest({ signerId: 'v1' }))).toBe('v1-5')
    expect(rule(txRequest({ externalTxId: 'v2' }))).toBe('v2-6')
    expect(rule(configRequest({ type: 'v3' }))).toBe('v3-7')
    expect(rule(txRequest({ externalTxId: 'v2', asset: 'v2' }))).toBe('v2-0')
    expect(rule(txRequest())).toBe('default')
  })

  it('decides by the first rule that matches', () => {
    const policy = policyOf(DESIGN)
    const decide = (request = txRequest()) => evaluate(policy, request, FACTS).decision
    expect(decide()).toEqual({
      action: 'APPROVE',
      rule: 'small-eth',
      reason: 'approved by policy',
    })
    const amount = parseDecimal('2')
    expect(decide(txRequest({ amount, requestedAmount: amount }))).toEqual({
      action: 'RETRY',
      rule: 'large',
      reason: 'needs a person',
    })
    expect(decide(txRequest({ destAddress: OTHER_ADDRESS })).rule).toBe('default')
    expect(evaluate(policy, configRequest(), FACTS).decision.rule).toBe('whitelisting')
  })
})
