import { describe, expect, it } from '@jest/globals'
import { createCore } from '../../../handler/decisions/sqlite/core.ts'
import { holdDigest } from '../../../handler/decisions/holds.ts'
import type { Core } from '../../../handler/decisions/sqlite/core.ts'
import { openDatabase } from '../../../handler/decisions/sqlite/database.ts'
import type { Database } from '../../../handler/decisions/sqlite/database.ts'
import type { HoldTerms, LimitCharge } from '../../../handler/policy/decision.ts'
import { APPROVE, entry, requestKey, RETRY, START } from './entries.ts'

const ONE: HoldTerms = { approvals: 1, expiresMs: 60_000, onExpiry: 'REJECT' }
const TWO: HoldTerms = { ...ONE, approvals: 2 }

interface Bench {
  readonly db: Database
  readonly core: Core
  readonly at: <T>(nowMs: number, work: (calls: Core['calls']) => T) => T
  readonly id: string
}

/** A store with one open hold. */
function held(terms: HoldTerms): Bench {
  const db = openDatabase(':memory:')
  const core = createCore(db)
  const at = <T>(nowMs: number, work: (calls: Core['calls']) => T) =>
    core.transaction(nowMs, () => work(core.calls))
  const request = { key: requestKey(), terms, summary: 'TRANSFER 5 ETH' }
  return { db, core, at, id: at(START, (calls) => calls.openHold(request)).id }
}

function by(person: string, note = '') {
  return { by: person, note }
}

function code(value: string): unknown {
  return expect.objectContaining({ code: value })
}

describe('a hold', () => {
  it('is opened once per request, stage and content', () => {
    const { at, id } = held(ONE)
    const open = (key = requestKey(), terms = ONE) =>
      at(START + 5_000, (calls) => calls.openHold({ key, terms, summary: 'again' }))
    expect(open()).toEqual({
      id,
      terms: ONE,
      summary: 'TRANSFER 5 ETH',
      openedAt: '2026-11-21T08:00:00.000Z',
      expiresAt: '2026-11-21T08:01:00.000Z',
      approvals: [],
      approved: 0,
      keys: {},
      rejectedBy: undefined,
      state: 'waiting',
    })
    expect(open(requestKey({ stage: 'approval' })).id).not.toBe(id)
    expect(open(requestKey({ digest: 'other' })).id).not.toBe(id)
  })

  it('shows its request, also where the evidence is in an earlier record', () => {
    const db = openDatabase(':memory:')
    const core = createCore(db)
    const at = <T>(nowMs: number, work: (calls: Core['calls']) => T) =>
      core.transaction(nowMs, () => work(core.calls))
    const retry = entry({ decision: RETRY })
    at(START, (calls) => calls.record(retry))
    const { id } = at(START + 1_000, (calls) =>
      calls.openHold({ key: requestKey(), terms: ONE, summary: '' }),
    )
    at(START + 1_000, (calls) => calls.record({ ...retry, heldBy: id }))
    expect(at(START + 1_000, (calls) => calls.findHold(id))?.evidence).toMatchObject({
      record: { hold: id, evidenceIn: 1 },
      token: 'token.of.request-1',
    })
  })

  it('is released by as many different people as its terms ask for', () => {
    const { at, id } = held(TWO)
    expect(at(START, (calls) => calls.approveHold(id, by('Alice'))).state).toBe('waiting')
    const again = () => at(START, (calls) => calls.approveHold(id, by(' alice ')))
    expect(again).toThrow(code('ERR_HOLD_SAME_PERSON'))
    const released = at(START, (calls) => calls.approveHold(id, by('Bob')))
    expect(released).toMatchObject({ state: 'released', approvals: ['Alice', 'Bob'] })
    const third = () => at(START, (calls) => calls.approveHold(id, by('Carol')))
    expect(third).toThrow(code('ERR_HOLD_CLOSED'))
  })

  it('is used up by the approval that stands on it', () => {
    const { at, id } = held(ONE)
    at(START, (calls) => calls.approveHold(id, by('alice')))
    const use = (requestId: string) =>
      at(START, (calls) => calls.record(entry({ hold: id, key: { requestId } }))).decision
    expect(use('request-1')).toEqual(APPROVE)
    expect(use('request-2')).toEqual(RETRY)
    expect(at(START, (calls) => calls.listHolds())).toEqual([])
  })

  it('gives no approval before it is released, after it was refused, or when unknown', () => {
    const { at, id } = held(ONE)
    const use = (hold: string) => at(START, (calls) => calls.record(entry({ hold }))).decision
    expect(use(id)).toEqual(RETRY)
    expect(use('unknown')).toEqual(RETRY)
    at(START, (calls) => calls.approveHold(id, by('alice')))
    expect(at(START, (calls) => calls.rejectHold(id, by('bob')))).toMatchObject({
      state: 'rejected',
      rejectedBy: 'bob',
    })
    expect(use(id)).toEqual(RETRY)
    const late = () => at(START, (calls) => calls.approveHold(id, by('carol')))
    expect(late).toThrow(code('ERR_HOLD_CLOSED'))
  })

  it('expires, released or not', () => {
    const { at, id } = held(ONE)
    at(START, (calls) => calls.approveHold(id, by('alice')))
    const later = START + 60_000
    expect(at(later - 1, (calls) => calls.listHolds())).toMatchObject([{ id, state: 'released' }])
    expect(at(later, (calls) => calls.listHolds())).toEqual([])
    expect(at(later, (calls) => calls.record(entry({ hold: id }))).decision).toEqual(RETRY)
    const late = () => at(later, (calls) => calls.rejectHold(id, by('bob')))
    expect(late).toThrow(code('ERR_HOLD_CLOSED'))
  })

  it('that does not exist is named as such', () => {
    const { at } = held(ONE)
    const act = () => at(START, (calls) => calls.approveHold('ffff', by('alice')))
    expect(act).toThrow(code('ERR_HOLD_UNKNOWN'))
  })

  it('leaves a record of every act', () => {
    const { db, at, id } = held(TWO)
    at(START, (calls) => calls.approveHold(id, by('alice', 'checked by phone')))
    at(START, (calls) => calls.rejectHold(id, by('bob', 'wrong amount')))
    const bodies = db.prepare<[], string>('SELECT body FROM chain ORDER BY seq').pluck().all()
    expect(bodies.map((body): unknown => JSON.parse(body))).toMatchObject([
      { kind: 'held', hold: id, requestId: 'request-1', terms: TWO },
      { kind: 'operator', act: 'hold-approve', by: 'alice', subject: id, note: 'checked by phone' },
      { kind: 'operator', act: 'hold-reject', by: 'bob', subject: id, note: 'wrong amount' },
    ])
  })
})

describe('a freeze', () => {
  it.each(['RETRY', 'REJECT'] as const)('answers %s to what would be approved', (action) => {
    const { at } = held(ONE)
    const freeze = at(START, (calls) => calls.freeze(action, by('alice', 'incident 7')))
    expect(freeze).toEqual({
      action,
      by: 'alice',
      reason: 'incident 7',
      since: '2026-11-21T08:00:00.000Z',
      also: [],
    })
    const { decision } = at(START, (calls) => calls.record(entry()))
    expect(decision).toEqual({ action, rule: 'freeze', reason: 'FROZEN' })
  })

  it('outlives the process, and its end too', () => {
    const { db, at } = held(ONE)
    at(START, (calls) => calls.freeze('RETRY', by('alice')))
    const next = createCore(db)
    expect(next.calls.frozen()).toMatchObject({ action: 'RETRY', by: 'alice' })
    next.transaction(START, () => next.calls.unfreeze(by('bob')))
    expect(next.calls.frozen()).toBeUndefined()
    expect(createCore(db).calls.frozen()).toBeUndefined()
    expect(next.transaction(START, () => next.calls.record(entry())).decision).toEqual(APPROVE)
  })

  // alice froze with REJECT because a key was lost; bob's `freeze --reason checking` made it RETRY, and forgot who had
  // frozen, when and why. What should have been refused for good came back after `unfreeze`.
  it('is never weakened by another one, which is kept along with it, also across a restart', () => {
    const { db, at } = held(ONE)
    at(START, (calls) => calls.freeze('REJECT', by('alice', 'key lost')))
    const after = at(START + 60_000, (calls) => calls.freeze('RETRY', by('bob', 'checking')))
    const again = { action: 'RETRY', by: 'bob', reason: 'checking' }
    expect(after).toEqual({
      action: 'REJECT',
      by: 'alice',
      reason: 'key lost',
      since: '2026-11-21T08:00:00.000Z',
      also: [{ ...again, since: '2026-11-21T08:01:00.000Z' }],
    })
    expect(createCore(db).calls.frozen()).toEqual(after)
    expect(at(START, (calls) => calls.record(entry())).decision.action).toBe('REJECT')
  })

  it('becomes stronger by another one, and weaker only when it is replaced', () => {
    const { db, at } = held(ONE)
    at(START, (calls) => calls.freeze('RETRY', by('alice', 'checking')))
    const stronger = at(START, (calls) => calls.freeze('REJECT', by('bob', 'key lost')))
    expect(stronger).toMatchObject({ action: 'REJECT', by: 'alice', also: [{ by: 'bob' }] })
    at(START, (calls) => calls.freeze('REJECT', by('carol', 'me too')))
    const weaker = at(START, (calls) => calls.freeze('RETRY', by('dave', 'false alarm'), true))
    expect(weaker).toMatchObject({ action: 'RETRY', by: 'dave', also: [] })
    expect(createCore(db).calls.frozen()).toEqual(weaker)
    const acts = db
      .prepare(`SELECT body ->> 'act' FROM chain WHERE seq > 1 ORDER BY seq`)
      .pluck()
      .all()
    expect(acts).toEqual(['freeze', 'freeze-again', 'freeze-again', 'freeze'])
  })

  it('keeps the reason of its end', () => {
    const { db, at } = held(ONE)
    at(START, (calls) => calls.freeze('RETRY', by('alice', 'checking')))
    at(START, (calls) => calls.unfreeze(by('bob', 'key replaced')))
    const last = db.prepare('SELECT body FROM chain ORDER BY seq DESC LIMIT 1').pluck().get()
    expect(JSON.parse(String(last))).toMatchObject({
      act: 'unfreeze',
      by: 'bob',
      note: 'key replaced',
    })
  })

  it('lets decisions stand that were made before', () => {
    const { at } = held(ONE)
    const before = at(START, (calls) => calls.record(entry()))
    at(START, (calls) => calls.freeze('REJECT', by('alice')))
    expect(at(START, (calls) => calls.record(entry()))).toEqual(before)
  })
})

// Opened under one person, reloaded to two under another rule: one approval let it pass under the new rule.
describe('a policy that changes while a request is held', () => {
  const bound = (boundTo: string, terms: Partial<HoldTerms> = {}): HoldTerms => ({
    ...ONE,
    boundTo,
    ...terms,
  })

  /** A hold under one rule, released by Alice; what it is when it is asked for again under other terms. */
  function asked(first: HoldTerms, then: HoldTerms, nowMs = START + 10_000) {
    const { db, at, id } = held(first)
    at(START, (calls) => calls.approveHold(id, by('Alice')))
    const again = { key: requestKey(), terms: then, summary: 'again' }
    const hold = at(nowMs, (calls) => calls.openHold(again))
    const bodies = db.prepare<[], string>('SELECT body FROM chain ORDER BY seq').pluck().all()
    const afters = bodies.flatMap((body) => {
      const { kind, after }: { kind: string; after?: string } = JSON.parse(body)
      return kind === 'held' ? [after] : []
    })
    const use = () => at(nowMs, (calls) => calls.record(entry({ hold: id }))).decision.action
    return { ...hold, afters, use }
  }

  it.each<[string, HoldTerms, HoldTerms, string, (string | undefined)[]]>([
    ['nothing of the rule', bound('a'), bound('a'), 'released', [undefined]],
    ['more people', bound('a'), bound('a', { approvals: 2 }), 'waiting', [undefined, 'terms']],
    ['fewer people', bound('a', { approvals: 2 }), bound('a'), 'released', [undefined, 'terms']],
    [
      'what comes at its end',
      bound('a'),
      bound('a', { onExpiry: 'RETRY' }),
      'released',
      [undefined, 'terms'],
    ],
    ['conditions, or the rule', bound('a'), bound('b'), 'waiting', [undefined, 'rule']],
    ['to a rule, from 0.1.0', ONE, bound('a'), 'released', [undefined, 'terms']],
    [
      'to more people, from 0.1.0',
      ONE,
      bound('a', { approvals: 2 }),
      'waiting',
      [undefined, 'rule'],
    ],
  ])('in %s', (_, first, then, state, afters) => {
    const hold = asked(first, then)
    expect([hold.state, hold.afters]).toEqual([state, afters])
    expect(hold.approvals).toEqual(afters.includes('rule') ? [] : ['Alice'])
    expect(hold.use()).toBe(state === 'released' ? 'APPROVE' : 'RETRY')
  })

  it('never makes it last longer, but shorter', () => {
    const longer = asked(bound('a'), bound('a', { expiresMs: 90_000 }))
    expect(longer.expiresAt).toBe('2026-11-21T08:01:00.000Z')
    const shorter = asked(bound('a'), bound('a', { expiresMs: 30_000 }))
    expect(shorter.expiresAt).toBe('2026-11-21T08:00:30.000Z')
    const anew = asked(bound('a'), bound('b', { expiresMs: 90_000 }))
    expect(anew.expiresAt).toBe('2026-11-21T08:01:40.000Z')
  })

  it('leaves what is over as it is', () => {
    expect(asked(bound('a'), bound('b'), START + 60_000)).toMatchObject({ state: 'expired' })
    const { at, id } = held(bound('a'))
    at(START, (calls) => calls.rejectHold(id, by('bob')))
    const again = { key: requestKey(), terms: bound('b'), summary: 'again' }
    expect(at(START, (calls) => calls.openHold(again))).toMatchObject({ state: 'rejected' })
  })
})

describe('the digest of a hold', () => {
  const digestOf = (terms: HoldTerms, rule = 'large') => holdDigest(requestKey(), rule, terms)

  // Two people read it to each other; under other conditions of the same rule it stayed the same.
  it('is another for other conditions, another rule and other terms', () => {
    const bound = { ...ONE, boundTo: 'a' }
    const digests = [
      digestOf(bound),
      digestOf({ ...bound, boundTo: 'b' }),
      digestOf(bound, 'huge'),
      digestOf({ ...bound, approvals: 2 }),
      digestOf(ONE),
    ]
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('of a hold of version 0.1.0 is what people have seen', () => {
    expect(digestOf(ONE)).toBe('9849 e63f 75e0 e647 83e4')
  })
})

describe('a release whose limit is full', () => {
  it('answers RETRY and is not used up', () => {
    const { at, id } = held(ONE)
    at(START, (calls) => calls.approveHold(id, by('Alice')))
    const one: LimitCharge = {
      limit: 'large',
      key: '',
      windowMs: 10_000,
      maxCount: 1,
      amount: undefined,
      maxAmount: undefined,
      otherwise: RETRY,
    }
    const other = entry({ key: { requestId: 'other' }, charges: [one] })
    expect(at(START, (calls) => calls.record(other)).decision).toEqual(APPROVE)
    const release = entry({ hold: id, charges: [one] })
    expect(at(START, (calls) => calls.record(release)).decision).toEqual(RETRY)
    expect(at(START + 11_000, (calls) => calls.record(release)).decision).toEqual(APPROVE)
  })
})
