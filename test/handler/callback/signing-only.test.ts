/**
 * `signers: { <id>: signing-only }`: docs/decisions/charges.md, "A signer that never approves", line by line. Nothing in a
 * request without `rawTx` and `fee` shows its stage; of an API user who only signs the policy says it.
 */
import { describe, expect, it } from '@jest/globals'
import { livePolicy } from '../../../handler/policy/judge.ts'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { explain } from '../../../handler/policy/explain.ts'
import { testKey } from '../../fixtures/keys.ts'
import { line } from '../../fixtures/line.ts'
import { tokenOf } from '../../fixtures/tokens.ts'
import { policyOf, problemsIn } from '../policy/policy.ts'
import { configRequest, FACTS, txRequest } from '../policy/requests.ts'

const RULES = `
rules:
  - { id: bytes, when: { stage: signing, operation: TRANSFER, asset: BTC }, then: APPROVE, require: { rawTx: verified } }
  - { id: signed, when: { stage: signing, operation: TRANSFER }, then: APPROVE }
  - { id: left-out, when: { stage: approval, operation: TRANSFER, asset: SOL }, then: IGNORE }
  - { id: approved, when: { stage: approval, operation: TRANSFER }, then: APPROVE }
  - { id: changes, when: { stage: approval, endpoint: config_change_sign_request }, then: RETRY }
`
const live = (yaml: string) => livePolicy(policyOf(yaml), createSignatureVerifier())
const WITHOUT = live(RULES)
const SIGNERS = `signers: { signer-1: signing-only, 'a b': signing-only }\n`
const WITH = live(SIGNERS + RULES)

const REQUEST = {
  requestId: 'r-1',
  txId: 't-1',
  signerId: 'signer-1',
  operation: 'TRANSFER',
  asset: 'ETH',
  amountStr: '1',
  destType: 'VAULT',
  destId: '1',
}

async function lineWith(policy = WITH) {
  const handler = await line()
  handler.with({ policy: () => policy })
  return handler
}

describe('a request of a signer that only signs', () => {
  it.each([
    ['no `rawTx`, no `fee`', {}, 'APPROVE signed signing policy'],
    ['an id with a space', { signerId: 'a b' }, 'APPROVE signed signing policy'],
    ['a fee', { fee: '0.1' }, 'APPROVE signed signing undefined'],
    ['`rawTx` as null', { rawTx: null }, 'APPROVE signed signing undefined'],
    ['bytes required, none there', { asset: 'BTC' }, 'RETRY bytes signing policy'],
    ['ignored at the approval stage', { asset: 'SOL' }, 'APPROVE signed signing policy'],
    ['an address that shows no stage', displayed({}), 'APPROVE signed signing policy'],
    ['no usable `txId`', { txId: 7 }, 'REJECT malformed signing policy'],
    ['another signer', { signerId: 'signer-2' }, 'APPROVE approved approval undefined'],
    [
      'another signer, ignored',
      { signerId: 's', asset: 'SOL' },
      'IGNORE left-out approval undefined',
    ],
    ['another case', { signerId: 'Signer-1' }, 'APPROVE approved approval undefined'],
    ['no signer', { signerId: undefined }, 'APPROVE approved approval undefined'],
    ['an unreadable signer', { signerId: ['signer-1'] }, 'APPROVE approved approval undefined'],
  ])('%s', async (_, parts, expected) => {
    const handler = await lineWith()
    await handler.deliver({ ...REQUEST, ...parts })
    const [record] = handler.store.records
    expect(record).toBeDefined()
    const { decision, key } = record ?? {}
    expect(`${decision?.action} ${decision?.rule} ${key?.stage} ${key?.stageBy}`).toBe(expected)
  })

  it('is never ignored, whoever says so', async () => {
    const handler = await lineWith()
    const ignore = { action: 'IGNORE', rule: 'default', reason: '' } as const
    const evaluation = { charges: [], singleUses: [], hooks: [], hold: undefined }
    handler.with({
      policy: () => ({ ...WITH, evaluate: () => ({ decision: ignore, ...evaluation }) }),
    })
    expect(await handler.ask(displayed({}))).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'IGNORE_NOT_POSSIBLE_WHEN_SIGNING',
    })
  })

  it('does not change configuration changes', async () => {
    const handler = await lineWith()
    const change = { requestId: 'c-1', signerId: 'signer-1', type: 'ADD_USER' }
    await handler.deliver(change, { endpoint: 'config_change_sign_request' })
    expect(handler.store.records).toMatchObject([
      { decision: { rule: 'changes' }, key: { stage: 'approval' } },
    ])
    expect(handler.store.records[0]?.key.stageBy).toBeUndefined()
  })

  it('that was recorded before the line was added is decided afresh, though its bytes are the same', async () => {
    const handler = await lineWith(WITHOUT)
    const body = tokenOf((await testKey('cosigner')).privateKey, REQUEST)
    const ruleNow = async () => {
      await handler.deliverBody(body)
      const { rule, stage, repeated } = handler.decided.at(-1) ?? {}
      return [rule, stage, repeated]
    }
    expect(await ruleNow()).toEqual(['approved', 'approval', false])
    expect(await ruleNow()).toEqual(['approved', 'approval', true])
    handler.with({ policy: () => WITH })
    expect(await ruleNow()).toEqual(['signed', 'signing', false])
    expect(await ruleNow()).toEqual(['signed', 'signing', true])
    // Each of the two was decided once.
    handler.with({ policy: () => WITHOUT })
    expect(await ruleNow()).toEqual(['approved', 'approval', true])
    expect(handler.store.records).toHaveLength(2)
  })
})

describe('`signers` in a policy file', () => {
  it.each([
    ['signers: { a: approving }', 'signing-only'],
    [`signers: { '': signing-only }`, '1 to 128 printable ASCII characters'],
    [`signers: { 'ä': signing-only }`, '1 to 128 printable ASCII characters'],
    ['signers: [a]', 'signers'],
  ])('%s is refused', (yaml, words) => {
    expect(problemsIn(yaml).join('\n')).toContain(words)
  })

  it('counts in its tests, and explain says so', () => {
    const request = '{ operation: TRANSFER, asset: ETH, signerId: signer-1 }'
    const tests = `tests:\n  - { name: t, request: ${request}, expect: { action: APPROVE, rule: signed } }\n`
    expect(problemsIn(SIGNERS + RULES + tests)).toEqual([])
    expect(problemsIn(RULES + tests)).toHaveLength(1)
    const policy = policyOf(SIGNERS + RULES)
    const asked = txRequest({ stage: 'approval', signerId: 'signer-1', rawTx: undefined })
    const signingOnlyOf = (one: Parameters<typeof explain>[1]) => {
      const { signingOnly, evaluation } = explain(policy, one, FACTS)
      return [signingOnly, evaluation.decision.rule]
    }
    expect(signingOnlyOf(asked)).toEqual(['signer-1', 'signed'])
    expect(signingOnlyOf({ ...asked, signerId: 'signer-2' })).toEqual([undefined, 'approved'])
    expect(signingOnlyOf({ ...asked, signerId: undefined })).toEqual([undefined, 'approved'])
    expect(signingOnlyOf(configRequest({ signerId: 'signer-1' }))).toEqual([undefined, 'changes'])
  })
})

/** With the member that no longer tells the stage. */
function displayed(parts: object): object {
  const destinations = [{ dstType: 'VAULT', dstId: '1', displayDstAddress: '0x1' }]
  return { ...REQUEST, destinations, ...parts }
}
