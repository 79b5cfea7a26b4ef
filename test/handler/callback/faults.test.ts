import { join } from 'node:path'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { openSqliteStore } from '../../../handler/decisions/sqlite/sqlite-store.ts'
import type { DecisionStore } from '../../../handler/decisions/store.ts'
import type { Decision, Evaluation } from '../../../handler/policy/decision.ts'
import type {
  Advisers,
  CallbackDeps,
  DeciderFacts,
  HoldState,
} from '../../../handler/callback/ports.ts'
import type { JsonObject } from '../../../handler/protocol/json-value.ts'
import { line, says } from '../../fixtures/line.ts'
import type { Line } from '../../fixtures/line.ts'
import { settled } from '../../fixtures/manual-clock.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { claimsOf } from '../../fixtures/tokens.ts'

const SIGNING = { requestId: 'r-1', txId: 't-1', asset: 'ETH', fee: '0.1' }

let handler: Line

beforeEach(async () => {
  handler = await line()
})

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

function fails(code: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(code), { code }))
}

/** A store with one method replaced. */
function storeWith(changes: Partial<DecisionStore>): Pick<CallbackDeps, 'store'> {
  return { store: { ...handler.store, ...changes } }
}

/**
 * A record waits for the turn of its signature. One that failed at once had none, so nothing was answered: only the real
 * store waits, and every test of failing signatures used the one in memory.
 */
it('a signature that fails at once does not hold the real store back', async () => {
  const path = join(await temporaryDirectory(), 'decisions.db')
  const { clock } = handler.time
  const faults: unknown[] = []
  const store = await openSqliteStore({ path, clock, onFatal: (error) => faults.push(error) })
  handler.with({ store, sign: () => Promise.reject(new Error('no key')) })
  try {
    const answer = handler.deliver(SIGNING)
    const heldBack = new Promise((resolve) => setTimeout(resolve, 20_000, 'held back').unref())
    await expect(Promise.race([answer, heldBack])).rejects.toMatchObject({
      code: 'ERR_SIGNING_UNAVAILABLE',
      status: 503,
    })
  } finally {
    await store.close()
  }
  expect(faults).toEqual([])
})

it('a request that is too large to be compared with its other stage is unreadable', async () => {
  const path = join(await temporaryDirectory(), 'decisions.db')
  const { clock } = handler.time
  const store = await openSqliteStore({ path, clock, onFatal: () => undefined })
  handler.with({ store })
  try {
    const large = { ...SIGNING, extraParameters: { a: Array(20_000).fill(1) } }
    expect(await handler.ask({ ...large, fee: undefined })).toMatchObject({ action: 'APPROVE' })
    expect(await handler.ask(large)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_UNREADABLE',
    })
  } finally {
    await store.close()
  }
})

describe('a fault after verification', () => {
  const faults: [string, Partial<CallbackDeps> | (() => Partial<CallbackDeps>), string][] = [
    ['recall fails', () => storeWith({ recall: fails('EIO') }), 'ERR_STORE_UNAVAILABLE'],
    ['recall throws', () => storeWith({ recall: thrower }), 'ERR_STORE_UNAVAILABLE'],
    [
      'record finds the disk full',
      () => storeWith({ record: fails('ENOSPC') }),
      'ERR_STORE_UNAVAILABLE',
    ],
    ['record fails', () => storeWith({ record: fails('EIO') }), 'ERR_STORE_UNAVAILABLE'],
    ['record throws', () => storeWith({ record: thrower }), 'ERR_STORE_UNAVAILABLE'],
    ['record returns nothing', () => storeWith({ record: () => nothing() }), 'ERR_INTERNAL'],
    ['recall returns nothing', () => storeWith({ recall: () => nothing() }), 'ERR_INTERNAL'],
    ['there is no policy', { policy: thrower }, 'ERR_INTERNAL'],
    ['the policy throws', { policy: () => ({ digest: 'd', evaluate: thrower }) }, 'ERR_POLICY'],
    [
      'the policy returns nothing',
      { policy: () => ({ digest: 'd', evaluate: () => nothing() }) },
      'ERR_INTERNAL',
    ],
    ['the freeze cannot be read', { frozen: thrower }, 'ERR_INTERNAL'],
  ]

  it('is a signed RETRY too when the request cannot be read for a bug of ours', async () => {
    const claims: JsonObject = Object.defineProperty({ requestId: 'r-1' }, 'txId', { get: thrower })
    handler.with({ verify: () => ({ claims, token: 't', cosigner: 'c' }) })
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'RETRY',
      requestId: 'r-1',
      rejectionReason: 'ERR_INTERNAL',
    })
    expect(handler.alarms).toMatchObject([{ kind: 'internal-error', requestId: 'r-1' }])
    expect(handler.decided).toMatchObject([{ stage: undefined, seq: undefined }])
  })

  // Until 0.1.0 a fault was logged without stage and signer, and counted apart from the RETRYs of the same request.
  it('is logged with all that is known of the request', async () => {
    handler.with({ policy: thrower })
    await handler.deliver({ ...SIGNING, signerId: 's-1' })
    expect(handler.decided).toMatchObject([
      { action: 'RETRY', rule: 'internal-error', stage: 'signing', signerId: 's-1', txId: 't-1' },
    ])
  })

  it.each(faults)('is a signed RETRY that nobody keeps: %s', async (_, changes, reason) => {
    handler.with(typeof changes === 'function' ? changes() : changes)
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'RETRY',
      requestId: 'r-1',
      rejectionReason: reason,
    })
    expect(handler.store.records).toEqual([])
    expect(handler.alarms).toMatchObject([
      { requestId: 'r-1', deliveryId: 'delivery-1', error: expect.anything() },
    ])
    expect(handler.decided).toMatchObject([
      { action: 'RETRY', reason, seq: undefined, repeated: false },
    ])
  })

  it('is over when it is over', async () => {
    handler.with(storeWith({ recall: fails('EIO') }))
    await handler.deliver(SIGNING)
    handler.with({ store: handler.store })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
  })

  it('is a bare 503 when nothing can be signed, for a decision and for a RETRY', async () => {
    for (const changes of [{}, storeWith({ recall: fails('EIO') })]) {
      handler.with({ ...changes, sign: fails('ENOKEY') })
      await expect(handler.deliver(SIGNING)).rejects.toMatchObject({
        code: 'ERR_SIGNING_UNAVAILABLE',
        status: 503,
      })
    }
    handler.with({ store: handler.store, sign: thrower })
    await expect(handler.deliver(SIGNING)).rejects.toMatchObject({ status: 503 })
  })

  it('strikes all copies alike, and the next delivery decides', async () => {
    let failures = 0
    handler.store.faults = {
      record: () => {
        failures += 1
        return Promise.reject(new Error('EIO'))
      },
    }
    const answers = await Promise.all(Array.from({ length: 10 }, () => handler.ask(SIGNING)))
    expect(answers.every(({ action }) => action === 'RETRY')).toBe(true)
    expect(failures).toBe(1)
    handler.store.faults = {}
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
  })

  it('after the record was written changes nothing: the next delivery gets the decision', async () => {
    handler.store.faults = { afterRecord: fails('EPIPE') }
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'RETRY' })
    handler.store.faults = {}
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
    expect(handler.store.records).toHaveLength(1)
  })

  it('in the log does not become an approval', async () => {
    const answers: unknown[] = []
    handler.with({
      log: { decided: thrower, refused: thrower, inconsistent: thrower, alarm: thrower },
    })
    await handler.deliver(SIGNING).then(
      (answer) => answers.push(answer),
      () => undefined,
    )
    expect(answers).toEqual([])
  })
})

describe('the deadline', () => {
  /** Delivers, lets 25 s pass, and reads the answer. */
  async function askSlowly(target = handler): Promise<Record<string, unknown>> {
    const answer = target.deliver(SIGNING)
    await settled()
    await target.time.advance(24_750)
    return claimsOf((await answer).body)
  }

  it.each<[string, () => Partial<CallbackDeps>]>([
    ['recall hangs', () => storeWith({ recall: () => never() })],
    ['record hangs', () => storeWith({ record: () => never() })],
  ])('is kept with a signed RETRY when %s', async (_, changes) => {
    handler.with(changes())
    expect(await askSlowly()).toMatchObject({ action: 'RETRY', rejectionReason: 'ERR_DEADLINE' })
    expect(handler.decided).toMatchObject([
      { rule: 'deadline', durationMs: 24_750, seq: undefined },
    ])
  })

  it('leaves 250 ms for the signature, and not more', async () => {
    handler.with(storeWith({ recall: () => never() }))
    let answered = false
    const answer = handler.deliver(SIGNING).then(() => (answered = true))
    await settled()
    await handler.time.advance(24_749)
    expect(answered).toBe(false)
    await handler.time.advance(1)
    await answer
    expect(handler.time.clock.monotonicMs()).toBe(24_750)
  })

  it('does not begin what cannot be finished', async () => {
    let asked = 0
    handler.with(storeWith({ recall: () => Promise.reject(new Error(`${(asked += 1)}`)) }))
    const answer = await handler.deliver(SIGNING, { deadlineMs: 250 })
    expect(claimsOf(answer.body)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_DEADLINE',
    })
    expect(asked).toBe(0)
  })

  it('does not stop a late decision from being recorded, once, for the next delivery', async () => {
    let finish = () => undefined as void
    handler.store.faults = { record: () => new Promise((resolve) => (finish = resolve)) }
    expect(await askSlowly()).toMatchObject({ action: 'RETRY' })
    finish()
    await settled()
    expect(handler.store.records).toMatchObject([{ decision: { action: 'APPROVE' } }])
    handler.store.faults = {}
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
    expect(handler.decided.map(({ action }) => action)).toEqual(['RETRY', 'APPROVE'])
    expect(handler.alarms).toEqual([])
  })

  it('tells of a late failure', async () => {
    let fail: (error: Error) => void = thrower
    handler.store.faults = { record: () => new Promise((_, reject) => (fail = reject)) }
    await askSlowly()
    fail(new Error('EIO'))
    await settled()
    expect(handler.alarms).toEqual([
      { kind: 'late-failure', deliveryId: 'delivery-1', requestId: 'r-1', error: new Error('EIO') },
    ])
  })

  it('is the deadline of the first delivery for its copies; later ones start afresh', async () => {
    handler.store.faults = { recall: () => never() }
    expect(await askSlowly()).toMatchObject({ action: 'RETRY' })
    await handler.time.advance(250)
    handler.store.faults = {}
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
  })

  it('is kept without a signature when signing hangs', async () => {
    handler.with({ sign: () => never() })
    const answer = handler.deliver(SIGNING)
    const refused = expect(answer).rejects.toMatchObject({
      code: 'ERR_SIGNING_UNAVAILABLE',
      status: 503,
    })
    await settled()
    await handler.time.advance(24_750)
    await handler.time.advance(250)
    await refused
  })

  it('does not mind that hung signing fails later', async () => {
    let fail: (error: Error) => void = thrower
    handler.with({ sign: () => new Promise((_, reject) => (fail = reject)) })
    const answer = handler.deliver(SIGNING, { deadlineMs: 0 })
    const refused = expect(answer).rejects.toMatchObject({ status: 503 })
    await settled()
    await handler.time.advance(250)
    await refused
    fail(new Error('late'))
    await settled()
    expect(handler.alarms).toEqual([])
  })

  it('tells of signing that fails late', async () => {
    const pending: ((error: Error) => void)[] = []
    handler.with({ sign: () => new Promise((_, reject) => pending.push(reject)) })
    const answer = handler.deliver(SIGNING)
    const refused = expect(answer).rejects.toMatchObject({ status: 503 })
    await settled()
    await handler.time.advance(24_750)
    await handler.time.advance(250)
    await refused
    for (const fail of pending) fail(new Error('no key'))
    await settled()
    expect(handler.alarms).toMatchObject([
      { kind: 'late-failure', error: { code: 'ERR_SIGNING_UNAVAILABLE' } },
    ])
  })
})

describe('hooks', () => {
  const otherwise = { action: 'REJECT', rule: 'rule-1', reason: 'VETO' } as const
  const hooked = (hook: string, then: Decision = otherwise) => ({ hook, otherwise: then })
  const both = says('APPROVE', {
    hooks: [hooked('first'), hooked('second', { ...otherwise, reason: 'VETO_2' })],
  })

  it('are asked about an approval, with the request', async () => {
    const asked: unknown[] = []
    handler = await line(() => both)
    handler.with({
      advisers: {
        hooks: {
          call: (hook, { requestId }, signal) => {
            asked.push([hook, requestId, signal.aborted])
            return Promise.resolve('allow')
          },
        },
      },
    })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'APPROVE' })
    expect(asked).toEqual([
      ['first', 'r-1', false],
      ['second', 'r-1', false],
    ])
  })

  it('are not asked about anything else', async () => {
    handler = await line(() => says('REJECT', { hooks: [hooked('first')] }))
    handler.with({ advisers: { hooks: { call: thrower } } })
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'BECAUSE',
    })
  })

  it.each<[string, () => Promise<'allow' | 'deny' | 'no-answer'>]>([
    ['denies', () => Promise.resolve('deny')],
    ['does not answer', () => Promise.resolve('no-answer')],
    ['fails', fails('ECONNREFUSED')],
    ['throws', thrower],
  ])('veto when one %s', async (_, call) => {
    handler = await line(() => both)
    handler.with({
      advisers: {
        hooks: { call: (hook) => (hook === 'second' ? call() : Promise.resolve('allow')) },
      },
    })
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'VETO_2',
    })
    expect(handler.store.records).toMatchObject([{ decision: { reason: 'VETO_2' }, charges: [] }])
  })

  it('veto at once when there is nobody to call them', async () => {
    handler = await line(() => both)
    expect(await handler.ask(SIGNING)).toMatchObject({ rejectionReason: 'VETO' })
  })

  it('are given up in time to record and sign the veto', async () => {
    const signals: AbortSignal[] = []
    handler = await line(() => both)
    handler.with({
      advisers: {
        hooks: {
          call: (_, __, signal) => {
            signals.push(signal)
            return never()
          },
        },
      },
    })
    const answer = handler.deliver(SIGNING)
    await settled()
    await handler.time.advance(24_500)
    expect(claimsOf((await answer).body)).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'VETO',
    })
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true])
  })

  it('can never approve by their veto', async () => {
    handler = await line(() =>
      says('APPROVE', { hooks: [hooked('first', { ...otherwise, action: 'APPROVE' })] }),
    )
    handler.with({ advisers: { hooks: { call: () => Promise.resolve('deny') } } })
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_POLICY',
    })
  })
})

describe("a team's own function", () => {
  const verdict = (action: Decision['action']): Decision => ({
    action,
    rule: 'decide:x@1',
    reason: 'CODE',
  })
  const silentRule = says('REJECT', {
    decision: { action: 'REJECT', rule: 'default', reason: 'NONE' },
  })

  async function decided(
    word: Evaluation,
    decider: Advisers['decider'],
    refusal?: () => Decision | undefined,
  ) {
    handler = await line(() => word)
    handler.with({
      policy: () => ({ digest: 'd', evaluate: () => word, ...(refusal && { refusal }) }),
      advisers: { decider },
    })
    const { action, rejectionReason } = await handler.ask(SIGNING)
    return [action, rejectionReason, handler.store.records[0]?.decision.rule]
  }
  const gives = (action: Decision['action']) => () => Promise.resolve(verdict(action))
  const nothingElse = () => undefined

  it('decides where no rule of the policy does', async () => {
    expect(await decided(silentRule, gives('APPROVE'), nothingElse)).toEqual([
      'APPROVE',
      undefined,
      'decide:x@1',
    ])
    expect(await decided(silentRule, gives('RETRY'), nothingElse)).toEqual([
      'RETRY',
      'CODE',
      'decide:x@1',
    ])
    expect(await decided(silentRule, () => Promise.resolve(undefined))).toEqual([
      'REJECT',
      'NONE',
      'default',
    ])
  })

  it('may refuse what a rule approves; an approval leaves the rule and its charges as they are', async () => {
    expect(await decided(says('APPROVE'), gives('REJECT'))).toEqual([
      'REJECT',
      'CODE',
      'decide:x@1',
    ])
    expect(await decided(says('APPROVE'), gives('APPROVE'))).toEqual([
      'APPROVE',
      undefined,
      'rule-1',
    ])
  })

  it.each(['REJECT', 'RETRY', 'IGNORE'] as const)(
    'is not asked when a rule says %s',
    async (action) => {
      expect((await decided(says(action), thrower)).at(-1)).toBe('rule-1')
    },
  )

  it('is not asked while people are waited for, and after their release it is', async () => {
    const terms = { approvals: 1, expiresMs: 60_000, onExpiry: 'REJECT' } as const
    const held = says('RETRY', { hold: terms })
    expect(await decided(held, thrower)).toEqual(['RETRY', 'BECAUSE', 'rule-1'])
    handler.with({
      advisers: {
        holds: { ...roomy, state: () => Promise.resolve('released') },
        decider: gives('REJECT'),
      },
    })
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'REJECT', rejectionReason: 'CODE' })
    expect(handler.store.records.at(-1)).not.toHaveProperty('hold')
  })

  it('cannot approve content that forbids it, nor beside a policy that cannot say so', async () => {
    const refusal = { action: 'REJECT', rule: 'raw-tx', reason: 'MISMATCH' } as const
    expect(await decided(silentRule, gives('APPROVE'), () => refusal)).toEqual([
      'REJECT',
      'MISMATCH',
      'raw-tx',
    ])
    expect(await decided(silentRule, gives('APPROVE'))).toEqual(['RETRY', 'ERR_POLICY', undefined])
    expect(await decided(silentRule, gives('APPROVE'), thrower)).toEqual([
      'RETRY',
      'ERR_POLICY',
      undefined,
    ])
  })

  it.each([
    ['throws', thrower],
    ['fails', fails('ECONNREFUSED')],
  ])('that %s is answered RETRY, and nothing is kept', async (_, decider) => {
    expect(await decided(silentRule, decider, nothingElse)).toEqual([
      'RETRY',
      'ERR_POLICY',
      undefined,
    ])
    expect(handler.alarms).toMatchObject([{ kind: 'policy-error' }])
  })

  it('sees what the policy says, and is told when nobody waits any more', async () => {
    const seen: DeciderFacts[] = []
    handler = await line(() => says('APPROVE', { rawTx: 'verified' }))
    handler.with({
      advisers: {
        decider: (_, facts) => {
          seen.push(facts)
          return never()
        },
      },
    })
    const answer = handler.deliver(SIGNING)
    await settled()
    expect(seen).toMatchObject([
      { cosigner: 'cosigner-1', policy: { action: 'APPROVE', rule: 'rule-1' }, rawTx: 'verified' },
    ])
    expect(seen[0]?.signal.aborted).toBe(false)
    await handler.time.advance(24_500)
    expect(claimsOf((await answer).body)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_POLICY',
    })
    expect(seen[0]?.signal.aborted).toBe(true)
  })
})

describe('holds', () => {
  const terms = { approvals: 1, expiresMs: 60_000, onExpiry: 'REJECT' } as const
  const held = says('RETRY', { hold: terms, rawTx: 'verified' })

  async function askWhen(state: HoldState): Promise<Record<string, unknown>> {
    handler.with({ advisers: { holds: { ...roomy, state: () => Promise.resolve(state) } } })
    return handler.ask(SIGNING)
  }

  beforeEach(async () => {
    handler = await line(() => held)
  })

  it('keep the request waiting, then let it pass once', async () => {
    expect(await askWhen('held')).toMatchObject({ action: 'RETRY', rejectionReason: 'BECAUSE' })
    expect(await askWhen('released')).toMatchObject({ action: 'APPROVE' })
    const [, approval] = handler.store.records
    expect(approval).toMatchObject({
      decision: { action: 'APPROVE', rule: 'rule-1', reason: '' },
      evidence: { rawTx: 'verified' },
      hold: {
        id: expect.stringMatching(/^[0-9a-f]{16}$/),
        otherwise: { action: 'REJECT', rule: 'rule-1', reason: 'HOLD_USED' },
      },
    })
  })

  it('refuse when people refuse', async () => {
    expect(await askWhen('rejected')).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'HOLD_REJECTED',
    })
  })

  it('end as their terms say', async () => {
    expect(await askWhen('expired')).toMatchObject({
      action: 'REJECT',
      rejectionReason: 'HOLD_EXPIRED',
    })
  })

  it('are never released without somebody to ask', async () => {
    expect(await handler.ask(SIGNING)).toMatchObject({ action: 'RETRY' })
  })

  it('stay held even if a policy calls them approved', async () => {
    handler = await line(() => says('APPROVE', { hold: terms }))
    expect(await askWhen('held')).toMatchObject({ action: 'RETRY' })
  })

  it('ask with the key, the terms, the request and the rule', async () => {
    const asked: unknown[] = []
    handler.with({
      advisers: {
        holds: {
          ...roomy,
          state: (key, hold, request, rule) => {
            asked.push(key.requestId, hold, request.requestId, rule)
            return Promise.resolve('held')
          },
        },
      },
    })
    await handler.deliver(SIGNING)
    const why = { rule: 'rule-1', rawTx: 'verified', proven: undefined }
    expect(asked).toEqual(['r-1', terms, 'r-1', why])
  })

  it('are a fault of the store when they cannot be read', async () => {
    handler.with({ advisers: { holds: { ...roomy, state: fails('EIO') } } })
    expect(await handler.ask(SIGNING)).toMatchObject({
      action: 'RETRY',
      rejectionReason: 'ERR_STORE_UNAVAILABLE',
    })
  })
})

/** No limit of a hold is full. */
const roomy = { fullLimits: () => Promise.resolve([]) }

function thrower(): never {
  throw new Error('a fault')
}

/** What a broken part returns. */
function nothing(): never {
  return undefined as never
}
