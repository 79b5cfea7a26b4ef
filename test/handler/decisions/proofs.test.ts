/**
 * "Two people" were two strings typed in one shell. Holds that name groups count signatures, and the chain holds what proves
 * them: docs/decisions/approvers.md is the table.
 */
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { Assertion } from '../../../common/assertion.ts'
import { openSqlite } from '../../../common/sqlite.ts'
import { verifyStore } from '../../../handler/decisions/audit/verify.ts'
import type { Calls } from '../../../handler/decisions/calls.ts'
import type { Hold } from '../../../handler/decisions/operations.ts'
import { actOf } from '../../../handler/decisions/proofs.ts'
import { recordHash } from '../../../handler/decisions/record.ts'
import { openReadOnly } from '../../../handler/decisions/sqlite/database.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import type { Verdict } from '../../../handler/policy/approvals/act.ts'
import { seatsOf, withBarred } from '../../../handler/policy/approvals/people.ts'
import type { ApproverKey, PeopleTerms } from '../../../handler/policy/approvals/people.ts'
import type { HoldTerms } from '../../../handler/policy/decision.ts'
import {
  asserted,
  challengeOf,
  ed25519,
  keyOf,
  p256,
  passkeyOf,
  signedBy,
} from '../../fixtures/approvers.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { entry, requestKey, START } from './entries.ts'

const HOUR = 3_600_000
const PAIRS = { ada: ed25519(), bob: p256(), cy: ed25519(), dan: p256() }
type Name = keyof typeof PAIRS
const KEYS: Readonly<Record<Name, ApproverKey>> = {
  ada: keyOf(PAIRS.ada),
  bob: passkeyOf(PAIRS.bob),
  cy: keyOf(PAIRS.cy),
  dan: keyOf(PAIRS.dan),
}
const MEMBERS: Readonly<Record<string, readonly Name[]>> = {
  treasury: ['ada', 'bob', 'cy'],
  risk: ['ada', 'dan'],
}

/** Who must approve; `keys` replaces those of some. */
function people(
  counts: Readonly<Record<string, number>>,
  keys: Readonly<Partial<Record<Name, readonly ApproverKey[]>>> = {},
): PeopleTerms {
  const groups = Object.entries(counts).map(([name, approvals]) => ({
    name,
    approvals,
    members: (MEMBERS[name] ?? []).filter((each) => keys[each]?.length !== 0),
  }))
  const names = new Set(groups.flatMap(({ members }) => members))
  const approvers = [...names].map((name) => ({ name, keys: keys[name] ?? [KEYS[name]] }))
  return { groups, approvers }
}

function termsOf(asked: PeopleTerms, boundTo = 'rule-1'): HoldTerms {
  return { approvals: seatsOf(asked), expiresMs: HOUR, onExpiry: 'REJECT', boundTo, people: asked }
}

const TWO = termsOf(people({ treasury: 2 }))

async function bench() {
  const path = join(await temporaryDirectory(), 'decisions.db')
  const store = await openStore(path, START)
  const { storeId } = store.opening
  let nowMs = START
  const run = <T>(work: (calls: Calls) => T): T =>
    store.core.transaction(nowMs, () => work(store.core.calls))
  const key = requestKey()
  const open = (terms: HoldTerms, parts: Parameters<typeof requestKey>[0] = {}): Hold =>
    run((calls) =>
      calls.openHold({ key: requestKey(parts), terms, summary: 'TRANSFER 5 ETH', rule: 'large' }),
    )
  const textOf = (hold: Hold, verdict: Verdict = 'approve') => actOf(hold, storeId, verdict) ?? ''
  const sign = (name: Name, text: string): Assertion =>
    KEYS[name].passkey === undefined
      ? signedBy(PAIRS[name], text)
      : asserted(PAIRS[name], { challenge: challengeOf(text) })
  const send = (id: string, by: string, assertion?: Assertion, of = storeId): Hold => {
    const act = { by, note: '', store: of, ...(assertion === undefined ? {} : { assertion }) }
    return run((calls) => calls.approveHold(id, act))
  }
  return {
    path,
    key,
    open,
    textOf,
    sign,
    send,
    run,
    approve: (hold: Hold, name: Name) => send(hold.id, name, sign(name, textOf(hold))),
    reject: (hold: Hold, by: string, assertion?: Assertion) =>
      run((calls) =>
        calls.rejectHold(hold.id, {
          by,
          note: '',
          store: storeId,
          ...(assertion === undefined ? {} : { assertion }),
        }),
      ),
    use: (id: string) => run((calls) => calls.record(entry({ hold: id, key: {} })).decision.action),
    wait: (ms: number) => {
      nowMs += ms
    },
    close: () => store.close(),
  }
}

function verify(path: string): readonly string[] {
  const db = openReadOnly(path)
  try {
    const report = verifyStore(db, {
      markPath: undefined,
      publicKeyOf: () => undefined,
      checkpoints: [],
    })
    return report.problems
      .map(({ message }) => message)
      .filter((each) => !/co-signer|token/.test(each))
  } finally {
    db.close()
  }
}

const UNPROVEN = expect.objectContaining({ code: 'ERR_HOLD_UNPROVEN' })

describe('a hold that names groups', () => {
  it('is released by signatures of a file and of a passkey, which the chain proves', async () => {
    const b = await bench()
    const hold = b.open(TWO)
    expect(hold).toMatchObject({ approved: 0, state: 'waiting' })
    expect(b.approve(hold, 'ada')).toMatchObject({ approved: 1, approvals: ['ada'] })
    const released = b.approve(hold, 'bob')
    expect(released).toMatchObject({
      state: 'released',
      keys: { ada: KEYS.ada.fingerprint, bob: KEYS.bob.fingerprint },
    })
    expect(b.use(hold.id)).toBe('APPROVE')
    b.close()
    expect(verify(b.path)).toEqual([])
  })

  it('takes no name for a proof, nor a signature where nobody is named', async () => {
    const b = await bench()
    const hold = b.open(TWO)
    expect(() => b.send(hold.id, 'ada')).toThrow(UNPROVEN)
    expect(() => b.reject(hold, 'ada')).toThrow(UNPROVEN)
    const { people: _, ...unnamed } = TWO
    const other = b.open(unnamed, { requestId: 'other' })
    expect(() => b.send(other.id, 'ada', b.sign('ada', 'x'))).toThrow(UNPROVEN)
    expect(b.send(other.id, 'ada').approvals).toEqual(['ada'])
    b.close()
  })

  it('refuses what is signed for something else', async () => {
    const b = await bench()
    const [hold, other] = [b.open(TWO), b.open(TWO, { requestId: 'other' })]
    const [text, more] = [b.textOf(hold), b.textOf(other)]
    expect(text).not.toBe(more)
    const others = [
      more,
      b.textOf(hold, 'reject'),
      text.replace(/digest: ./, 'digest: 0'),
      text.replace(/nonce: ./, (found) => (found.endsWith('0') ? 'nonce: 1' : 'nonce: 0')),
      text.replace('rule: large', 'rule: small'),
      text.replace(/terms: ./, (found) => (found.endsWith('0') ? 'terms: 1' : 'terms: 0')),
      text.replace(/store: ./, (found) => (found.endsWith('0') ? 'store: 1' : 'store: 0')),
    ]
    for (const signed of others) {
      expect(() => b.send(hold.id, 'ada', b.sign('ada', signed))).toThrow(UNPROVEN)
      expect(() => b.send(hold.id, 'bob', b.sign('bob', signed))).toThrow(UNPROVEN)
    }
    expect(() => b.send(hold.id, 'ada', b.sign('ada', text), 'another store')).toThrow(UNPROVEN)
    expect(() => b.send(hold.id, 'ada', b.sign('cy', text))).toThrow(UNPROVEN)
    expect(() => b.send(hold.id, 'dan', b.sign('dan', text))).toThrow(UNPROVEN)
    expect(() => b.send(hold.id, 'eve', b.sign('ada', text))).toThrow(UNPROVEN)
    b.close()
  })

  it('counts a person once, whichever key signs', async () => {
    const b = await bench()
    const second = ed25519()
    const hold = b.open(termsOf(people({ treasury: 2 }, { ada: [KEYS.ada, keyOf(second)] })))
    b.approve(hold, 'ada')
    const again = [b.sign('ada', b.textOf(hold)), signedBy(second, b.textOf(hold))]
    for (const assertion of again) {
      expect(() => b.send(hold.id, 'ada', assertion)).toThrow(
        expect.objectContaining({ code: 'ERR_HOLD_SAME_PERSON' }),
      )
    }
    b.close()
  })

  it('seats a person of two groups once, where most pass', async () => {
    const b = await bench()
    const hold = b.open(termsOf(people({ treasury: 1, risk: 1 })))
    expect(b.approve(hold, 'ada')).toMatchObject({ approved: 1, state: 'waiting' })
    expect(b.approve(hold, 'cy')).toMatchObject({ approved: 2, state: 'released' })
    const other = b.open(termsOf(people({ treasury: 1, risk: 1 })), { requestId: 'other' })
    expect(b.approve(other, 'ada')).toMatchObject({ approved: 1 })
    expect(b.approve(other, 'dan')).toMatchObject({ approved: 2, state: 'released' })
    b.close()
    expect(verify(b.path)).toEqual([])
  })

  it('is refused by one member, with a signature', async () => {
    const b = await bench()
    const hold = b.open(TWO)
    expect(() => b.reject(hold, 'dan', b.sign('dan', b.textOf(hold, 'reject')))).toThrow(UNPROVEN)
    expect(() => b.reject(hold, 'ada', b.sign('ada', b.textOf(hold)))).toThrow(UNPROVEN)
    const refused = b.reject(hold, 'ada', b.sign('ada', b.textOf(hold, 'reject')))
    expect(refused).toMatchObject({ state: 'rejected', rejectedBy: 'ada' })
    expect(() => b.approve(hold, 'cy')).toThrow(
      expect.objectContaining({ code: 'ERR_HOLD_CLOSED' }),
    )
    b.close()
    expect(verify(b.path)).toEqual([])
  })

  it('takes no key that has ended, and keeps what one signed before its end', async () => {
    const b = await bench()
    const notAfter = new Date(START + 60_000).toISOString()
    const ends = { ada: [{ ...KEYS.ada, notAfter }], cy: [{ ...KEYS.cy, notAfter }] }
    const hold = b.open(termsOf(people({ treasury: 2 }, ends)))
    b.approve(hold, 'ada')
    b.wait(60_000)
    expect(() => b.approve(hold, 'cy')).toThrow(/has ended/)
    expect(b.approve(hold, 'bob').state).toBe('released')
    b.close()
    expect(verify(b.path)).toEqual([])
  })

  it('does not let whoever signed the request approve it, not even later', async () => {
    const b = await bench()
    const barred = termsOf(withBarred(people({ treasury: 2 }), ['ada']))
    const early = b.open(TWO, { requestId: 'other' })
    expect(b.approve(early, 'ada')).toMatchObject({ approved: 1 })
    expect(b.open(barred, { requestId: 'other' })).toMatchObject({ approved: 0, approvals: [] })
    const hold = b.open(barred)
    expect(() => b.approve(hold, 'ada')).toThrow(/signed the request itself/)
    // The statement has expired at the next delivery, and nothing shows who it was.
    const again = b.open(TWO)
    expect(again.terms.people?.barred).toEqual(['ada'])
    expect(() => b.approve(again, 'ada')).toThrow(UNPROVEN)
    b.close()
  })
})

describe('a policy that changes while people are asked', () => {
  const without = (name: Name) => termsOf(people({ treasury: 2 }, { [name]: [] }))

  it('counts nobody who was removed, and not what a removed key has signed', async () => {
    const b = await bench()
    const hold = b.open(TWO)
    b.approve(hold, 'ada')
    b.approve(hold, 'bob')
    expect(b.open(without('ada'))).toMatchObject({
      approved: 1,
      approvals: ['bob'],
      state: 'waiting',
    })
    expect(b.use(hold.id)).toBe('RETRY')
    const renewed = b.open(termsOf(people({ treasury: 2 }, { ada: [keyOf(ed25519())] })))
    expect(renewed).toMatchObject({ approved: 1, state: 'waiting' })
    const early = { ...KEYS.ada, notAfter: new Date(START - 1).toISOString() }
    expect(b.open(termsOf(people({ treasury: 2 }, { ada: [early] })))).toMatchObject({
      approved: 1,
    })
    expect(b.open(TWO)).toMatchObject({ approved: 2, state: 'released' })
    b.close()
    expect(verify(b.path)).toEqual([])
  })

  it('lets what was said stand when more are asked, and asks for signatures of the new terms', async () => {
    const b = await bench()
    const hold = b.open(termsOf(people({ treasury: 1 })))
    const old = b.textOf(hold)
    b.approve(hold, 'ada')
    const again = b.open(TWO)
    expect(again).toMatchObject({ approved: 1, state: 'waiting' })
    expect(() => b.send(hold.id, 'cy', b.sign('cy', old))).toThrow(UNPROVEN)
    expect(b.approve(again, 'cy').state).toBe('released')
    b.close()
    expect(verify(b.path)).toEqual([])
  })

  it('counts no unproven name once groups are named', async () => {
    const b = await bench()
    const { people: _, ...unnamed } = TWO
    const hold = b.open(unnamed)
    b.send(hold.id, 'ada')
    b.send(hold.id, 'bob')
    const again = b.open(TWO)
    expect(again).toMatchObject({ approved: 0, state: 'waiting' })
    expect(b.approve(again, 'ada')).toMatchObject({ approved: 1, approvals: ['ada'] })
    b.close()
    expect(verify(b.path)).toEqual([])
  })

  it('asks everybody again, under a new nonce, when another rule asks', async () => {
    const b = await bench()
    const hold = b.open(TWO)
    b.approve(hold, 'ada')
    const old = b.textOf(hold)
    const again = b.open(termsOf(people({ treasury: 2 }), 'rule-2'))
    expect(again).toMatchObject({ approved: 0 })
    expect(again.asked?.nonce).not.toBe(hold.asked?.nonce)
    expect(() => b.send(hold.id, 'ada', b.sign('ada', old))).toThrow(UNPROVEN)
    b.close()
    expect(verify(b.path)).toEqual([])
  })
})

describe('a forged record of an approval', () => {
  /** Changes the bodies of records and hashes the chain anew, as who can write the store could. */
  function rewrite(path: string, change: (body: Record<string, unknown>) => void): void {
    const db = openSqlite(path)
    let prev = '0'.repeat(64)
    const rows = db.prepare<[], { seq: number; body: string }>('SELECT seq, body FROM chain').all()
    for (const { seq, body: text } of rows) {
      const body: Record<string, unknown> = JSON.parse(text)
      change(body)
      const after = JSON.stringify(body)
      const hash = recordHash(seq, prev, after)
      db.prepare('UPDATE chain SET body = ?, prev = ?, hash = ? WHERE seq = ?').run(
        after,
        prev,
        hash,
        seq,
      )
      prev = hash
    }
    db.close()
  }

  async function released() {
    const b = await bench()
    const hold = b.open(TWO)
    b.approve(hold, 'ada')
    b.approve(hold, 'bob')
    b.use(hold.id)
    b.close()
    return b.path
  }

  const isBy = (body: Record<string, unknown>, name: string) =>
    body['act'] === 'hold-approve' && body['by'] === name

  it.each<[string, (body: Record<string, unknown>) => void, RegExp]>([
    ['without its proof', (body) => isBy(body, 'ada') && delete body['proof'], /without a proof/],
    [
      'under the name of another approver',
      (body) => {
        if (isBy(body, 'bob')) body['by'] = 'cy'
      },
      /not proved/,
    ],
    [
      'of a hold about something else',
      (body) => {
        if (body['kind'] === 'held') body['digest'] = '0'.repeat(64)
      },
      /not proved/,
    ],
    [
      'of a hold with another nonce',
      (body) => {
        if (body['kind'] === 'held') body['nonce'] = '0'.repeat(64)
      },
      /not proved/,
    ],
    [
      'in a store with another id',
      (body) => {
        if (body['kind'] === 'created') body['storeId'] = '00000000-0000-4000-8000-000000000000'
      },
      /not proved/,
    ],
    [
      'of a summary that nobody saw',
      (body) => {
        if (body['kind'] === 'held') body['summary'] = 'TRANSFER 500 ETH'
      },
      /not proved/,
    ],
    [
      'of a hold that asked nobody',
      (body) => {
        if (body['kind'] !== 'held') return
        const { people: _, ...terms } = body['terms'] as Record<string, unknown>
        body['terms'] = terms
      },
      /names no approvers/,
    ],
    [
      'later than the end of its key',
      (body) => {
        if (body['kind'] !== 'held') return
        const text = JSON.stringify(body['terms'])
        body['terms'] = JSON.parse(
          text.replaceAll('"fingerprint":', '"notAfter":"2020-01-01T00:00:00Z","fingerprint":'),
        )
      },
      /not proved/,
    ],
  ])('%s is found', async (_, change, problem) => {
    const path = await released()
    expect(verify(path)).toEqual([])
    rewrite(path, change)
    expect(verify(path)).toContainEqual(expect.stringMatching(problem))
  })
})
