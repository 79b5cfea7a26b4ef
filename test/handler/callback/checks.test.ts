/**
 * `consistency:` of a policy that is reloaded while a request waits: weakening an answer counts for requests that are first seen
 * afterwards. What was answered first is read back from the store.
 */
import { describe, expect, it } from '@jest/globals'
import { livePolicy } from '../../../handler/policy/judge.ts'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { diskLine } from '../../fixtures/disk-line.ts'
import { policyOf } from '../policy/policy.ts'

/** What is answered to a request that names two requested amounts. */
function live(answer: string) {
  return livePolicy(
    policyOf(`
consistency: { requested: ${answer} }
rules:
  - { id: all, when: { operation: any }, then: APPROVE }
`),
    createSignatureVerifier(),
  )
}

/** More is moved than was asked for. */
function odd(id: string) {
  return {
    txId: id,
    requestId: id,
    operation: 'TRANSFER',
    asset: 'ETH',
    sourceType: 'VAULT',
    sourceId: '0',
    destType: 'ONE_TIME_ADDRESS',
    destAddress: '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
    amountStr: '5',
    requestedAmountStr: '3',
  }
}

const WAITS = 'RETRY the request contradicts itself: requested'

describe('a policy that is reloaded while a request waits for its members to agree', () => {
  it('is weaker only for requests that come afterwards, also after a restart', async () => {
    const { ask, change, restart } = await diskLine(live('RETRY'))
    expect(await ask(odd('a'))).toBe(WAITS)
    change(live('note'))
    expect(await ask(odd('a'))).toBe(WAITS)
    expect(await ask(odd('b'))).toBe('APPROVE')
    await restart()
    expect(await ask(odd('a'))).toBe(WAITS)
  })

  it('is stricter at once', async () => {
    const { ask, change, restart } = await diskLine(live('RETRY'))
    expect(await ask(odd('a'))).toBe(WAITS)
    await restart()
    change(live('REJECT'))
    expect(await ask(odd('a'))).toBe('REJECT the request contradicts itself: requested')
  })

  it('has people look, and goes on having them look', async () => {
    const { ask, change, store } = await diskLine(live('hold'))
    expect(await ask(odd('a'))).toBe(WAITS)
    change(live('note'))
    expect(await ask(odd('a'))).toBe(WAITS)
    const [hold] = await store().listHolds()
    await store().approveHold(hold?.id ?? '', { by: 'alice', note: '' })
    expect(await ask(odd('a'))).toBe('APPROVE')
  })
})
