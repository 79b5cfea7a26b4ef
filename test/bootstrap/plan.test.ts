/** The planner alone: a fake world, and the whole plan compared. */
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { GenerationState, PairingNeeds } from '../../common/admin-api.ts'
import type { Pairing } from '../../bootstrap/compare.ts'
import type { AnswerWish, Operation, PairingMemory, Submission } from '../../bootstrap/memory.ts'
import { planPairing } from '../../bootstrap/plan.ts'
import type {
  Goal,
  PairingWorld,
  Plan,
  PlanInput,
  PlannedGeneration,
  Step,
} from '../../bootstrap/steps.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000

const PAIR: Goal = { kind: 'pair', replace: false }
const REPLACE: Goal = { kind: 'pair', replace: true }
const ROTATE: Goal = { kind: 'rotate', renew: false, acceptGap: false }
const UNPAIR: Goal = { kind: 'unpair' }

/** A world that is built word by word; `plan` asks the planner about it. */
function world() {
  let paired: Pairing = { is: 'absent' }
  const generations: PlannedGeneration[] = []
  let offered: number[] = []
  let needs: PairingNeeds | null = null
  let memory: PairingMemory = { operation: null, last: null }
  let slots = ['A', 'B']
  let auth: PairingWorld['auth'] = 'hybrid'
  let tls: PairingWorld['tls'] = 'self-signed'
  let answerAlgorithm: PairingWorld['answerAlgorithm'] = 'RS256'
  let es256Doubt: string | undefined
  const self = {
    withGeneration: (
      generation: number,
      state: GenerationState = 'live',
      calls = 0,
      key: Partial<Pick<PlannedGeneration, 'algorithm' | 'oneKey'>> = {},
    ) => {
      const hits = { total: calls, lastAt: null, bySigner: {} }
      generations.push({
        generation,
        state,
        algorithm: 'RS256',
        oneKey: true,
        ...key,
        hits,
        endsMs: NOW + 40 * 24 * HOUR,
        notAfter: new Date(NOW + 40 * 24 * HOUR).toISOString(),
      })
      return self
    },
    /** Requests have named these, and the API accepted them. */
    offering: (...numbers: number[]) => {
      offered = numbers
      return self
    },
    paired: (generation: number, notes: string[] = []) => {
      paired = { is: 'ours', generation, notes }
      return self
    },
    showing: (what: Pairing) => {
      paired = what
      return self
    },
    needing: (live: number | null, pending: number | null = null) => {
      needs = { live, pending, drainMs: 1 }
      return self
    },
    doing: (
      kind: Operation['kind'],
      from: number | null,
      to: number | null,
      submission: Partial<Submission> | null = null,
      renewOf: number | null = null,
      answer?: AnswerWish,
    ) => {
      memory = {
        ...memory,
        operation: {
          kind,
          from,
          to,
          renewOf,
          ...(answer === undefined ? {} : { answer }),
          drainMs: 1,
          startedAtMs: NOW - HOUR,
          probedAtMs: null,
          submission: submission && { ...SUBMITTED, ...submission },
        },
      }
      return self
    },
    finished: (
      kind: Operation['kind'],
      to: number,
      reported: boolean,
      atMs = NOW - 1000,
      outcome = 'done',
    ) => {
      memory = { ...memory, last: { kind, to, outcome, atMs, reported } }
      return self
    },
    mode: (
      mode: PairingWorld['auth'],
      urls = 2,
      certificate: PairingWorld['tls'] = 'self-signed',
    ) => {
      auth = mode
      tls = certificate
      slots = ['A', 'B'].slice(0, urls)
      return self
    },
    /** What the handler makes unasked, and why the co-signer may not understand ES256. */
    making: (algorithm: PairingWorld['answerAlgorithm'], doubt?: string) => {
      answerAlgorithm = algorithm
      es256Doubt = doubt
      return self
    },
    plan: (
      goal: Goal,
      flags: Partial<Pick<PlanInput, 'resubmit' | 'abandon' | 'retireNow' | 'forceAlgorithm'>> = {},
    ): Plan =>
      planPairing({
        goal,
        world: {
          auth,
          tls,
          slots,
          generations,
          offered,
          needs,
          paired,
          answerAlgorithm,
          es256Doubt,
        },
        retireNow: flags.retireNow ?? false,
        forceAlgorithm: flags.forceAlgorithm ?? false,
        memory,
        resubmit: flags.resubmit ?? false,
        abandon: flags.abandon ?? false,
        nowMs: NOW,
      }),
  }
  return self
}

const SUBMITTED: Submission = {
  method: 'PATCH',
  bodySha: 'sha',
  idempotencyKey: null,
  firstSentAtMs: NOW - HOUR,
  attempts: 1,
  outcome: 'accepted',
  requestId: '7',
  location: '/v1/x/7',
  status: null,
  acceptedAtMs: NOW - HOUR,
}

const PUT: Partial<Submission> = { method: 'PUT', idempotencyKey: 'key-1' }

const NOTHING = { begin: null, steps: [], notes: [] }

function settle(generation: number, requestId?: string | null): Step[] {
  return [
    ...(requestId === undefined ? [] : [{ do: 'await-approval', requestId } as const]),
    { do: 'verify', generation },
    { do: 'activate', generation },
  ]
}

function codeOf(plan: Plan): string | undefined {
  return 'refusal' in plan ? plan.refusal.code : undefined
}

function stepsOf(plan: Plan): readonly Step[] | undefined {
  return 'refusal' in plan ? undefined : plan.steps
}

describe('pair', () => {
  it('declares, probes, pairs and activates the staged generation', () => {
    expect(world().withGeneration(1, 'staged').plan(PAIR)).toEqual({
      begin: { kind: 'pair', from: null, to: 1, renewOf: null },
      steps: [
        { do: 'declare', live: null, pending: 1 },
        { do: 'probe', generations: [1], gap: false },
        { do: 'pair', generation: 1, idempotencyKey: null },
        ...settle(1, null),
      ],
      notes: [],
    })
  })

  it('makes a new one when the only one was offered, or called, before', () => {
    const first = (plan: Plan) => stepsOf(plan)?.[0]
    const drained = () => world().withGeneration(1, 'draining')
    expect(first(drained().plan(PAIR))).toMatchObject({ do: 'declare', pending: 1 })
    expect(first(drained().offering(1).plan(PAIR))).toEqual({ do: 'stage', generation: 2 })
    expect(first(world().withGeneration(1, 'draining', 3).plan(PAIR))).toEqual({
      do: 'stage',
      generation: 2,
    })
    expect(
      first(
        drained()
          .offering(1)
          .plan({ ...PAIR, keepKey: true }),
      ),
    ).toMatchObject({
      do: 'declare',
      pending: 1,
    })
  })

  it('ends drains first when that is asked for, but never that of its own generation', () => {
    const busy = () => world().withGeneration(1, 'draining').withGeneration(2).needing(2).paired(2)
    const retires = (plan: Plan) => stepsOf(plan)?.filter((step) => step.do === 'retire')
    expect(retires(busy().plan(ROTATE, { retireNow: true }))).toEqual([
      { do: 'retire', generation: 1 },
    ])
    expect(retires(busy().plan(ROTATE))).toEqual([])
    const ours = world().withGeneration(1, 'draining').plan(PAIR, { retireNow: true })
    expect(retires(ours)).toEqual([])
    expect(world().plan({ ...ROTATE }, { retireNow: true })).toHaveProperty('refusal')
  })

  it('is not due while the certificate lives for longer than asked', () => {
    const live = () => world().withGeneration(1).needing(1).paired(1)
    const due = (days: number) => live().plan({ ...ROTATE, ifDueMs: days * 24 * HOUR })
    expect([stepsOf(due(39)), stepsOf(due(41))?.length]).toEqual([
      [],
      stepsOf(live().plan(ROTATE))?.length,
    ])
  })

  it('stages a generation when all are retired', () => {
    const plan = world().withGeneration(4, 'retired').plan(PAIR)
    expect(stepsOf(plan)?.[0]).toEqual({ do: 'stage', generation: 5 })
  })

  it.each<[GenerationState[], number]>([
    [['live', 'staged'], 1],
    [['retired', 'staged', 'draining'], 2],
    [['retired', 'draining'], 2],
    [[], 1],
  ])('chooses among %j generation %i', (states, expected) => {
    const built = world()
    states.forEach((state, index) => built.withGeneration(index + 1, state))
    expect(built.plan(PAIR)).toMatchObject({ begin: { to: expected } })
  })

  it('has nothing to do when it is paired and declared', () => {
    const built = world().withGeneration(1).paired(1, ['a note']).needing(1)
    expect(built.plan(PAIR)).toEqual({ ...NOTHING, notes: ['a note'] })
  })

  it.each<[number | null, number | null]>([
    [null, null],
    [1, 2],
  ])('only tells the handler when it was told live %j, pending %j', (live, pending) => {
    expect(world().withGeneration(1).paired(1).needing(live, pending).plan(PAIR)).toEqual({
      begin: { kind: 'pair', from: 1, to: 1, renewOf: null },
      steps: [{ do: 'activate', generation: 1 }],
      notes: [],
    })
  })

  it('configures a pairing that has no handler with PATCH', () => {
    const plan = world().withGeneration(1, 'staged').showing({ is: 'no-handler' }).plan(PAIR)
    expect(stepsOf(plan)).toContainEqual({ do: 'update-callback-handler', generation: 1 })
  })

  it.each<Pairing>([
    { is: 'foreign', url: 'https://x.test' },
    { is: 'mismatch', generation: 1, url: 'https://u.test/g1', fields: ['publicKey'] },
    { is: 'ours', generation: 2, notes: [] },
  ])('takes the place of $is only when told to', (paired) => {
    const built = world().withGeneration(1).withGeneration(2, 'retired').showing(paired)
    expect(codeOf(built.plan(PAIR))).toBe('ERR_DRIFT')
    expect(stepsOf(built.plan(REPLACE))).toContainEqual({
      do: 'update-callback-handler',
      generation: 1,
    })
  })

  it('leaves a rotation that is under way alone', () => {
    const built = world().withGeneration(1).withGeneration(2).needing(1, 2).doing('rotate', 1, 2)
    expect(built.paired(1).plan(PAIR)).toEqual({
      ...NOTHING,
      notes: ['a rotation is under way: `rotate` continues it'],
    })
    expect(codeOf(built.showing({ is: 'absent' }).plan(PAIR))).toBe('ERR_USAGE')
  })
})

describe('pair, continued', () => {
  const begun = (submission: Partial<Submission> | null) =>
    world().withGeneration(1, 'live').needing(null, 1).doing('pair', null, 1, submission)

  it('sends when nothing was sent, or when nothing came of it', () => {
    const expected = [
      { do: 'probe', generations: [1], gap: false },
      { do: 'pair', generation: 1, idempotencyKey: null },
      ...settle(1, null),
    ]
    expect(stepsOf(begun(null).plan(PAIR))).toEqual(expected)
    expect(stepsOf(begun({ ...PUT, outcome: 'clear' }).plan(PAIR))).toEqual(expected)
  })

  // Killed after its beginning, gone on with a day later: the handler refused the retired generation for ever.
  it('begins anew when its generation retired before anything came of it', () => {
    const later = (submission: Partial<Submission> | null) =>
      world().withGeneration(1, 'retired').doing('pair', null, 1, submission).plan(PAIR)
    for (const submission of [null, { ...PUT, outcome: 'clear' } as const]) {
      const plan = later(submission)
      expect('begin' in plan && plan.begin).toMatchObject({ kind: 'pair', to: 2 })
      expect(
        stepsOf(plan)
          ?.map((step) => step.do)
          .slice(0, 4),
      ).toEqual(['stage', 'declare', 'probe', 'pair'])
    }
    for (const outcome of ['accepted', 'unknown', 'server-error'] as const) {
      const plan = later({ ...PUT, outcome })
      expect('begin' in plan && plan.begin).toBeNull()
    }
    const rotating = world().withGeneration(1).withGeneration(2, 'retired').paired(1)
    const plan = rotating.doing('rotate', 1, 2, null).plan(ROTATE)
    expect('begin' in plan && plan.begin).toMatchObject({ kind: 'rotate', from: 1, to: 3 })
  })

  it('asks for a lost answer with the same key for 23 hours, and with a new one afterwards', () => {
    const lost = (sentAgo: number) =>
      begun({ ...PUT, outcome: 'unknown', firstSentAtMs: NOW - sentAgo }).plan(PAIR)
    const key = (plan: Plan) => stepsOf(plan)?.find((step) => step.do === 'pair')
    expect(key(lost(HOUR))).toMatchObject({ idempotencyKey: 'key-1' })
    expect(key(lost(23 * HOUR))).toMatchObject({ idempotencyKey: null })
  })

  it('never uses a key again after a 5xx answer', () => {
    const plan = begun({ ...PUT, outcome: 'server-error' }).plan(PAIR)
    expect(stepsOf(plan)).toContainEqual({ do: 'pair', generation: 1, idempotencyKey: null })
  })

  it('waits for an accepted request, and again only when told to', () => {
    expect(stepsOf(begun(PUT).plan(PAIR))).toEqual(settle(1, '7'))
    expect(stepsOf(begun(PUT).plan(PAIR, { resubmit: true }))).toContainEqual({
      do: 'pair',
      generation: 1,
      idempotencyKey: null,
    })
  })

  it('reads back after COMPLETED', () => {
    expect(stepsOf(begun({ ...PUT, status: 'COMPLETED' }).plan(PAIR))).toEqual(settle(1))
  })

  it('follows the approval although the API shows the new handler already', () => {
    expect(stepsOf(begun(PUT).paired(1).plan(PAIR))).toEqual(settle(1, '7'))
  })

  it('believes what it sees when there is no request to ask', () => {
    const nameless = { ...PUT, requestId: null, location: null }
    expect(stepsOf(begun(nameless).paired(1).plan(PAIR))).toEqual(settle(1))
    expect(
      stepsOf(
        begun({ ...PUT, outcome: 'unknown' })
          .paired(1)
          .plan(PAIR),
      ),
    ).toEqual(settle(1))
    expect(stepsOf(begun(nameless).plan(PAIR))).toEqual(settle(1, null))
  })

  it.each([
    ['REJECTED', 'rejected'],
    ['CANCELLED', 'cancelled'],
  ])('rolls back after %s', (status, reason) => {
    expect(stepsOf(begun({ ...PUT, status }).plan(PAIR))).toEqual([
      { do: 'roll-back', live: null, reason },
    ])
  })

  // A resubmitted request left two prompts in the approval app: one was approved, the other refused afterwards.
  it('keeps what an identical earlier request brought, though the last one was refused', () => {
    const refused = { ...PUT, status: 'REJECTED', attempts: 2 }
    expect(stepsOf(begun(refused).paired(1).plan(PAIR))).toEqual(settle(1))
    expect(stepsOf(begun(refused).plan(PAIR))).toEqual([
      { do: 'roll-back', live: null, reason: 'rejected' },
    ])
  })

  it('stops when a stranger appears, unless it is to be replaced', () => {
    const built = begun(PUT).showing({ is: 'foreign', url: 'https://x.test' })
    expect(codeOf(built.plan(PAIR))).toBe('ERR_DRIFT')
    expect(stepsOf(built.plan(REPLACE))).toEqual(settle(1, '7'))
  })

  it('finishes with PATCH what is paired without a handler by now', () => {
    const built = begun(null).showing({ is: 'no-handler' })
    expect(stepsOf(built.plan(PAIR))).toContainEqual({
      do: 'update-callback-handler',
      generation: 1,
    })
    const doubtful = begun({ ...PUT, outcome: 'unknown' }).showing({ is: 'no-handler' })
    expect(stepsOf(doubtful.plan(PAIR))).toEqual(settle(1, null))
  })
})

const TWO_KEYS = expect.stringMatching(/^the answers are signed with another key/)

describe('the answer key', () => {
  const ES256 = { algorithm: 'ES256' } as const
  const TWO = { algorithm: 'RS256', oneKey: false } as const
  const live = () => world().withGeneration(1, 'live', 0, TWO).paired(1).needing(1)
  const staged = (key: Partial<PlannedGeneration>) => world().withGeneration(1, 'staged', 0, key)
  const DOUBT = 'the co-signer is too old'
  const rotate = (answer: AnswerWish): Goal => ({ ...ROTATE, answer })
  const pair = (answer: AnswerWish): Goal => ({ ...PAIR, answer })

  it('of a rotation is as wished, and the wish is journalled', () => {
    expect(live().plan(rotate(ES256))).toMatchObject({
      begin: { kind: 'rotate', from: 1, to: 2, answer: ES256 },
      steps: [{ do: 'stage', generation: 2, algorithm: 'ES256' }, {}, {}, {}, {}, {}, {}],
      notes: [],
    })
    expect(live().plan(rotate({ oneKey: true }))).toMatchObject({
      begin: { answer: { oneKey: true } },
      steps: [{ do: 'stage', generation: 2, oneKey: true }, {}, {}, {}, {}, {}, {}],
      notes: [],
    })
    expect(live().plan(ROTATE)).not.toHaveProperty('begin.answer')
  })

  it('is never one that the co-signer is not known to understand, unless that is forced', () => {
    const refusal = { code: 'ERR_USAGE', message: expect.stringContaining(DOUBT) }
    const doubted = (of: ReturnType<typeof world>) => of.making('RS256', DOUBT)
    const unasked = (of: ReturnType<typeof world>) => of.making('ES256', DOUBT)
    for (const plan of [
      doubted(live()).plan(rotate(ES256)),
      unasked(live()).plan(ROTATE),
      unasked(world()).plan(PAIR),
      doubted(world()).plan(pair(ES256)),
      doubted(staged({ ...ES256, oneKey: false })).plan(PAIR),
      doubted(live().withGeneration(2, 'live', 0, ES256)).plan(ROTATE),
      doubted(world().withGeneration(1, 'live', 0, ES256).paired(1).needing(1)).plan({
        ...ROTATE,
        renew: true,
      }),
    ]) {
      expect(plan).toMatchObject({ refusal })
    }
    for (const plan of [
      doubted(live()).plan(ROTATE),
      unasked(live()).plan(rotate({ algorithm: 'RS256' })),
      unasked(live()).plan(rotate({ oneKey: true })),
      unasked(staged(TWO)).plan(PAIR),
      doubted(live()).plan(rotate(ES256), { forceAlgorithm: true }),
      live().making('ES256').plan(ROTATE),
      unasked(world().mode('certificate')).plan(PAIR),
    ]) {
      expect(plan).toHaveProperty('steps')
    }
  })

  it('picks a staged generation only when it is as wished', () => {
    expect(staged(TWO).plan(pair({ algorithm: 'RS256' }))).toMatchObject({ begin: { to: 1 } })
    expect(staged(TWO).plan(pair(ES256))).toMatchObject({ begin: { to: 2 } })
    expect(staged(TWO).plan(pair({ oneKey: true }))).toMatchObject({ begin: { to: 2 } })
    expect(staged({ oneKey: true }).plan(pair({ oneKey: true }))).toMatchObject({
      begin: { to: 1 },
    })
    const newer = live().withGeneration(2, 'staged', 0, TWO)
    expect(newer.plan(rotate(ES256))).toMatchObject({ begin: { to: 3 } })
    expect(newer.plan(rotate({ algorithm: 'RS256' }))).toMatchObject({ begin: { to: 2 } })
  })

  it('of what is paired is not changed by `pair`', () => {
    expect(live().plan(pair(ES256))).toMatchObject({
      refusal: { code: 'ERR_USAGE', hint: 'run `rotate` with the same options' },
    })
    expect(live().plan(pair({ algorithm: 'RS256' }))).toMatchObject({ steps: [] })
  })

  it('goes on as it was begun, whatever is not wished again', () => {
    const begun = () => live().doing('rotate', 1, 2, null, null, ES256)
    expect(begun().plan(ROTATE)).toMatchObject({
      steps: [{ do: 'stage', generation: 2, algorithm: 'ES256' }, {}, {}, {}, {}, {}, {}],
    })
    expect(begun().plan(rotate(ES256))).toHaveProperty('steps')
    expect(begun().making('RS256', DOUBT).plan(ROTATE)).toHaveProperty('refusal')
    for (const other of [{ algorithm: 'RS256' }, { oneKey: true }] as const) {
      expect(begun().plan(rotate(other))).toMatchObject({
        refusal: { message: 'a change to another kind of answer key is under way' },
      })
    }
    const there = begun().withGeneration(2, 'live', 0, { ...ES256, oneKey: false })
    expect(there.plan(rotate(ES256))).toHaveProperty('steps')
    expect(there.plan(rotate({ algorithm: 'RS256' }))).toHaveProperty('refusal')
  })

  it('says what is not documented of two keys, once, and in hybrid only', () => {
    const one = () => world().withGeneration(1).paired(1).needing(1)
    expect(one().plan(ROTATE)).toMatchObject({ notes: [TWO_KEYS] })
    expect(staged(TWO).plan(PAIR)).toMatchObject({ notes: [TWO_KEYS] })
    expect(live().plan(ROTATE)).toMatchObject({ notes: [] })
    expect(one().plan(rotate({ oneKey: true }))).toMatchObject({ notes: [] })
    expect(one().mode('public-key').plan(ROTATE)).toMatchObject({ notes: [] })
  })
})

describe('rotate', () => {
  const live = () => world().withGeneration(1).paired(1).needing(1)

  it('stages, declares, probes both, patches, follows and activates', () => {
    expect(live().plan(ROTATE)).toEqual({
      begin: { kind: 'rotate', from: 1, to: 2, renewOf: null },
      steps: [
        { do: 'stage', generation: 2 },
        { do: 'declare', live: 1, pending: 2 },
        { do: 'probe', generations: [1, 2], gap: false },
        { do: 'update-callback-handler', generation: 2 },
        ...settle(2, null),
      ],
      notes: [TWO_KEYS],
    })
  })

  it('joins a newer generation that another pairing uses', () => {
    expect(live().withGeneration(2, 'live').plan(ROTATE)).toMatchObject({ begin: { to: 2 } })
  })

  it('never joins a draining one: numbers are not used twice', () => {
    expect(live().withGeneration(2, 'draining').plan(ROTATE)).toMatchObject({ begin: { to: 3 } })
  })

  it('leads out of a retired generation, which the handler cannot be told to keep', () => {
    const plan = world().withGeneration(1, 'retired').paired(1).plan(ROTATE)
    expect(stepsOf(plan)).toEqual([
      { do: 'stage', generation: 2 },
      { do: 'declare', live: null, pending: 2 },
      { do: 'probe', generations: [2], gap: false },
      { do: 'update-callback-handler', generation: 2 },
      ...settle(2, null),
    ])
  })

  it('keeps the key when only the certificate is renewed, and says what that assumes', () => {
    const plan = live().plan({ ...ROTATE, renew: true })
    expect(plan).toMatchObject({ begin: { renewOf: 1 } })
    expect(stepsOf(plan)?.[0]).toEqual({ do: 'stage', generation: 2, renewOf: 1 })
    expect('notes' in plan && plan.notes).toHaveLength(1)
  })

  it('refuses a new pin on one URL, unless the gap is accepted', () => {
    const single = live().mode('hybrid', 1)
    expect(codeOf(single.plan(ROTATE))).toBe('ERR_USAGE')
    const plan = single.plan({ ...ROTATE, acceptGap: true })
    expect(stepsOf(plan)?.[0]).toEqual({ do: 'stage', generation: 2, slot: 'A', share: true })
    expect(stepsOf(plan)?.[2]).toEqual({ do: 'probe', generations: [1, 2], gap: true })
  })

  it('needs one URL only when nothing is pinned, the certificate is fixed, or the key stays', () => {
    const free = live().mode('public-key', 1).plan(ROTATE)
    expect(stepsOf(free)?.[0]).toEqual({ do: 'stage', generation: 2, slot: 'A' })
    expect(stepsOf(free)?.[2]).toEqual({ do: 'probe', generations: [1, 2], gap: false })
    const fixed = live().mode('hybrid', 1, 'files').plan(ROTATE)
    expect(stepsOf(fixed)?.[0]).toEqual({ do: 'stage', generation: 2, slot: 'A' })
    const renewed = live()
      .mode('hybrid', 1)
      .plan({ ...ROTATE, renew: true })
    expect(stepsOf(renewed)?.[0]).toEqual({ do: 'stage', generation: 2, slot: 'A', renewOf: 1 })
  })

  it.each<Pairing>([
    { is: 'absent' },
    { is: 'no-handler' },
    { is: 'foreign', url: 'https://x.test' },
    { is: 'mismatch', generation: 1, url: 'https://u.test/g1', fields: ['publicKey', 'x'] },
  ])('refuses when the pairing is $is', (paired) => {
    expect(codeOf(world().withGeneration(1).showing(paired).plan(ROTATE))).toBe('ERR_DRIFT')
  })

  it('does not begin again what had finished without anybody hearing of it', () => {
    const done = () => world().withGeneration(1, 'draining').withGeneration(2).needing(2)
    expect(stepsOf(done().paired(2).finished('rotate', 2, false).plan(ROTATE))).toEqual([])
    expect(done().paired(2).finished('rotate', 2, true).plan(ROTATE)).toMatchObject({
      begin: { to: 3 },
    })
    const long = done()
      .paired(2)
      .finished('rotate', 2, false, NOW - HOUR)
    expect(long.plan(ROTATE)).toMatchObject({ begin: { to: 3 } })
    const other = done().paired(1).finished('rotate', 2, false)
    expect(other.plan(ROTATE)).toMatchObject({ begin: { from: 1 } })
    const failed = done().paired(2).finished('rotate', 2, false, NOW, 'rejected')
    expect(failed.plan(ROTATE)).toMatchObject({ begin: { to: 3 } })
    const paired = done().paired(2).finished('pair', 2, false)
    expect(paired.plan(ROTATE)).toMatchObject({ begin: { to: 3 } })
  })

  it('is not begun across an unfinished pairing', () => {
    expect(codeOf(live().doing('pair', null, 1).plan(ROTATE))).toBe('ERR_USAGE')
  })
})

describe('rotate, continued', () => {
  const begun = (submission: Partial<Submission> | null, renewOf: number | null = null) =>
    world().withGeneration(1).paired(1).doing('rotate', 1, 2, submission, renewOf)

  it('repeats what is idempotent and sends', () => {
    expect(stepsOf(begun(null, 1).plan(ROTATE))?.[0]).toEqual({
      do: 'stage',
      generation: 2,
      renewOf: 1,
    })
    expect(stepsOf(begun(null).withGeneration(2).needing(1, 2).plan(ROTATE))).toEqual([
      { do: 'probe', generations: [1, 2], gap: false },
      { do: 'update-callback-handler', generation: 2 },
      ...settle(2, null),
    ])
  })

  it.each(['unknown', 'server-error'] as const)(
    'after a PATCH whose fate is %s it looks, and sends again only when told to',
    (outcome) => {
      const built = begun({ outcome }).withGeneration(2).needing(1, 2)
      const plan = built.plan(ROTATE)
      expect(stepsOf(plan)).toEqual(settle(2, null))
      expect('notes' in plan && plan.notes).toHaveLength(1)
      expect(stepsOf(built.plan(ROTATE, { resubmit: true }))).toEqual([
        { do: 'probe', generations: [1, 2], gap: false },
        { do: 'update-callback-handler', generation: 2 },
        ...settle(2, null),
      ])
    },
  )

  it('tolerates a mixture of old and new once the change is accepted, and only then', () => {
    const torn: Pairing = { is: 'mismatch', generation: 2, url: 'u', fields: ['publicKey'] }
    expect(stepsOf(begun({}).withGeneration(2).showing(torn).plan(ROTATE))).toEqual(settle(2, '7'))
    expect(codeOf(begun(null).showing(torn).plan(ROTATE))).toBe('ERR_DRIFT')
  })

  it.each<Pairing>([{ is: 'absent' }, { is: 'no-handler' }])(
    'stops when the pairing is $is while it waits',
    (paired) => {
      expect(codeOf(begun({}).showing(paired).plan(ROTATE))).toBe('ERR_DRIFT')
    },
  )

  it('keeps serving what is paired when it rolls back', () => {
    expect(stepsOf(begun({ status: 'REJECTED' }).plan(ROTATE))).toEqual([
      { do: 'roll-back', live: 1, reason: 'rejected' },
    ])
  })

  it('has a target even when an old journal names none', () => {
    const built = world()
      .withGeneration(1)
      .paired(1)
      .doing('rotate', 1, null, { outcome: 'accepted' })
    expect(stepsOf(built.plan(ROTATE))).toEqual(settle(0, '7'))
  })
})

describe('abandon', () => {
  it('gives up what is under way and keeps what is paired', () => {
    const built = world().withGeneration(1).withGeneration(2).paired(1).doing('rotate', 1, 2, {})
    expect(stepsOf(built.plan(ROTATE, { abandon: true }))).toEqual([
      { do: 'roll-back', live: 1, reason: 'abandoned' },
    ])
  })

  it('cannot give up what has happened, and has nothing to do when nothing is under way', () => {
    const built = world().withGeneration(2).paired(2).doing('rotate', 1, 2, {})
    expect(codeOf(built.plan(ROTATE, { abandon: true }))).toBe('ERR_USAGE')
    expect(stepsOf(world().plan(PAIR, { abandon: true }))).toEqual([])
  })

  it('gives up an unpairing', () => {
    const built = world().withGeneration(1).paired(1).doing('unpair', 1, null, {})
    expect(stepsOf(built.plan(UNPAIR, { abandon: true }))).toHaveLength(1)
  })
})

describe('unpair', () => {
  const END: Step[] = [{ do: 'verify', generation: null }, { do: 'forget' }]
  const WAIT: Step = { do: 'await-approval', requestId: null }
  const live = () => world().withGeneration(1).paired(1).needing(1)

  it('removes, waits, reads back and forgets', () => {
    expect(live().plan(UNPAIR)).toEqual({
      begin: { kind: 'unpair', from: 1, to: null, renewOf: null },
      steps: [{ do: 'unpair' }, WAIT, ...END],
      notes: [],
    })
  })

  it('has nothing to do, or only to forget, when nothing is paired', () => {
    expect(world().plan(UNPAIR)).toEqual(NOTHING)
    expect(stepsOf(world().needing(1).plan(UNPAIR))).toEqual([{ do: 'forget' }])
    expect(world().doing('unpair', 1, null, {}).plan(UNPAIR)).toEqual({
      begin: null,
      steps: [{ do: 'forget' }],
      notes: [],
    })
  })

  it('continues where it stopped', () => {
    const begun = (submission: Partial<Submission> | null) =>
      live().doing('unpair', 1, null, submission)
    expect(stepsOf(begun(null).plan(UNPAIR))).toEqual([{ do: 'unpair' }, WAIT, ...END])
    expect(stepsOf(begun({ outcome: 'clear' }).plan(UNPAIR))?.[0]).toEqual({ do: 'unpair' })
    expect(stepsOf(begun({ outcome: 'unknown' }).plan(UNPAIR))).toEqual([WAIT, ...END])
    expect(stepsOf(begun({ outcome: 'unknown' }).plan(UNPAIR, { resubmit: true }))).toEqual([
      { do: 'unpair' },
      WAIT,
      ...END,
    ])
    expect(stepsOf(begun({}).plan(UNPAIR))).toEqual([
      { do: 'await-approval', requestId: '7' },
      ...END,
    ])
    expect(stepsOf(begun({ status: 'COMPLETED' }).plan(UNPAIR))).toEqual(END)
    expect(stepsOf(begun({ status: 'CANCELLED' }).plan(UNPAIR))).toEqual([
      { do: 'roll-back', live: 1, reason: 'cancelled' },
    ])
  })

  it('takes precedence over a rotation that is under way', () => {
    expect(live().doing('rotate', 1, 2, {}).plan(UNPAIR)).toMatchObject({
      begin: { kind: 'unpair' },
    })
  })
})

describe('whatever the world looks like', () => {
  const pairing = fc.oneof<fc.Arbitrary<Pairing>[]>(
    fc.constant({ is: 'absent' }),
    fc.constant({ is: 'no-handler' }),
    fc.record({ is: fc.constant('foreign' as const), url: fc.webUrl() }),
    fc.record({
      is: fc.constant('ours' as const),
      generation: fc.integer({ min: 1, max: 3 }),
      notes: fc.constant([]),
    }),
  )
  const state = fc.constantFrom<GenerationState>('staged', 'live', 'draining', 'retired')
  const submission = fc.option(
    fc.record({
      method: fc.constantFrom('PUT', 'PATCH', 'DELETE'),
      outcome: fc.constantFrom('unknown', 'server-error', 'accepted', 'clear'),
      status: fc.constantFrom(null, 'WAITING_FOR_APPROVAL', 'COMPLETED', 'REJECTED', 'NEW'),
    }),
  )

  it('a write is always preceded by a probe of what it sends', () => {
    fc.assert(
      fc.property(
        pairing,
        fc.array(state, { maxLength: 3 }),
        fc.option(fc.constantFrom('pair' as const, 'rotate' as const, 'unpair' as const)),
        submission,
        fc.constantFrom(PAIR, REPLACE, ROTATE, UNPAIR),
        fc.boolean(),
        (paired, states, kind, sent, goal, resubmit) => {
          const built = world().showing(paired)
          states.forEach((each, index) => built.withGeneration(index + 1, each))
          if (kind !== null) built.doing(kind, 1, kind === 'unpair' ? null : 2, sent)
          const steps = stepsOf(built.plan(goal, { resubmit })) ?? []
          const at = steps.findIndex(
            (step) => step.do === 'pair' || step.do === 'update-callback-handler',
          )
          const write = steps[at]
          if (write === undefined || !('generation' in write)) return
          const probe = steps[at - 1]
          expect(probe?.do === 'probe' && probe.generations.at(-1)).toBe(write.generation)
          expect(steps.slice(at + 1).map((step) => step.do)).toEqual([
            'await-approval',
            'verify',
            'activate',
          ])
        },
      ),
      { numRuns: 1000 },
    )
  })
})
