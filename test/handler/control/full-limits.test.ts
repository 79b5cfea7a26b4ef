/** What `hold list` cannot say of full limits is not known, never "none". */
import { describe, expect, it } from '@jest/globals'
import { fullLimitsOf } from '../../../handler/control/full-limits.ts'
import type { DecisionContent } from '../../../handler/decisions/decision-fields.ts'
import type { NewDecision } from '../../../handler/decisions/store.ts'
import { livePolicy } from '../../../handler/policy/judge.ts'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { manualTime } from '../../fixtures/manual-clock.ts'
import { policyOf } from '../policy/policy.ts'

const LIVE = livePolicy(
  policyOf(`
limits: { daily: { window: 24h, amount: "10" } }
rules:
  - { id: other, when: { operation: any, asset: BTC }, then: { action: RETRY, hold: {} }, require: { limits: none } }
  - { id: held, when: { operation: any, stage: signing }, then: { action: RETRY, hold: {} }, require: { limits: daily } }
`),
  createSignatureVerifier(),
)

const RECORD: DecisionContent = {
  kind: 'decision',
  identity: 2,
  endpoint: 'tx_sign_request',
  requestId: 'r-1',
  signerId: 's-1',
  stage: 'signing',
  digest: 'd',
  coreDigest: 'c',
  action: 'RETRY',
  rule: 'held',
  reason: '',
  policyDigest: 'p',
  cosigner: '',
  generation: 1,
  owner: 't-1',
  deliveryId: 'delivery-1',
  tokenSha256: '',
}

const body = (more: object = {}) =>
  JSON.stringify({ requestId: 'r-1', txId: 't-1', asset: 'ETH', amountStr: '8', ...more })

async function look(
  token: string,
  record: Partial<DecisionContent> = {},
  policy = () => LIVE,
): Promise<{ full: readonly string[] | undefined; asked: readonly NewDecision[] }> {
  const asked: NewDecision[] = []
  const fullLimits = async (entry: NewDecision) => {
    asked.push(entry)
    return ['daily']
  }
  const deps = { acts: { fullLimits }, clock: manualTime().clock, policy }
  const full = await fullLimitsOf({ record: { ...RECORD, ...record }, token }, deps)
  return { full, asked }
}

describe('the full limits of a hold', () => {
  it('are asked for as the approval would be charged, at the stage on record', async () => {
    // The stage is that of the record, which the policy may have set: the members show another.
    const { full, asked } = await look(body())
    expect(full).toEqual(['daily'])
    expect(asked).toMatchObject([
      { charges: [{ limit: 'daily', amount: { units: 8n } }], evidence: { owner: 't-1' } },
    ])
    expect(asked[0]?.bytes).toBeUndefined()
    const signed = await look(body({ rawTx: [{ rawTx: '0x01' }] }))
    expect(signed.asked[0]?.bytes).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each<[string, string, Partial<DecisionContent>, readonly string[] | undefined]>([
    ['a rule without limits', body({ asset: 'BTC' }), {}, []],
    ['no rule any more', body(), { stage: 'approval' }, []],
    [
      'a configuration change',
      JSON.stringify({ requestId: 'r-1', type: 'ADD_USER' }),
      { endpoint: 'config_change_sign_request' },
      [],
    ],
    ['what cannot be read', 'nonsense', {}, undefined],
    ['a large token', body({ note: 'n'.repeat(100_000) }), {}, undefined],
  ])('of %s: nothing is asked', async (_, token, record, expected) => {
    expect(await look(token, record)).toEqual({ full: expected, asked: [] })
  })

  it('are not known while there is no record, nor when the policy cannot be asked', async () => {
    const acts = { fullLimits: () => Promise.reject(new Error('not to be asked')) }
    const clock = manualTime().clock
    expect(await fullLimitsOf(undefined, { acts, clock, policy: () => LIVE })).toBeUndefined()
    expect((await look(body(), {}, () => ({ ...LIVE, evaluate: thrower }))).full).toBeUndefined()
    expect((await look(body(), {}, thrower)).full).toBeUndefined()
  })
})

function thrower(): never {
  throw new Error('a fault')
}
