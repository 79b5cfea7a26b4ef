import { describe, expect, it } from '@jest/globals'
import { shortFingerprint } from '../../../../handler/policy/approvals/approver-key.ts'
import {
  bothOf,
  countOf,
  filledBy,
  isGoodAt,
  keyIn,
  peopleDigest,
  withBarred,
} from '../../../../handler/policy/approvals/people.ts'
import type { ApproverKey, PeopleTerms } from '../../../../handler/policy/approvals/people.ts'
import { termsDigest } from '../../../../handler/policy/approvals/terms.ts'
import type { HoldTerms } from '../../../../handler/policy/decision.ts'
import { ed25519, keyOf, p256, passkeyOf } from '../../../fixtures/approvers.ts'

const END = '2026-12-01T00:00:00Z'
const NOW = Date.parse('2026-11-27T12:00:00Z')
const KEYS = {
  ada: keyOf(ed25519()),
  bob: passkeyOf(p256()),
  cy: keyOf(ed25519(), { notAfter: END }),
}
type Name = keyof typeof KEYS

const TREASURY = { name: 'treasury', approvals: 1, members: ['ada', 'bob'] }
const RISK = { name: 'risk', approvals: 1, members: ['ada', 'cy'] }
const TERMS: PeopleTerms = {
  groups: [TREASURY, RISK],
  approvers: (['ada', 'bob', 'cy'] as const).map((name) => ({ name, keys: [KEYS[name]] })),
}
const by = (name: Name, timeMs = NOW) => ({ by: name, key: KEYS[name].fingerprint, timeMs })

describe('seats', () => {
  it('are filled so that most sit, whoever came first, and by each person once', () => {
    expect(filledBy(TERMS, ['ada'])).toBe(1)
    expect(filledBy(TERMS, ['ada', 'ada'])).toBe(1)
    for (const other of ['bob', 'cy']) {
      expect(filledBy(TERMS, ['ada', other])).toBe(2)
      expect(filledBy(TERMS, [other, 'ada'])).toBe(2)
    }
    expect(filledBy(TERMS, ['eve'])).toBe(0)
  })
})

describe('an approval', () => {
  it('counts with a key of the one who gave it', () => {
    expect(keyIn(TERMS, by('ada'))).toEqual(KEYS.ada)
    expect(countOf(TERMS, [by('ada'), by('bob')])).toBe(2)
    expect(keyIn(TERMS, { ...by('ada'), key: KEYS.bob.fingerprint })).toBeUndefined()
    expect(keyIn(TERMS, { ...by('ada'), by: 'eve' })).toBeUndefined()
    expect(countOf(TERMS, [by('ada'), { ...by('bob'), key: KEYS.ada.fingerprint }])).toBe(1)
  })

  it('does not count from the end of its key on', () => {
    expect(keyIn(TERMS, by('cy', Date.parse(END) - 1))).toEqual(KEYS.cy)
    expect(keyIn(TERMS, by('cy', Date.parse(END)))).toBeUndefined()
    expect(countOf(TERMS, [by('bob'), by('cy', Date.parse(END))])).toBe(1)
    expect(isGoodAt({ notAfter: 'soon' }, NOW)).toBe(false)
  })

  it('does not count of whoever is barred', () => {
    const barred = withBarred(TERMS, ['ada'])
    expect(keyIn(barred, by('ada'))).toBeUndefined()
    expect(countOf(barred, [by('ada'), by('bob')])).toBe(1)
    expect(withBarred(withBarred(barred, ['cy']), ['ada']).barred).toEqual(['ada', 'cy'])
    expect(withBarred(TERMS, [])).toBe(TERMS)
  })
})

describe('terms of two that ask', () => {
  it('bar those whom either bars', () => {
    const both = bothOf(withBarred(TERMS, ['cy']), withBarred(TERMS, ['ada']), 2)
    expect(both?.barred).toEqual(['ada', 'cy'])
    expect(bothOf(undefined, withBarred(TERMS, ['ada']), 1)?.barred).toEqual(['ada'])
  })

  it('name nobody when neither does', () => {
    expect(bothOf(undefined, undefined, 2)).toBeUndefined()
  })
})

describe('the digest of terms', () => {
  const hold: HoldTerms = { approvals: 2, expiresMs: 1_000, onExpiry: 'REJECT', people: TERMS }
  const { approvals, expiresMs, onExpiry } = hold
  const bare = ({ fingerprint, publicKey }: ApproverKey) => ({ fingerprint, publicKey })
  const withKeys = (name: Name, keys: readonly ApproverKey[]): PeopleTerms => ({
    ...TERMS,
    approvers: TERMS.approvers.map((each) => (each.name === name ? { name, keys } : each)),
  })

  it.each<[string, PeopleTerms]>([
    ['a key', withKeys('ada', [keyOf(ed25519())])],
    ['a key more', withKeys('ada', [KEYS.ada, KEYS.bob])],
    ['the end of a key', withKeys('cy', [{ ...KEYS.cy, notAfter: '2026-12-02T00:00:00Z' }])],
    ['a key for good', withKeys('cy', [bare(KEYS.cy)])],
    [
      'the page of a passkey',
      withKeys('bob', [{ ...KEYS.bob, passkey: { id: 'Y3JlZA', origin: 'https://x', rpId: 'x' } }]),
    ],
    ['no passkey', withKeys('bob', [bare(KEYS.bob)])],
    ['a number', { ...TERMS, groups: [{ ...TREASURY, approvals: 2 }, RISK] }],
    ['a member', { ...TERMS, groups: [{ ...TREASURY, members: ['ada'] }, RISK] }],
    ['a group less', { ...TERMS, groups: [TREASURY] }],
    ['somebody barred', withBarred(TERMS, ['ada'])],
  ])('is another with another: %s', (_, people) => {
    expect(peopleDigest(people)).not.toBe(peopleDigest(TERMS))
    expect(termsDigest({ ...hold, people })).not.toBe(termsDigest(hold))
  })

  it.each<[string, Partial<HoldTerms>]>([
    ['approvals', { approvals: 1 }],
    ['time', { expiresMs: 2_000 }],
    ['end', { onExpiry: 'RETRY' }],
    ['rule', { boundTo: 'ab' }],
  ])('is another with another: %s', (_, changes) => {
    expect(termsDigest({ ...hold, ...changes })).not.toBe(termsDigest(hold))
  })

  it('is another when nobody is named', () => {
    expect(termsDigest({ approvals, expiresMs, onExpiry })).not.toBe(termsDigest(hold))
  })

  it('is the same for the same', () => {
    expect(termsDigest(structuredClone(hold))).toBe(termsDigest(hold))
    expect(termsDigest(hold)).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('a fingerprint for two people to compare', () => {
  it('is twenty digits in groups of four', () => {
    expect(shortFingerprint('0123456789abcdef'.repeat(4))).toBe('0123 4567 89ab cdef 0123')
  })
})
