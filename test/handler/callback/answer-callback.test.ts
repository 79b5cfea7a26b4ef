import { compactVerify } from 'jose'
import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Decision } from '../../../handler/policy/decision.ts'
import type { CallbackRequest } from '../../../handler/protocol/request.ts'
import { createPlainVerifier, signToken } from '../../../handler/protocol/token.ts'
import { createSharedWork } from '../../../handler/callback/shared-work.ts'
import { testKey } from '../../fixtures/keys.ts'
import { line, says } from '../../fixtures/line.ts'
import type { Line } from '../../fixtures/line.ts'
import { settled } from '../../fixtures/manual-clock.ts'
import { claimsOf, ETH_PAYLOAD, tokenOf } from '../../fixtures/tokens.ts'

const APPROVAL = { requestId: 'r-1', txId: 't-1', asset: 'ETH', amountStr: '1', destAddress: '0x1' }
const SIGNING = { ...APPROVAL, fee: '0.1' }
const CONFIG = { requestId: 'r-1', type: 'ADD_USER' }

let handler: Line

beforeEach(async () => {
  handler = await line()
})

function without(claims: object, name: string): object {
  return Object.fromEntries(Object.entries(claims).filter(([each]) => each !== name))
}

describe('answerCallback', () => {
  it('approves what the policy approves, signed, and only after it is on record', async () => {
    const answer = await handler.deliver(ETH_PAYLOAD, { generation: 7 })
    expect(answer.contentType).toBe('application/jwt')
    const { payload } = await compactVerify(answer.body, (await testKey('handler')).publicKey)
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
      action: 'APPROVE',
      requestId: '48f6871c-0467-4b56-8c44-426f3d6487f5',
      generation: 7,
    })
    expect(handler.store.records).toEqual([
      expect.objectContaining({
        seq: 1,
        decision: { action: 'APPROVE', rule: 'rule-1', reason: '' },
        evidence: {
          token: tokenOf((await testKey('cosigner')).privateKey, ETH_PAYLOAD).toString(),
          cosigner: 'cosigner-1',
          generation: 7,
          policyDigest: 'policy-digest',
          owner: '48f6871c-0467-4b56-8c44-426f3d6487f5',
          rawTx: undefined,
          deliveryId: 'delivery-1',
        },
      }),
    ])
  })

  it('says so in the log', async () => {
    await handler.deliver({ ...SIGNING, signerId: 's', later: 1 })
    expect(handler.decided).toEqual([
      {
        deliveryId: 'delivery-1',
        endpoint: 'tx_sign_request',
        generation: 1,
        cosigner: 'cosigner-1',
        requestId: 'r-1',
        stage: 'signing',
        txId: 't-1',
        signerId: 's',
        action: 'APPROVE',
        rule: 'rule-1',
        reason: '',
        seq: 1,
        repeated: false,
        unknownMembers: ['later'],
        durationMs: 0,
      },
    ])
    expect(handler.alarms).toEqual([])
  })

  it('knows no transaction in a configuration change', async () => {
    await handler.deliver(CONFIG, { endpoint: 'config_change_sign_request' })
    expect(handler.decided).toMatchObject([{ txId: undefined, stage: 'approval' }])
  })

  it.each([
    ['REJECT', SIGNING],
    ['RETRY', SIGNING],
    ['REJECT', APPROVAL],
    ['IGNORE', APPROVAL],
  ] as const)('answers %s with its reason', async (action, claims) => {
    handler = await line(() => says(action))
    expect(await handler.ask(claims)).toMatchObject({
      action,
      requestId: 'r-1',
      rejectionReason: 'BECAUSE',
    })
    expect(handler.store.records).toMatchObject([{ decision: { action } }])
  })

  it('shows the policy the request, the time and the co-signer, one policy per request', async () => {
    const seen: unknown[] = []
    let asked = 0
    handler.with({
      policy: () => ({
        digest: `digest-${(asked += 1)}`,
        evaluate: (request, facts) => {
          seen.push([request.requestId, facts])
          return says('APPROVE', { rawTx: 'verified' })
        },
      }),
    })
    await handler.deliver(SIGNING)
    expect(seen).toEqual([
      ['r-1', { now: new Date('2026-11-02T10:00:00Z'), cosigner: 'cosigner-1' }],
    ])
    expect(handler.store.records).toMatchObject([
      { evidence: { policyDigest: 'digest-1', rawTx: 'verified' } },
    ])
  })

  it('echoes the id byte for byte, whatever printable it is', async () => {
    const requestId = 'a"\\/<b> {"action":"APPROVE"} ~'
    expect(await handler.ask({ ...SIGNING, requestId })).toMatchObject({ requestId })
  })

  // By the vendor's tables it is being signed, by real tokens it may be: an IGNORE would fail it for good.
  it('waits instead of IGNORE where nothing proves the stage', async () => {
    handler = await line(() => says('IGNORE'))
    const destinations = [{ dstType: 'VAULT', dstId: '1', displayDstAddress: 'x' }]
    expect(await handler.ask({ ...APPROVAL, destinations })).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'IGNORE_NOT_POSSIBLE_STAGE_UNPROVEN',
    })
  })

  it('raises an alarm when the store says that the stages differ', async () => {
    const { store } = handler
    handler.with({
      store: {
        ...store,
        record: async (entry) => ({ ...(await store.record(entry)), differs: ['amount'] }),
      },
    })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
    expect(handler.alarms).toMatchObject([{ kind: 'stage-difference', requestId: 'r-1' }])
  })

  it('never lets IGNORE reach a signing request, nor the record of one', async () => {
    handler = await line(() => says('IGNORE'))
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'IGNORE_NOT_POSSIBLE_WHEN_SIGNING',
    })
    expect(handler.store.records).toMatchObject([
      { decision: { action: 'REJECT', rule: 'rule-1' } },
    ])
    expect(handler.decided).toMatchObject([{ action: 'REJECT' }])
  })
})

describe('what is not genuine or has no id', () => {
  it.each([
    ['a forged token', 'ERR_TOKEN_SIGNATURE'],
    ['plain JSON', 'ERR_TOKEN_MALFORMED'],
    ['nothing', 'ERR_BODY_MISSING'],
  ])('gets a bare status and leaves no trace: %s', async (what, code) => {
    const forged = tokenOf((await testKey('other')).privateKey, SIGNING)
    const bodies: Record<string, Buffer> = {
      'a forged token': forged,
      'plain JSON': Buffer.from('{"requestId":"r"}'),
    }
    const body = bodies[what] ?? Buffer.alloc(0)
    await expect(handler.deliverBody(body)).rejects.toMatchObject({ code, status: 401 })
    expect([handler.store.records, handler.decided, handler.alarms]).toEqual([[], [], []])
  })

  it('gets 400 without a usable id', async () => {
    await expect(handler.deliver({ txId: 't' })).rejects.toMatchObject({
      code: 'ERR_REQUEST_UNIDENTIFIED',
      status: 400,
    })
    expect([handler.store.records, handler.decided]).toEqual([[], []])
  })
})

describe('malformed requests', () => {
  it('are refused for good, on record', async () => {
    const broken = { ...SIGNING, txId: 7, signerId: 's' }
    expect(await handler.ask(broken)).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'BAD_IDENTIFIER txId',
    })
    expect(handler.store.records).toMatchObject([
      {
        key: { requestId: 'r-1', signerId: 's' },
        decision: { rule: 'malformed' },
        evidence: { owner: 'r-1' },
      },
    ])
    expect(handler.decided).toMatchObject([
      { txId: undefined, signerId: 's', stage: 'signing', unknownMembers: [] },
    ])
    const change = { requestId: 'r-2', type: '', txId: 't-2' }
    expect(await handler.ask(change, { endpoint: 'config_change_sign_request' })).toMatchObject({
      rejectionReason: 'BAD_IDENTIFIER type',
    })
    expect(handler.store.records[1]).toMatchObject({ evidence: { owner: 't-2' } })
  })

  it('never reach the policy', async () => {
    let asked = 0
    handler = await line(() => {
      asked += 1
      return says('APPROVE')
    })
    await handler.deliver({ ...SIGNING, txId: {} })
    expect(asked).toBe(0)
  })

  it('never approve, whichever member of a good request is changed to whatever type', async () => {
    const golden = JSON.parse(ETH_PAYLOAD) as Record<string, unknown>
    const careful = ({ endpoint, ...rest }: CallbackRequest) =>
      says(
        endpoint === 'tx_sign_request' && 'asset' in rest && rest.asset === 'ETH'
          ? 'APPROVE'
          : 'REJECT',
      )
    handler = await line(careful)
    let tried = 0
    for (const name of Object.keys(golden)) {
      for (const value of [null, '', [], {}, 0, true, [[]]]) {
        const requestId = `r-${(tried += 1)}`
        const mutant = { ...golden, requestId, [name]: value }
        if (name === 'requestId') {
          await expect(handler.deliver(mutant)).rejects.toMatchObject({ status: 400 })
        } else {
          const { action, requestId: echoed } = await handler.ask(mutant)
          expect([action, echoed]).toEqual([expect.stringMatching(/^(APPROVE|REJECT)$/), requestId])
          if (name === 'asset' || name === 'txId') expect(action).toBe('REJECT')
        }
      }
    }
  })
})

describe('what is of a form that is not read', () => {
  const change = { endpoint: 'config_change_sign_request' } as const

  it('is answered RETRY with an alarm, and is not recorded: a transaction replayed at the other endpoint', async () => {
    const replayed = { ...SIGNING, destinations: [] }
    expect(await handler.ask(replayed, change)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_UNREADABLE',
    })
    expect(handler.store.records).toEqual([])
    expect(handler.alarms).toMatchObject([
      { kind: 'unreadable', error: { message: 'a configuration change has `destinations`' } },
    ])
    expect(handler.decided).toMatchObject([
      { rule: 'unreadable', requestId: 'r-1', seq: undefined },
    ])
  })

  it('is no reason to refuse a change that only has members of a transaction', async () => {
    expect(
      await handler.ask({ requestId: 'r', type: 'T', txId: 't', asset: 'E' }, change),
    ).toMatchObject({
      action: 'APPROVE',
    })
  })
})

describe('members that disagree', () => {
  const checks = (answer: 'RETRY' | 'note') => [{ check: 'sum', answer } as const]

  it('are told once, recorded, and what was answered first is told to the policy again', async () => {
    const seen: unknown[] = []
    handler = await line((_request, facts) => {
      seen.push(facts.before)
      return says('RETRY', { consistency: checks('RETRY') })
    })
    await handler.ask(SIGNING)
    await handler.ask(SIGNING)
    expect(seen).toEqual([undefined, checks('RETRY')])
    expect(handler.inconsistent).toMatchObject([{ requestId: 'r-1', checks: checks('RETRY') }])
    expect(handler.alarms).toMatchObject([
      {
        kind: 'contradiction',
        error: { message: 'members of the request disagree: sum (RETRY)' },
      },
    ])
    expect(handler.store.records[0]).toMatchObject({ evidence: { consistency: checks('RETRY') } })
  })

  it('raise no alarm when they are just noted', async () => {
    handler = await line(() => says('APPROVE', { consistency: checks('note') }))
    await handler.ask(SIGNING)
    expect(handler.inconsistent).toHaveLength(1)
    expect(handler.alarms).toEqual([])
  })
})

describe('the same request again', () => {
  it('gets the same decision although the policy has changed, with no second record', async () => {
    let action: Decision['action'] = 'APPROVE'
    handler = await line(() => says(action))
    const first = await handler.deliver(SIGNING)
    action = 'REJECT'
    expect(await handler.deliver(SIGNING)).toEqual(first)
    expect(handler.store.records).toHaveLength(1)
    expect(handler.decided).toMatchObject([
      { seq: 1, repeated: false },
      { seq: 1, repeated: true },
    ])
  })

  it('is signed afresh with the key of the path that it comes by', async () => {
    await handler.deliver(SIGNING, { generation: 1 })
    expect(await handler.ask(SIGNING, { generation: 2 })).toMatchObject({
      action: 'APPROVE',
      generation: 2,
    })
    expect(handler.store.records).toHaveLength(1)
  })

  it('is signed with the key of each path when copies come by two of them at once', async () => {
    const answers = await Promise.all(
      [1, 2].map((generation) => handler.ask(SIGNING, { generation })),
    )
    expect(answers).toMatchObject([
      { action: 'APPROVE', generation: 1 },
      { action: 'APPROVE', generation: 2 },
    ])
    expect(handler.store.records).toHaveLength(1)
  })

  it('needs no second signature by the same key', async () => {
    let signatures = 0
    const { signer } = await testKey('handler')
    handler.with({
      sign: (_, claims) => {
        signatures += 1
        return signToken(signer, claims)
      },
    })
    await handler.deliver(SIGNING)
    await handler.deliver(SIGNING)
    expect(signatures).toBe(1)
  })

  it('is recognised when it is signed again with its members in another order', async () => {
    await handler.deliver(SIGNING)
    const again = Object.fromEntries(Object.entries(SIGNING).toReversed())
    await handler.deliver(again)
    expect(handler.store.records).toHaveLength(1)
  })

  it('is decided anew after a RETRY, every time', async () => {
    const actions: Decision['action'][] = ['RETRY', 'RETRY', 'APPROVE', 'REJECT']
    handler = await line(() => says(actions.shift() ?? 'REJECT'))
    const answers = []
    for (let turn = 0; turn < 4; turn += 1) answers.push((await handler.ask(SIGNING))['action'])
    expect(answers).toEqual(['RETRY', 'RETRY', 'APPROVE', 'APPROVE'])
  })

  it('is one decision in a hundred concurrent copies', async () => {
    let evaluations = 0
    handler = await line(() => {
      evaluations += 1
      return says('APPROVE')
    })
    const answers = await Promise.all(Array.from({ length: 100 }, () => handler.deliver(SIGNING)))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(evaluations).toBe(1)
    expect(handler.store.records).toHaveLength(1)
    expect(handler.decided.filter(({ repeated }) => repeated)).toHaveLength(99)
  })

  it('is one decision even when two processes race: the receipt says which', async () => {
    const other = await line(() => says('REJECT'))
    other.with({ store: handler.store })
    const answers = await Promise.all([handler.ask(SIGNING), other.ask(SIGNING)])
    expect(new Set(answers.map(({ action }) => action)).size).toBe(1)
    expect(handler.store.records).toHaveLength(1)
  })
})

describe('the stages of one transaction', () => {
  it('are decided one by one: an approval is not replayed into signing', async () => {
    handler = await line(({ stage }) => says(stage === 'approval' ? 'APPROVE' : 'REJECT'))
    expect(await handler.ask(APPROVAL)).toMatchObject({ action: 'APPROVE' })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'REJECT' })
    expect(handler.store.records).toHaveLength(2)
  })

  it('share a refusal', async () => {
    handler = await line(({ stage }) => says(stage === 'approval' ? 'REJECT' : 'APPROVE'))
    await handler.deliver(APPROVAL)
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'BECAUSE',
    })
    expect(handler.store.records).toHaveLength(1)
    expect(handler.decided[1]).toMatchObject({ action: 'REJECT', seq: 1, repeated: true })
  })

  it('raise an alarm once when unknown values put the decision off', async () => {
    const uncertainty = { rule: 'deny', unknown: ['destination.address', 'amountUSD'] }
    handler = await line(() => says('RETRY', { uncertainty }))
    await handler.ask(SIGNING)
    const firstAt = '2026-11-20T12:00:00.000Z'
    handler.with({
      store: { ...handler.store, recall: () => Promise.resolve({ kind: 'new', firstAt }) },
    })
    for (let n = 0; n < 2; n += 1) await handler.ask(SIGNING)
    expect(handler.alarms).toEqual([
      {
        kind: 'uncertain',
        deliveryId: 'delivery-1',
        requestId: 'r-1',
        error: new Error('rule deny depends on what is unknown: destination.address, amountUSD'),
      },
    ])
  })

  it('may not differ in what is moved', async () => {
    await handler.deliver(APPROVAL)
    expect(await handler.ask({ ...SIGNING, destAddress: '0x2' })).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'ERR_REQUEST_CONFLICT',
    })
    expect(handler.alarms).toEqual([
      { kind: 'conflict', deliveryId: 'delivery-2', requestId: 'r-1' },
    ])
    expect(handler.store.records[1]).toMatchObject({
      decision: { action: 'REJECT', rule: 'conflict' },
    })
  })

  it('do not trust a store that calls a refusal an approval', async () => {
    const decision = { action: 'APPROVE', rule: 'x', reason: '' } as const
    handler.with({
      store: {
        ...handler.store,
        recall: () => Promise.resolve({ kind: 'rejected-sibling', decision, seq: 1 }),
      },
    })
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_INTERNAL',
    })
  })

  it('do not trust a store that approves what could not be read', async () => {
    const decision = { action: 'APPROVE', rule: 'x', reason: '' } as const
    handler.with({
      store: { ...handler.store, record: () => Promise.resolve({ decision, seq: 1, hash: 'h' }) },
    })
    expect(await handler.ask({ ...SIGNING, txId: 1 })).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_INTERNAL',
    })
  })
})

describe('what a decision depends on', () => {
  const limit = (otherwise: Decision) => ({
    charges: [
      {
        limit: 'daily',
        key: '',
        windowMs: 1,
        maxCount: 1,
        amount: undefined,
        maxAmount: undefined,
        otherwise,
      },
    ],
  })
  const full = { action: 'RETRY', rule: 'rule-1', reason: 'LIMIT' } as const

  it('is settled by the receipt: a full limit changes the answer', async () => {
    handler = await line(() => says('APPROVE', limit(full)))
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
    const next = { ...SIGNING, requestId: 'r-2', txId: 't-2' }
    expect(await handler.ask(next)).toMatchObject({ action: 'RETRY', rejectionReason: 'LIMIT' })
  })

  it('is charged only when approved, and can never become an IGNORE of a signing request', async () => {
    handler = await line(() => says('REJECT', limit(full)))
    await handler.deliver(SIGNING)
    expect(handler.store.records).toMatchObject([{ charges: [], singleUses: [] }])
    handler = await line(() => says('APPROVE', limit({ ...full, action: 'IGNORE' })))
    await handler.deliver(SIGNING)
    expect(handler.store.records).toMatchObject([
      { charges: [{ otherwise: { action: 'REJECT' } }] },
    ])
  })
})

describe('freeze', () => {
  const frozen = { action: 'RETRY', rule: 'freeze', reason: 'FROZEN' } as const

  it('answers instead of the policy', async () => {
    handler.with({ frozen: () => frozen })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'RETRY', rejectionReason: 'FROZEN' })
    expect(handler.store.records).toMatchObject([{ decision: frozen }])
  })

  it('holds back an approval that is on record, and lets a refusal through', async () => {
    await handler.deliver(SIGNING)
    handler.with({ frozen: () => ({ ...frozen, action: 'REJECT' }) })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'RETRY', rejectionReason: 'FROZEN' })
    handler.with({ frozen: () => undefined })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
  })

  it('holds back an approval that it overtook', async () => {
    let freeze = false
    handler.with({ frozen: () => (freeze ? frozen : undefined) })
    handler.store.faults = {
      afterRecord: () => {
        freeze = true
        return Promise.resolve()
      },
    }
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'RETRY' })
  })

  it('cannot be made to approve', async () => {
    handler = await line(() => says('REJECT'))
    handler.with({ frozen: () => ({ ...frozen, action: 'APPROVE' }) })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'RETRY' })
  })
})

describe('certificate mode', () => {
  it('answers JSON with JSON and signs nothing', async () => {
    handler.with({
      mode: 'plain',
      verify: createPlainVerifier(),
      sign: () => {
        throw new Error('there is no key to sign with')
      },
    })
    const answer = await handler.deliverBody(Buffer.from(JSON.stringify(SIGNING)))
    expect(answer).toEqual({
      contentType: 'application/json',
      body: '{"action":"APPROVE","requestId":"r-1"}',
    })
    expect(handler.store.records).toMatchObject([
      { evidence: { cosigner: '', token: JSON.stringify(SIGNING) } },
    ])
  })
})

describe('a signature that waits for its turn', () => {
  it('lets the record wait with it, and no longer', async () => {
    const order: string[] = []
    let begin: () => void = () => undefined
    const { sign } = handler.deps()
    handler.with({
      sign: async (generation, claims, begins) => {
        order.push('queued')
        await new Promise<void>((resolve) => {
          begin = resolve
        })
        begins?.()
        return sign(generation, claims)
      },
      store: {
        ...handler.store,
        record: async (entry, turn) => {
          await turn
          order.push('recorded')
          return handler.store.record(entry)
        },
      },
    })
    const answer = handler.ask(SIGNING)
    await settled()
    expect(order).toEqual(['queued'])
    begin()
    expect(await answer).toMatchObject({ action: 'APPROVE' })
    expect(order).toEqual(['queued', 'recorded'])
  })

  it('that cannot be made does not keep the decision from the record', async () => {
    handler.with({ sign: () => Promise.reject(new Error('no key')) })
    await expect(handler.ask(SIGNING)).rejects.toMatchObject({ code: 'ERR_SIGNING_UNAVAILABLE' })
    expect(handler.store.records).toHaveLength(1)
  })
})

describe('createSharedWork', () => {
  it('joins no more flights than it may, and decides the others by themselves', async () => {
    const shared = createSharedWork(1)
    const decision = { action: 'REJECT', rule: 'x', reason: '' } as const
    let runs = 0
    const work = async () => {
      runs += 1
      await settled()
      return { recorded: { kind: 'decided', decision, seq: runs } } as const
    }
    const flights = ['a', 'b', 'a', 'b'].map((name) => shared.join(name, 0, 1000, work))
    expect((await Promise.all(flights)).map((joined) => joined.shared)).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(runs).toBe(4)
  })
})

describe('stories of public handlers', () => {
  // observer-protocol/op-adapters read the ledger, awaited, then wrote: two parallel callbacks both passed the cap, and
  // a redelivery was counted twice.
  it('counts a limit once for copies and redeliveries', async () => {
    const otherwise = { action: 'REJECT', rule: 'rule-1', reason: 'LIMIT' } as const
    const charge = {
      limit: 'daily',
      key: '',
      windowMs: 1,
      maxCount: 1,
      amount: undefined,
      maxAmount: undefined,
    }
    handler = await line(() => says('APPROVE', { charges: [{ ...charge, otherwise }] }))
    await Promise.all([handler.deliver(SIGNING), handler.deliver(SIGNING)])
    await handler.deliver(SIGNING)
    expect(handler.store.records).toHaveLength(1)
    expect(handler.decided.map(({ action }) => action)).toEqual(['APPROVE', 'APPROVE', 'APPROVE'])
  })

  // fireblocks/plugin-based-callback-handler answered a plug-in's exception with HTTP 500, which fails the transaction.
  it('answers RETRY when the policy throws', async () => {
    handler = await line(() => {
      throw new TypeError('cannot read properties of undefined')
    })
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_POLICY',
    })
    expect(handler.store.records).toEqual([])
  })

  // ReachPay/fireblocks-cosigner-callback-processor approved every configuration change.
  it('asks the policy about configuration changes too', async () => {
    handler = await line(({ endpoint }) =>
      says(endpoint === 'tx_sign_request' ? 'APPROVE' : 'REJECT'),
    )
    expect(await handler.ask(CONFIG, { endpoint: 'config_change_sign_request' })).toMatchObject({
      action: 'REJECT',
    })
  })

  // A hosted handler looked a decision up by request id alone, so that a harmless request paved the way for another.
  it('does not answer one request with the decision of another of the same id', async () => {
    await handler.deliver(SIGNING)
    expect(await handler.ask({ ...SIGNING, amountStr: '1000' })).toMatchObject({ action: 'REJECT' })
    expect(await handler.ask(without(SIGNING, 'amountStr'))).toMatchObject({ action: 'REJECT' })
  })

  // CoboGlobal/cobo-mpc-callback-server-v2-template put no request id into the answer to an invalid token.
  it('answers an invalid token with an error only, and signs nothing', async () => {
    let signed = 0
    handler.with({ sign: () => Promise.resolve(`${(signed += 1)}`) })
    await expect(handler.deliverBody(Buffer.from('a.b.c'))).rejects.toMatchObject({ status: 401 })
    expect(signed).toBe(0)
  })

  // One handler emitted `Action` and `RequestId`, another a token in quotes, and the co-signer understood neither.
  it('answers the bare token with camel-case claims', async () => {
    const { body } = await handler.deliver(SIGNING)
    expect(body).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(Object.keys(claimsOf(body))).toEqual(['action', 'requestId', 'generation'])
  })
})
