import { describe, expect, it } from '@jest/globals'
import { actText, parseAct } from '../../../../handler/policy/approvals/act.ts'
import type { Act } from '../../../../handler/policy/approvals/act.ts'
import { flawOf } from '../../../../handler/policy/approvals/assertion.ts'
import { filledBy } from '../../../../handler/policy/approvals/people.ts'
import {
  asserted,
  type Ceremony,
  challengeOf,
  ed25519,
  keyOf,
  p256,
  passkeyOf,
  rsa,
  signedBy,
} from '../../../fixtures/approvers.ts'

const ACT: Act = {
  act: 'hold',
  verdict: 'approve',
  store: '7c2e3c5a-0000-4000-8000-000000000000',
  subject: '0123456789abcdef',
  digest: 'd'.repeat(64),
  rule: 'large',
  terms: 'e'.repeat(64),
  nonce: 'f'.repeat(64),
  what: 'TRANSFER 50 ETH from VAULT 0 to UNMANAGED u1',
}
const TEXT = actText(ACT)
const BYTES = Buffer.from(TEXT)

describe('the text of an act', () => {
  it('is read back as what was written, and in no other spelling', () => {
    expect(parseAct(TEXT)).toEqual(ACT)
    for (const other of [
      TEXT.trimEnd(),
      `${TEXT}\n`,
      TEXT.replaceAll('\n', '\r\n'),
      TEXT.replace('verdict: approve', 'verdict:  approve'),
      TEXT.replace('verdict: approve\n', 'verdict: approve\nverdict: reject\n'),
      TEXT.replace('rule: large\n', ''),
      TEXT.replace('act: hold', 'act: other'),
      ` ${TEXT}`,
    ]) {
      expect(parseAct(other)).toBeUndefined()
    }
  })

  it.each(['a\nverdict: reject', 'ü', '', 'x'.repeat(1_025)])('holds no value like %j', (what) => {
    expect(() => actText({ ...ACT, what })).toThrow(TypeError)
  })
})

describe('a signature in a file', () => {
  it('by Ed25519, P-256 and RSA proves the act that was signed, and no other', async () => {
    for (const pair of [ed25519(), p256(), await rsa()]) {
      const key = keyOf(pair)
      expect(flawOf(key, BYTES, signedBy(pair, TEXT))).toBeUndefined()
      expect(flawOf(key, BYTES, signedBy(pair, TEXT.replace('approve', 'reject')))).toMatch(
        /not over/,
      )
      expect(flawOf(keyOf(ed25519()), BYTES, signedBy(pair, TEXT))).toMatch(/not over/)
      expect(flawOf(key, BYTES, { signature: '' })).toMatch(/not over/)
    }
  })

  it('is none of a passkey', () => {
    const pair = ed25519()
    expect(flawOf(passkeyOf(pair), BYTES, signedBy(pair, TEXT))).toMatch(/page only/)
  })
})

describe('an assertion of a passkey', () => {
  it('by P-256, Ed25519 and RSA proves the act', async () => {
    for (const pair of [p256(), ed25519(), await rsa()]) {
      const assertion = asserted(pair, { challenge: challengeOf(TEXT) })
      expect(flawOf(passkeyOf(pair), BYTES, assertion)).toBeUndefined()
    }
  })

  it.each<[string, Partial<Ceremony>, RegExp]>([
    ['another challenge', { challenge: challengeOf('other') }, /challenge/],
    ['another page', { origin: 'https://evil.example' }, /another page/],
    ['inside another page', { crossOrigin: true }, /inside/],
    ['another name', { rpId: 'evil.example' }, /another name/],
    ['nobody verified', { flags: 0x01 }, /not verified/],
    ['nobody there', { flags: 0x04 }, /not verified/],
    ['a registration', { type: 'webauthn.create' }, /no assertion/],
    ['another credential', { id: 'b3RoZXI' }, /another passkey/],
  ])('refused: %s', (_, parts, flaw) => {
    const pair = p256()
    const assertion = asserted(pair, { challenge: challengeOf(TEXT), ...parts })
    expect(flawOf(passkeyOf(pair), BYTES, assertion)).toMatch(flaw)
  })

  it('refused: by another key, or with anything changed', () => {
    const pair = p256()
    const good = asserted(pair, { challenge: challengeOf(TEXT) })
    expect(flawOf(passkeyOf(p256()), BYTES, good)).toMatch(/not by this key/)
    expect(flawOf(keyOf(pair), BYTES, good)).toMatch(/another passkey/)
    const data = Buffer.from(good.authenticatorData, 'base64url')
    data[36] = 9
    const counted = { ...good, authenticatorData: data.toString('base64url') }
    expect(flawOf(passkeyOf(pair), BYTES, counted)).toMatch(/not by this key/)
    expect(flawOf(passkeyOf(pair), BYTES, { ...good, authenticatorData: '' })).toMatch(
      /no assertion/,
    )
    expect(flawOf(passkeyOf(pair), BYTES, { ...good, clientDataJSON: 'bm8' })).toMatch(
      /no assertion/,
    )
  })
})

describe('seats', () => {
  const groups = [
    { name: 'treasury', approvals: 2, members: ['ada', 'bob', 'cy'] },
    { name: 'risk', approvals: 1, members: ['ada', 'dan'] },
  ]

  it.each<[string[], number]>([
    [[], 0],
    [['ada'], 1],
    [['ada', 'ada'], 1],
    [['ada', 'bob'], 2],
    [['ada', 'bob', 'cy'], 3],
    [['cy', 'bob', 'ada'], 3],
    [['bob', 'ada', 'dan'], 3],
    [['ada', 'dan', 'bob'], 3],
    [['ada', 'dan'], 2],
    [['eve', 'bob'], 1],
  ])('of %j: %i', (names, filled) => {
    expect(filledBy({ groups }, names)).toBe(filled)
  })
})
