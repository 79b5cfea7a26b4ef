/** Bodies that can be sent, bodies that cannot, and answers that are not what the documents say. */
import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  handlerBody,
  parseCosigner,
  parsePairedKey,
  parsePairingToken,
  parseRequestStatus,
  parseUsers,
  paths,
  requestIdOf,
  userBody,
} from '../../../bootstrap/api/resources.ts'
import { selfSignedCertificate } from '../../../certs/generate.ts'
import { testKey } from '../../fixtures/keys.ts'

let identity: { url: string; publicKeyPem: string; certificatePem: string }

beforeAll(async () => {
  const { publicKeyPem, privateKeyPem } = await testKey()
  const certificatePem = selfSignedCertificate({
    privateKeyPem,
    names: ['h.test'],
    notBefore: new Date('2026-01-01'),
    notAfter: new Date('2027-01-01'),
  })
  identity = { url: 'https://h.test/g1', publicKeyPem, certificatePem }
})

describe('a handler body', () => {
  it.each([
    ['hybrid', ['url', 'publicKey', 'cert']],
    ['public-key', ['url', 'publicKey']],
    ['certificate', ['url', 'cert']],
  ] as const)('in mode %s holds %j', (auth, fields) => {
    const { text } = handlerBody(auth, identity)
    const { callbackHandler } = JSON.parse(text) as { callbackHandler: object }
    expect(Object.keys(callbackHandler)).toEqual(fields)
    expect(handlerBody(auth, identity)).toEqual(handlerBody(auth, identity))
  })

  /** A co-signer without a handler signs everything, and a handler without a key or certificate proves nothing. */
  it.each([
    ['no URL', { url: '' }],
    ['a path', { url: '/g1' }],
    ['another scheme', { url: 'ftp://h.test' }],
    ['no key', { publicKeyPem: '' }],
    ['no certificate', { certificatePem: '' }],
    [
      'a certificate for a key',
      { publicKeyPem: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' },
    ],
    ['an empty key', { publicKeyPem: '-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----' }],
  ])('cannot be made with %s', (_name, change) => {
    expect(() => handlerBody('hybrid', { ...identity, ...change })).toThrow(RangeError)
  })

  it('never holds a private key', async () => {
    const { privateKeyPem } = await testKey()
    const both = { ...identity, publicKeyPem: identity.publicKeyPem + privateKeyPem }
    expect(() => handlerBody('hybrid', both)).toThrow(RangeError)
    expect(() => handlerBody('hybrid', { ...identity, publicKeyPem: privateKeyPem })).toThrow(
      RangeError,
    )
  })
})

describe('a user body', () => {
  const user = { name: 'n', role: 'SIGNER', csrPem: 'csr', firstUser: false }
  it.each([
    [{}, {}],
    [{ firstUser: true }, { coSignerSetupIsFirstUser: true }],
    [
      { firstUser: true, setupType: 'SGX_MACHINE' },
      { coSignerSetupType: 'SGX_MACHINE', coSignerSetupIsFirstUser: true },
    ],
    [{ firstUser: true, setupType: 'NITRO_MACHINE' }, { coSignerSetupType: 'NITRO_MACHINE' }],
  ])('with %j holds %j', (change, extra) => {
    expect(JSON.parse(userBody({ ...user, ...change }))).toEqual({
      role: 'SIGNER',
      name: 'n',
      csrPem: 'csr',
      ...extra,
    })
  })
})

describe('answers', () => {
  it('tolerate what is missing and what is new', () => {
    expect(parseCosigner(null, 'id')).toEqual({
      id: 'id',
      name: undefined,
      archived: false,
      type: undefined,
      version: undefined,
    })
    expect(parseCosigner({ version: { name: '1' }, type: 'NEW', x: 1 }, 'id')).toMatchObject({
      type: 'NEW',
      version: '1',
    })
    expect(parseCosigner({ version: '2' }, 'id').version).toBe('2')
    expect(parsePairedKey({ callbackHandler: {} }).handler).toBeUndefined()
    expect(parsePairedKey({ callbackHandler: { url: 'u' } }).handler).toMatchObject({ url: 'u' })
    expect(parseUsers({ users: [{ id: 'a' }, { name: 'no id' }, 7] })).toHaveLength(1)
    expect(parseUsers([{ id: 'a' }])).toHaveLength(1)
    expect(parseUsers({})).toBeUndefined()
    expect(parseRequestStatus({ status: 'X' })).toBe('X')
    expect(parseRequestStatus('X')).toBeUndefined()
    expect(parsePairingToken({ pairingToken: '' })).toBeUndefined()
  })

  it('name the request in their last segment', () => {
    expect(requestIdOf('/v1/cosigners/a/api_keys/b/123?x=1')).toBe('123')
    expect(requestIdOf('/v1/')).toBeUndefined()
  })
})

describe('paths', () => {
  it('encode their parts and know both families', () => {
    expect(paths.apiKey('a/b', 'api_users', 'c?d')).toBe('/cosigners/a%2Fb/api_users/c%3Fd')
    expect(paths.pairingToken('u')).toBe('/management/api_users/u/pairing_token')
  })
})
