/** AWS KMS through Amazon's own client, against a stand-in on loopback made from its documents. */
import { verify } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { ANSWER_ALGORITHMS } from '../../../../common/answer-algorithm.ts'
import type { Sleep } from '../../../../common/clock.ts'
import { createKmsKeystore } from '../../../../handler/generations/signers/kms.ts'
import type { Keystore } from '../../../../handler/generations/signers/keystore.ts'
import { ACCOUNT, type KmsService, kmsService, SPOKEN } from '../../../fixtures/kms-service.ts'

const NEVER = new AbortController().signal
const BYTES = Buffer.from('header.payload')

const open: Keystore[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((keystore) => keystore.close()))
})

async function keystoreWith(sleep: Sleep = async () => undefined): Promise<Keystore> {
  const keystore = await createKmsKeystore({ sleep })
  open.push(keystore)
  return keystore
}

/** A service with one key. */
async function withKey(): Promise<{ service: KmsService; keystore: Keystore; name: string }> {
  const service = await kmsService()
  const keystore = await keystoreWith()
  const { name } = await keystore.create(service.where, 'countersign-g3', 'ES256')
  service.calls.length = 0
  return { service, keystore, name }
}

/** What an error says, all of it. */
async function saidBy(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => {
      throw new Error('no error')
    },
    (thrown: unknown) => thrown,
  )
  expect(error).toHaveProperty('name', 'KeystoreError')
  expect(error).not.toHaveProperty('cause')
  return String(error)
}

describe('AWS KMS', () => {
  it.each(ANSWER_ALGORITHMS)(
    'makes a key for %s, signs, and schedules its deletion',
    async (kind) => {
      const { where, keys, calls } = await kmsService()
      const keystore = await keystoreWith()
      keystore.check(where)
      const { name, publicKey } = await keystore.create(where, 'countersign-g3', kind)
      expect(name).toMatch(new RegExp(`^kms:arn:aws:kms:eu-west-1:${ACCOUNT}:key/[0-9a-f-]{36}$`))
      const made = keys.get(name.slice('kms:'.length))
      expect(made).toMatchObject({
        description: 'countersign-g3',
        spec: kind === 'ES256' ? 'ECC_NIST_P256' : 'RSA_2048',
        tags: [{ TagKey: 'countersign', TagValue: 'payouts' }],
      })
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
      // Another keystore finds it by its name alone, as after a restart.
      const again = await keystoreWith()
      const signature = await again.sign(name, kind, BYTES, NEVER)
      expect(verify('sha256', BYTES, key, signature)).toBe(true)
      await again.destroy(name)
      expect(made).toMatchObject({ state: 'PendingDeletion', deletionDays: 7 })
      expect(await saidBy(again.sign(name, kind, BYTES, NEVER))).toContain('deletion is scheduled')
      expect(calls).toEqual('CreateKey GetPublicKey Sign Sign ScheduleKeyDeletion Sign'.split(' '))
    },
  )

  it('has destroyed a key that is going or gone, and not one that is being changed', async () => {
    const { service, keystore, name } = await withKey()
    await keystore.destroy(name)
    await keystore.destroy(name)
    const [key] = service.keys.values()
    if (key === undefined) throw new Error('no key')
    key.state = 'Updating'
    expect(await saidBy(keystore.destroy(name))).toContain('it is being changed')
    service.mood = () => ({ error: 'AccessDeniedException' })
    expect(await saidBy(keystore.destroy(name))).toContain('denies access')
    service.mood = () => undefined
    service.keys.clear()
    await keystore.destroy(name)
  })

  it.each([
    ['denies access', { error: 'AccessDeniedException' }, 'denies access'],
    ['knows no such key', { error: 'NotFoundException' }, 'not in AWS KMS'],
    ['has the key disabled', { error: 'DisabledException' }, 'is disabled'],
    ['refuses the credentials', { error: 'UnrecognizedClientException' }, 'refuses the cred'],
    ['finds them expired', { error: 'ExpiredTokenException' }, 'have expired'],
    ['throttles', { error: 'ThrottlingException' }, 'too many requests'],
    ['says what nobody knows', { error: `Odd${SPOKEN}` }, 'answered 400'],
    ['fails inside', { status: 500, body: SPOKEN }, 'answered 500'],
    ['speaks another language', { body: `<html>${SPOKEN}` }, 'AWS KMS'],
    ['gives no signature', { body: '{}' }, 'no signature'],
    ['gives half of one', { body: '{"Signature":"MEQCIA=="}' }, 'a form that is not read'],
  ])('that %s is an error of our own words', async (_, mood, words) => {
    const { service, keystore, name } = await withKey()
    service.mood = () => mood
    const said = await saidBy(keystore.sign(name, 'ES256', BYTES, NEVER))
    expect(said).toContain(words)
    expect(said).not.toMatch(/arn:|secret|<html>/)
    // Twice is the most that can be in time.
    expect(service.calls.length).toBeLessThanOrEqual(2)
  })

  it('is asked again, once, when it throttles', async () => {
    const { service, keystore, name } = await withKey()
    service.mood = () => (service.calls.length === 1 ? { error: 'ThrottlingException' } : undefined)
    expect(await keystore.sign(name, 'ES256', BYTES, NEVER)).toHaveLength(64)
  })

  it('that is slow is waited for, and given up when it is told to', async () => {
    const { service, keystore, name } = await withKey()
    service.mood = () => ({ afterMs: 300 })
    expect(await keystore.sign(name, 'ES256', BYTES, NEVER)).toHaveLength(64)
    service.mood = () => ({ silent: true })
    const signing = keystore.sign(name, 'ES256', BYTES, AbortSignal.timeout(100))
    expect(await saidBy(signing)).toContain('did not answer in time')
  })

  it('that is away cannot be reached', async () => {
    const { service, keystore, name } = await withKey()
    await service.stop()
    expect(await saidBy(keystore.sign(name, 'ES256', BYTES, NEVER))).toContain('cannot be reached')
  })

  it('is not asked without credentials, nor where plain http leads elsewhere', async () => {
    const { service, name } = await withKey()
    process.env['AWS_ENDPOINT_URL_KMS'] = 'http://kms.internal.example'
    const elsewhere = await keystoreWith()
    expect(await saidBy(elsewhere.create(service.where, 'x', 'ES256'))).toContain(
      'https is required',
    )
    delete process.env['AWS_ACCESS_KEY_ID']
    const without = await keystoreWith()
    expect(await saidBy(without.sign(name, 'ES256', BYTES, NEVER))).toContain('no AWS credentials')
    expect(service.calls).toEqual([])
  })

  it('need not know a new key at once', async () => {
    const service = await kmsService()
    const waits: number[] = []
    const keystore = await keystoreWith(async (ms) => void waits.push(ms))
    const errors = ['NotFoundException', 'AccessDeniedException', 'KMSInvalidStateException']
    service.mood = (action) => {
      const error = action === 'CreateKey' ? undefined : errors.shift()
      return error === undefined ? undefined : { error }
    }
    await keystore.create(service.where, 'x', 'ES256')
    expect(waits).toEqual([250, 500, 1_000])
  })

  it.each([
    ['may not be signed with', 'Sign', { error: 'AccessDeniedException' }, 'denies access'],
    ['has no public half', 'GetPublicKey', { body: '{}' }, 'no public key'],
  ])('that made a key which %s is rid of it again', async (_, refused, mood, words) => {
    const service = await kmsService()
    const keystore = await keystoreWith()
    service.mood = (action) => (action === refused ? mood : undefined)
    expect(await saidBy(keystore.create(service.where, 'x', 'ES256'))).toContain(words)
    expect([...service.keys.values()].map(({ state }) => state)).toEqual(['PendingDeletion'])
  })

  it('is asked for what the documented policy allows, and for nothing else', async () => {
    const { service, keystore, name } = await withKey()
    const { name: other } = await keystore.create(service.where, 'x', 'RS256')
    await keystore.sign(other, 'RS256', BYTES, NEVER)
    await keystore.destroy(name)
    await keystore.destroy(name)
    const keys = await readFile(join(import.meta.dirname, '../../../../docs/keys.md'), 'utf8')
    const [, json = ''] = /```json\n([\s\S]*?)```/.exec(keys) ?? []
    const { Statement } = JSON.parse(json) as { Statement: { Action: string | string[] }[] }
    const allowed = Statement.flatMap(({ Action }) => Action)
    // The tag is given while the key is made.
    const asked = new Set(['TagResource', ...service.calls])
    expect(allowed.map((each) => each.replace('kms:', '')).toSorted()).toEqual(
      [...asked].toSorted(),
    )
  })

  it.each([
    ['no region', 'kms:payouts'],
    ['no owner', 'kms:eu-west-1'],
    ['an owner that is no plain word', 'kms:eu-west-1/a b'],
    ['a region that is a host', 'kms:evil.example/payouts'],
    ['a key', `kms:arn:aws:kms:eu-west-1:${ACCOUNT}:key/1234`],
    ['an alias', 'kms:alias/countersign'],
  ])('named with %s is refused', async (_, where) => {
    const keystore = await keystoreWith()
    expect(() => keystore.check(where)).toThrow('`kms:`')
  })

  it('finds no key by an alias, which could be another tomorrow', async () => {
    const { keystore } = await withKey()
    const alias = `kms:arn:aws:kms:eu-west-1:${ACCOUNT}:alias/countersign`
    expect(await saidBy(keystore.sign(alias, 'ES256', BYTES, NEVER))).toContain('ARN of a key')
  })
})

describe('the client of AWS KMS', () => {
  it('that is not installed is a sentence', async () => {
    // As `import` says it; the command of an installation without the package is run by `npm run test:package`.
    const missing = Object.assign(new Error('Cannot find package'), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    const opening = createKmsKeystore({
      sleep: async () => undefined,
      load: () => Promise.reject(missing),
    })
    expect(await saidBy(opening)).toContain('`@aws-sdk/client-kms` is not installed')
  })
})
