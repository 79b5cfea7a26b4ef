import { describe, expect, it } from '@jest/globals'
import { adviceOn, adviceOnKeys } from '../../../../handler/policy/compile/advice.ts'
import { stricterTerms } from '../../../../handler/policy/consistency.ts'
import type { HoldTerms } from '../../../../handler/policy/decision.ts'
import { ed25519, keyOf, p256, rsa, spkiOf } from '../../../fixtures/approvers.ts'
import { policyOf, problemsIn } from '../policy.ts'

const [ADA, BOB, CY] = [ed25519(), p256(), ed25519()]
const PEOPLE = `
approvers:
  ada: { keys: [{ publicKey: "${spkiOf(ADA)}" }] }
  bob: { keys: [{ publicKey: "${spkiOf(BOB)}", passkey: { id: abc, origin: "https://ops.example" } }] }
  cy: { keys: [{ publicKey: "${spkiOf(CY)}", notAfter: "2026-12-01T00:00:00Z" }] }
groups:
  treasury: [ada, bob]
  risk: [cy]
`
const held = (approvals: string) => `
rules:
  - id: large
    when: { endpoint: tx_sign_request }
    then: { action: RETRY, hold: { approvals: ${approvals} } }
`
const NOW = new Date('2026-11-27T12:00:00Z')

describe('people of a policy', () => {
  it('are what a hold asks for, with the keys in one spelling', () => {
    const pem = ADA.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const asPem = PEOPLE.replace(`"${spkiOf(ADA)}"`, JSON.stringify(pem))
    for (const file of [PEOPLE, asPem]) {
      const { hold } = policyOf(`${file}${held('{ treasury: 2, risk: 1 }')}`).rules[0] ?? {}
      expect(hold).toMatchObject({
        approvals: 3,
        people: {
          groups: [
            { name: 'treasury', approvals: 2, members: ['ada', 'bob'] },
            { name: 'risk', approvals: 1, members: ['cy'] },
          ],
          approvers: [
            { name: 'ada', keys: [keyOf(ADA)] },
            {
              name: 'bob',
              keys: [
                { passkey: { id: 'abc', origin: 'https://ops.example', rpId: 'ops.example' } },
              ],
            },
            { name: 'cy', keys: [{ notAfter: '2026-12-01T00:00:00Z' }] },
          ],
        },
      })
    }
  })

  it('are beside numbers, which ask for names', () => {
    const { hold } = policyOf(held('2')).rules[0] ?? {}
    expect(hold?.people).toBeUndefined()
    expect(hold?.approvals).toBe(2)
  })

  it.each<[string, string, RegExp]>([
    ['a group that is not there', `${PEOPLE}${held('{ other: 1 }')}`, /no group `other`/],
    ['too few members', `${PEOPLE}${held('{ treasury: 3 }')}`, /has 2 members, of whom 3 cannot/],
    ['no group', `${PEOPLE}${held('{}')}`, /at least one group/],
    ['a number that is none', `${PEOPLE}${held('{ treasury: 0 }')}`, /treasury/],
    ['three unnamed people', `${PEOPLE}${held('3')}`, /approvals/],
    ['a member that is not there', `${PEOPLE}  more: [eve]`, /no approver `eve`/],
    ['a member twice', `${PEOPLE}  more: [ada, ada]`, /named twice/],
    ['an act that is not there', `${PEOPLE}acts: { freeze: { treasury: 1 } }`, /freeze/],
    [
      'an act of a group that is not there',
      `${PEOPLE}acts: { unfreeze: { x: 1 } }`,
      /no group `x`/,
    ],
    [
      'fewer different people than seats',
      `${PEOPLE}  more: [ada]\n  most: [ada]${held('{ more: 1, most: 1 }')}`,
      /fewer different members/,
    ],
    [
      'a group of a consistency check that is not there',
      `${PEOPLE}consistency: { sum: { approvals: { x: 1 } } }`,
      /no group `x`/,
    ],
    ['an origin without TLS', PEOPLE.replace('https://ops', 'http://ops'), /expected the origin/],
    [
      'an origin with a path',
      PEOPLE.replace('ops.example', 'ops.example/x'),
      /expected the origin/,
    ],
    [
      'a name that is not that of the page',
      PEOPLE.replace('origin:', 'rpId: other.example, origin:'),
      /no page of/,
    ],
    ['a key that is none', PEOPLE.replace(spkiOf(ADA), 'AAAA'), /cannot be read/],
  ])('%s is an error', (_, file, problem) => {
    expect(problemsIn(file).join('\n')).toMatch(problem)
  })

  it('share no key, in whatever spelling', async () => {
    const pem = JSON.stringify(ADA.publicKey.export({ format: 'pem', type: 'spki' }))
    const two = PEOPLE.replace('groups:', `  dan: { keys: [{ publicKey: ${pem} }] }\ngroups:`)
    expect(problemsIn(two).join('\n')).toMatch(/it is a key of `ada` already/)
    const own = await rsa()
    const other = `approvers:\n  ada: { keys: [{ publicKey: "${spkiOf(own)}" }, { publicKey: "${spkiOf(own)}" }] }`
    expect(problemsIn(other).join('\n')).toMatch(/it is a key of `ada` already/)
  })

  it('are warned of when nothing refers to them, and refused by `policy check` when a key has ended', () => {
    const advice = (file: string, now = NOW) =>
      [...adviceOnKeys(policyOf(file), now), ...adviceOn(policyOf(file))].map(
        ({ level, message }) => `${level}: ${message}`,
      )
    expect(advice(`${PEOPLE}${held('{ treasury: 1 }')}`)).toContain(
      'warning: `groups.risk` is not used',
    )
    expect(advice(`${PEOPLE}${held('{ treasury: 1, risk: 1 }')}`).join()).not.toMatch(/ended|used/)
    const later = advice(
      `${PEOPLE}${held('{ treasury: 1, risk: 1 }')}`,
      new Date('2026-12-01T00:00:00Z'),
    )
    expect(later).toContain('error: a key of approver `cy` has ended (2026-12-01T00:00:00Z)')
    expect(later.join()).toMatch(/1 of `risk` cannot approve/)
  })

  it("know whose statement key is an approver's", () => {
    const pem = ADA.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const { initiators } = policyOf(
      `${PEOPLE}statementKeys: { desk: { publicKey: ${JSON.stringify(pem)} } }`,
    )
    expect([...initiators]).toEqual([['desk', 'ada']])
  })
})

describe('terms of a rule and of a check', () => {
  const named = (approvals: string): HoldTerms => {
    const { hold } = policyOf(`${PEOPLE}${held(approvals)}`).rules[0] ?? {}
    if (hold === undefined) throw new Error('no hold')
    return hold
  }

  it('ask for the people of both', () => {
    const both = stricterTerms(named('{ treasury: 1 }'), named('{ treasury: 2, risk: 1 }'))
    expect(both).toMatchObject({ approvals: 3 })
    expect(both.people?.groups.map(({ name, approvals }) => [name, approvals])).toEqual([
      ['treasury', 2],
      ['risk', 1],
    ])
    const two = { approvals: 2, expiresMs: 1_000, onExpiry: 'REJECT' } as const
    const more = stricterTerms(two, named('{ treasury: 1 }'))
    expect(more.approvals).toBe(2)
    expect(more.people?.groups.map(({ approvals }) => approvals)).toEqual([1, 1])
    expect(stricterTerms(named('{ treasury: 2 }'), two).people?.groups).toHaveLength(1)
  })
})
