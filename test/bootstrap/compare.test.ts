/** What is paired, in every encoding and every half-truth of the read model. */
import { beforeAll, describe, expect, it } from '@jest/globals'
import { type Comparable, comparePairing, parseHash } from '../../bootstrap/compare.ts'
import { pinOf } from '../../certs/inspect.ts'
import { testEcKey, testKey } from '../fixtures/keys.ts'

let ours: Comparable
let other: string

beforeAll(async () => {
  const key = await testKey()
  other = (await testKey('other')).publicKeyPem
  ours = {
    generation: 3,
    url: 'https://h.test:8443/g3',
    publicKeyPem: key.publicKeyPem,
    pin: pinOf(key.publicKey),
    fingerprint: 'ab'.repeat(32),
  }
})

const hex = (pin: string) => Buffer.from(pin, 'base64').toString('hex')
const compare = (
  auth: Parameters<typeof comparePairing>[0],
  handler: { url?: string; publicKey?: string; certPublicKeyHash?: string } | undefined,
  generations: readonly Comparable[] = [ours],
) =>
  comparePairing(
    auth,
    {
      id: 'x',
      lastSeen: undefined,
      handler: handler && {
        url: ours.url,
        publicKey: undefined,
        certPublicKeyHash: undefined,
        ...handler,
      },
    },
    generations,
  )
const both = () => ({ publicKey: ours.publicKeyPem, certPublicKeyHash: ours.pin })

describe('the pairing', () => {
  it('may be absent, without a handler, or a stranger’s', () => {
    expect(comparePairing('hybrid', undefined, [ours])).toEqual({ is: 'absent' })
    expect(compare('hybrid', undefined)).toEqual({ is: 'no-handler' })
    expect(compare('hybrid', { ...both(), url: 'https://x.test' })).toEqual({
      is: 'foreign',
      url: 'https://x.test',
    })
    expect(compare('hybrid', { ...both(), url: 'nonsense' }).is).toBe('foreign')
  })

  it('is ours whatever the spelling of URL and PEM', () => {
    const url = 'HTTPS://H.test:8443/g3/'
    const publicKey = ours.publicKeyPem.trim().replaceAll('\n', String.raw`\n`)
    expect(compare('hybrid', { ...both(), url, publicKey })).toEqual({
      is: 'ours',
      generation: 3,
      notes: [],
    })
  })

  it('is ours in every encoding of the hash', () => {
    const { pin } = ours
    const colons = hex(pin).toUpperCase().match(/../g)?.join(':') ?? ''
    const forms = [
      pin,
      `sha256//${pin}`,
      `sha256:${hex(pin)}`,
      hex(pin),
      colons,
      Buffer.from(pin, 'base64').toString('base64url'),
      ours.fingerprint,
    ]
    for (const certPublicKeyHash of forms) {
      expect(compare('hybrid', { ...both(), certPublicKeyHash })).toMatchObject({ notes: [] })
    }
  })

  it('is ours when the answer key is on P-256, as PEM and as bare base64', async () => {
    const { publicKeyPem } = await testEcKey()
    const bare = publicKeyPem.replaceAll(/-----[A-Z ]+-----|\n/g, '')
    for (const publicKey of [publicKeyPem, bare]) {
      const key = { ...both(), publicKey }
      expect(compare('hybrid', key, [{ ...ours, publicKeyPem }])).toMatchObject({
        is: 'ours',
        notes: [],
      })
      expect(compare('hybrid', key)).toMatchObject({ is: 'mismatch', fields: ['publicKey'] })
    }
  })

  it('is ours with a note when the hash has an unknown format', () => {
    const pairing = compare('hybrid', { ...both(), certPublicKeyHash: 'md5:abc' })
    expect(pairing).toMatchObject({
      is: 'ours',
      notes: [expect.stringContaining('unknown format')],
    })
    expect(parseHash('md5:abc')).toBeUndefined()
  })

  it('says which half the API stored of a hybrid', () => {
    expect(compare('hybrid', { publicKey: ours.publicKeyPem })).toMatchObject({
      is: 'ours',
      notes: [expect.stringContaining('only the public key')],
    })
    expect(compare('hybrid', { certPublicKeyHash: ours.pin })).toMatchObject({
      is: 'ours',
      notes: [expect.stringContaining('only the certificate')],
    })
    expect(compare('hybrid', {})).toMatchObject({
      is: 'mismatch',
      fields: ['publicKey', 'certPublicKeyHash'],
    })
  })

  it('is a mismatch when a field is another’s, or missing where it is the only one', () => {
    expect(compare('hybrid', { ...both(), publicKey: other })).toMatchObject({
      is: 'mismatch',
      fields: ['publicKey'],
    })
    const otherHash = Buffer.alloc(32, 7).toString('base64')
    expect(compare('public-key', { ...both(), certPublicKeyHash: otherHash })).toMatchObject({
      is: 'mismatch',
      fields: ['certPublicKeyHash'],
    })
    expect(compare('public-key', { certPublicKeyHash: ours.pin }).is).toBe('mismatch')
    expect(compare('certificate', { publicKey: ours.publicKeyPem }).is).toBe('mismatch')
  })

  it('notes what the mode did not send', () => {
    expect(compare('public-key', both())).toMatchObject({ is: 'ours', notes: [expect.anything()] })
    expect(compare('certificate', both())).toMatchObject({ is: 'ours', notes: [expect.anything()] })
    expect(compare('public-key', { publicKey: ours.publicKeyPem })).toMatchObject({ notes: [] })
    expect(compare('certificate', { certPublicKeyHash: ours.pin })).toMatchObject({ notes: [] })
  })
})
