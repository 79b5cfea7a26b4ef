import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificateSigningRequest } from '../../certs/generate.ts'
import { startEmulator } from '../fixtures/emulator.ts'
import type { EmulatorFixture } from '../fixtures/emulator.ts'
import { testKey } from '../fixtures/keys.ts'
import { send } from './client.ts'
import type { Deviation } from './client.ts'
import { sha256 } from './handler.ts'

const CALM = { HTTP_429_PCT: 0, NONCE_REPLAY_REFUSED: true, JWT_LIFETIME: 'sdk', CLOCK_SKEW_S: 0 }
const stranger = async () => ({ privateKeyPem: (await testKey('stranger')).privateKeyPem })
const life = (length: number) => ({ claims: { iat: seconds(), exp: seconds() + length } })
const seconds = () => Math.floor(Date.now() / 1000)

describe('the token of an API request', () => {
  let emulator: EmulatorFixture
  const dir = mkdtempSync(join(tmpdir(), 'countersign-test-'))
  beforeAll(async () => {
    emulator = await startEmulator({ dir, autoApproveMs: 0 })
  })
  beforeEach(() => emulator.chaos(CALM))
  afterAll(async () => {
    await emulator.stop()
    rmSync(dir, { recursive: true })
  })

  it('is accepted when it is right, and the answer carries a request id and the time', async () => {
    const { status, headers } = await send(emulator, 'GET', '/cosigners?pageSize=5')
    expect(status).toBe(200)
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(Math.abs(Date.parse(headers.get('date') ?? '') - Date.now())).toBeLessThan(60_000)
  })

  const refusals: [string, number, () => Deviation | Promise<Deviation>][] = [
    ['no API key', -2, () => ({ without: ['x-api-key'] })],
    ['an empty API key', -2, () => ({ headers: { 'x-api-key': '' } })],
    ['no token', -3, () => ({ without: ['authorization'] })],
    ['no Bearer', -5, () => ({ headers: { authorization: 'Basic abc' } })],
    ['a token of two parts', -5, () => ({ headers: { authorization: 'Bearer a.b' } })],
    ['a token that is no JSON', -5, () => ({ headers: { authorization: 'Bearer YWI.YWI.YWI' } })],
    ['PS256', -5, () => ({ alg: 'PS256' })],
    ['RS512', -5, () => ({ alg: 'RS512' })],
    ['an unknown API key', -7, () => ({ apiKey: '00000000-0000-4000-8000-000000000000' })],
    ['another sub', -6, () => ({ claims: { sub: 'somebody' } })],
    ['no sub', -6, () => ({ claims: { sub: undefined } })],
    ['another private key', -1, stranger],
    ['a token of long ago', -10, () => ({ nowMs: Date.now() - 60_000 })],
    ['a token of the future', -12, () => ({ nowMs: Date.now() + 30_000 })],
    ['a life of 56 s', -7, () => ({ claims: { exp: seconds() + 56, iat: seconds() } })],
    ['exp as text', -5, () => ({ claims: { exp: 'soon' } })],
    ['no iat', -5, () => ({ claims: { iat: undefined } })],
    ['the uri of another request', -4, () => ({ claims: { uri: '/v1/cosigners' } })],
    ['no uri', -4, () => ({ claims: { uri: undefined } })],
    ['a hash of another body on GET', -7, () => ({ claims: { bodyHash: sha256('x') } })],
    ['no nonce', -5, () => ({ claims: { nonce: undefined } })],
  ]
  it.each(refusals)('with %s is refused with code %i, flat', async (_, code, deviation) => {
    const sent = await send(emulator, 'GET', '/cosigners?pageSize=5', undefined, await deviation())
    expect([sent.status, sent.body]).toEqual([401, { code, message: expect.any(String) }])
    expect(sent.headers.get('x-request-id')).not.toBeNull()
  })

  it('is refused in the nested shape on /management/api_users, which has no code', async () => {
    const sent = await send(emulator, 'GET', '/management/api_users', undefined, await stranger())
    expect([sent.status, sent.body]).toEqual([
      401,
      { error: { type: 'AUTHENTICATION', message: 'invalid signature' } },
    ])
  })

  it.each([
    ['none', undefined],
    ['that of nothing', sha256('')],
    ['that of two quotes, as the legacy SDKs send', sha256('""')],
  ])('may have no true body hash on GET: %s', async (_, bodyHash) => {
    const sent = await send(emulator, 'GET', '/cosigners', undefined, { claims: { bodyHash } })
    expect(sent.status).toBe(200)
  })

  it.each(['POST', 'PUT', 'PATCH'])('must hash the very body on %s', async (method) => {
    const path = `/cosigners/${emulator.cosignerId}/api_keys/x`
    const target = method === 'POST' ? '/management/api_users' : path
    const missing = await send(emulator, method, target, {}, { claims: { bodyHash: undefined } })
    const other = await send(emulator, method, target, { a: 1 }, { otherBody: '{"a": 1}' })
    expect([missing.status, other.status]).toEqual([401, 401])
    expect(JSON.stringify([missing.body, other.body])).toContain('wrong body hash')
  })

  it('may live 55 s by default, and less than 30 s when the documents are taken strictly', async () => {
    const path = '/cosigners'
    expect((await send(emulator, 'GET', path, undefined, life(55))).status).toBe(200)
    await emulator.chaos({ JWT_LIFETIME: 'docs' })
    expect((await send(emulator, 'GET', path, undefined, life(30))).status).toBe(401)
    expect((await send(emulator, 'GET', path, undefined, life(29))).status).toBe(200)
  })

  it('is refused the second time, unless replays are tolerated', async () => {
    const nonce = { claims: { nonce: 4711 } }
    expect((await send(emulator, 'GET', '/cosigners', undefined, nonce)).status).toBe(200)
    const again = await send(emulator, 'GET', '/cosigners', undefined, nonce)
    expect(again.body).toMatchObject({ code: -7 })
    await emulator.chaos({ NONCE_REPLAY_REFUSED: false })
    expect((await send(emulator, 'GET', '/cosigners', undefined, nonce)).status).toBe(200)
  })

  it('is judged by the clock of the API, which can be off', async () => {
    await emulator.chaos({ CLOCK_SKEW_S: 3600 })
    const sent = await send(emulator, 'GET', '/cosigners')
    expect(sent.body).toMatchObject({ code: -10 })
    expect(Date.parse(sent.headers.get('date') ?? '') - Date.now()).toBeGreaterThan(3_500_000)
  })

  it('of a created user verifies with the key of its CSR; the role decides what it may do', async () => {
    const { privateKeyPem } = await testKey('api-user')
    const csrPem = certificateSigningRequest(privateKeyPem, 'Acme')
    await send(emulator, 'POST', '/management/api_users', { role: 'SIGNER', name: 'bot', csrPem })
    const listed = await send(emulator, 'GET', '/management/api_users')
    const apiKey = (listed.body as { users: { id: string }[] }).users.at(-1)?.id ?? ''
    const assets = '/supported_assets'
    const own = await send(emulator, 'GET', assets, undefined, { apiKey, privateKeyPem })
    expect(own.status).toBe(200)
    const foreign = await send(emulator, 'GET', assets, undefined, {
      apiKey,
      ...(await stranger()),
    })
    expect(foreign.body).toMatchObject({ code: -1 })
    const admin = await send(emulator, 'GET', '/cosigners', undefined, { apiKey, privateKeyPem })
    expect([admin.status, admin.body]).toEqual([401, expect.objectContaining({ code: -8 })])
    const nested = await send(emulator, 'GET', '/management/api_users', undefined, {
      apiKey,
      privateKeyPem,
    })
    expect(nested.body).toMatchObject({ error: { type: 'AUTHORIZATION' } })
  })

  it('does not matter for a path that is not served', async () => {
    const sent = await send(
      { ...emulator, apiBasePath: emulator.apiBasePath.slice(0, -3) },
      'GET',
      '/x',
    )
    expect([sent.status, sent.body]).toEqual([404, { message: 'Cannot GET /x' }])
  })
})
