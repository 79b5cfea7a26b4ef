import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { certificateSigningRequest } from '../../certs/generate.ts'
import { kidOf } from '../../certs/inspect.ts'
import type { Sleep } from '../../common/clock.ts'
import { startEmulator } from '../fixtures/emulator.ts'
import type { EmulatorFixture } from '../fixtures/emulator.ts'
import { testKey } from '../fixtures/keys.ts'
import { until } from '../fixtures/until.ts'
import { send } from './client.ts'
import { certificateFor } from './handler.ts'

let emulator: EmulatorFixture
/** Milliseconds that the emulator's clock is ahead. */
let ahead: number
/** Ends what the emulator waits for. */
let asleep: (() => void)[]
beforeEach(async () => {
  ahead = 0
  asleep = []
  const clock = { now: () => new Date(Date.now() + ahead), monotonicMs: () => performance.now() }
  const sleep: Sleep = () =>
    new Promise((resolve) => {
      asleep.push(resolve)
    })
  emulator = await startEmulator({ clock, sleep, seed: 7 })
})
afterEach(() => emulator.stop())

interface User {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly status: string
}

async function users(): Promise<User[]> {
  return ((await call('GET', '/management/api_users')).body as { users: User[] }).users
}

function call(method: string, path: string, body?: unknown, key?: string) {
  const deviation = {
    nowMs: Date.now() + ahead,
    ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
  }
  return send(emulator, method, path, body, deviation)
}

async function newUser(name = 'bot', role = 'SIGNER') {
  const { privateKeyPem } = await testKey('api-user')
  return { role, name, csrPem: certificateSigningRequest(privateKeyPem, 'Acme') }
}

async function approvedUser(): Promise<string> {
  await call('POST', '/management/api_users', await newUser())
  await emulator.decide('approve')
  return (await users()).at(-1)?.id ?? ''
}

const keyPath = (user: string, segment = 'api_keys') =>
  `/cosigners/${emulator.cosignerId}/${segment}/${user}`

async function paired(handler: object): Promise<string> {
  const user = await approvedUser()
  await call('PUT', keyPath(user), { callbackHandler: handler })
  await emulator.decide('approve')
  ahead += 1000
  return user
}

describe('creating an API user', () => {
  it('answers 200 with nothing, and the user is listed only after people approved it', async () => {
    const created = await call('POST', '/management/api_users', await newUser())
    expect([created.status, created.text, created.headers.get('location')]).toEqual([200, '', null])
    expect((await users()).map(({ name }) => name)).toEqual(['bootstrapper'])
    const approvals = await emulator.approvals()
    expect(approvals).toEqual([
      expect.objectContaining({
        type: 'CREATE_API_USER',
        status: 'WAITING_FOR_APPROVAL',
        name: 'bot',
      }),
    ])
    await emulator.decide('approve')
    expect((await users()).at(-1)).toMatchObject({
      name: 'bot',
      role: 'SIGNER',
      status: 'PENDING_ACTIVATION',
      userType: 'API',
    })
  })

  it('that is rejected never shows, but in the audit log of the workspace', async () => {
    await call('POST', '/management/api_users', await newUser())
    await emulator.decide('reject')
    expect(await users()).toHaveLength(1)
    const log = (await call('GET', '/management/audit_logs')).body as { data: { event: string }[] }
    expect(log.data.map(({ event }) => event)).toEqual(['New user submitted', 'New user rejected'])
  })

  it('twice makes two users of one name: the service does not object', async () => {
    await call('POST', '/management/api_users', await newUser())
    await call('POST', '/management/api_users', await newUser())
    await emulator.control('POST', '/auto-approve', { after_ms: 0 })
    expect((await users()).map(({ name }) => name)).toEqual(['bootstrapper', 'bot', 'bot'])
  })

  it('lists unapproved users when told to', async () => {
    await emulator.chaos({ LIST_UNAPPROVED: true })
    await call('POST', '/management/api_users', await newUser())
    expect(await users()).toHaveLength(2)
  })

  it.each([
    ['no name', { name: undefined }, 'name'],
    ['a name of 31 characters', { name: 'x'.repeat(31) }, 'name'],
    ['an unknown role', { role: 'KING' }, 'role'],
    ['no CSR', { csrPem: 'hello' }, 'csrPem: not an RSA PKCS#10 request'],
    ['a member of the legacy SDKs', { coSignerSetup: 'SGX_MACHINE' }, 'coSignerSetup'],
    ['a flag as text', { coSignerSetupIsFirstUser: 'yes' }, 'coSignerSetupIsFirstUser'],
  ])('with %s is refused', async (_, change, word) => {
    const sent = await call('POST', '/management/api_users', { ...(await newUser()), ...change })
    expect([sent.status, sent.text]).toEqual([400, expect.stringContaining(word)])
    expect(await emulator.approvals()).toEqual([])
  })

  it('with a CSR that is not signed by its own key, or has no organization, is refused', async () => {
    const { csrPem, ...rest } = await newUser()
    const der = Buffer.from(csrPem.replaceAll(/-----.*-----|\s/g, ''), 'base64')
    der.writeUInt8(der.readUInt8(der.length - 9) ^ 1, der.length - 9)
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    const forged = await call('POST', '/management/api_users', { ...rest, csrPem: pem })
    expect(forged.text).toContain('the signature does not verify')
    const nameless = certificateSigningRequest((await testKey('api-user')).privateKeyPem, '')
    const empty = await call('POST', '/management/api_users', { ...rest, csrPem: nameless })
    expect(empty.text).toContain('the organization (O) is missing')
  })
})

describe('a pairing token', () => {
  it('is issued while the user is pending, works once on the host, and makes the user ready', async () => {
    const user = await approvedUser()
    const issued = await call('POST', `/management/api_users/${user}/pairing_token`)
    expect([issued.status, issued.body]).toEqual([
      201,
      expect.objectContaining({
        id: user,
        status: 'PENDING_ACTIVATION',
        pairingToken: expect.any(String),
      }),
    ])
    const { pairingToken } = issued.body as { pairingToken: string }
    expect(
      JSON.parse(Buffer.from(pairingToken.split('.')[1] ?? '', 'base64url').toString()),
    ).toMatchObject({
      userId: user,
    })
    const host = { pairingToken, callbackHandler: { url: 'https://localhost:1/g1' } }
    await emulator.control('POST', '/host/pair', host)
    expect((await users()).at(-1)?.status).toBe('READY')
    const again = await call('POST', `/management/api_users/${user}/pairing_token`)
    expect(again.status).toBe(409)
    await expect(emulator.control('POST', '/host/pair', host)).rejects.toThrow('HTTP status 500')
  })

  it('expires after an hour; unknown users have none', async () => {
    const user = await approvedUser()
    const issued = await call('POST', `/management/api_users/${user}/pairing_token`)
    ahead += 3_600_001
    const { pairingToken } = issued.body as { pairingToken: string }
    await expect(
      emulator.control('POST', '/host/pair', { pairingToken, callbackHandler: null }),
    ).rejects.toThrow('Failed to pair device')
    const missing = await call('POST', '/management/api_users/nobody/pairing_token')
    expect([missing.status, missing.body]).toEqual([404, { message: 'User not found' }])
  })
})

describe('pairing', () => {
  it('runs in the official order: 202 with Location, waiting, approved, completed, shown, ready', async () => {
    await emulator.chaos({ COMPLETION_DELAY_MS: 60_000 })
    const { publicKeyPem: publicKey } = await testKey('handler')
    const cert = await certificateFor('handler')
    const user = await approvedUser()
    const callbackHandler = { url: 'https://localhost:1/g1', publicKey, cert }
    const put = await call('PUT', keyPath(user), { callbackHandler })
    expect([put.status, put.body]).toEqual([202, { id: user, callbackHandler }])
    const location = put.headers.get('location') ?? ''
    expect(location).toMatch(
      new RegExp(`^/v1/cosigners/${emulator.cosignerId}/api_keys/${user}/[0-9]+$`),
    )
    const status = async () => (await call('GET', location.slice('/v1'.length))).body
    expect(await status()).toEqual({ status: 'WAITING_FOR_APPROVAL', type: 'PAIR_API_KEY' })
    expect((await call('GET', keyPath(user))).status).toBe(404)
    await emulator.decide('approve')
    expect(await status()).toEqual({ status: 'APPROVED', type: 'PAIR_API_KEY' })
    expect((await call('GET', keyPath(user))).status).toBe(404)
    ahead += 60_000
    expect(await status()).toEqual({ status: 'COMPLETED', type: 'PAIR_API_KEY' })
    const pin = Buffer.from(kidOf(publicKey), 'hex').toString('base64')
    const shown = { url: callbackHandler.url, publicKey, certPublicKeyHash: `sha256//${pin}` }
    expect((await call('GET', keyPath(user))).body).toEqual({
      id: user,
      lastSeen: expect.any(String),
      callbackHandler: shown,
    })
    expect((await call('GET', keyPath(user, 'api_users'))).body).toMatchObject({
      callbackHandler: shown,
    })
    expect((await users()).at(-1)?.status).toBe('READY')
  })

  it('under the newer segment answers with that segment', async () => {
    const user = await approvedUser()
    const put = await call('PUT', keyPath(user, 'api_users'), {})
    expect(put.headers.get('location')).toContain(`/api_users/${user}/`)
  })

  it('with an empty object is allowed by the schema and leaves the key without a handler', async () => {
    const user = await approvedUser()
    expect((await call('PUT', keyPath(user), {})).body).toEqual({ id: user })
    await emulator.decide('approve')
    ahead += 1000
    const { body } = await call('GET', keyPath(user))
    expect(body).toEqual({ id: user, lastSeen: expect.any(String) })
  })

  it.each([
    ['an unknown user', 404, (path: string) => path.replace(/[^/]+$/, 'nobody'), {}],
    ['an unknown co-signer', 404, () => '/cosigners/nobody/api_keys/x', {}],
    ['a handler without url', 400, (path: string) => path, { callbackHandler: { publicKey: 'x' } }],
    ['a url that is none', 400, (path: string) => path, { callbackHandler: { url: 'localhost' } }],
    [
      'a url of another scheme',
      400,
      (path: string) => path,
      { callbackHandler: { url: 'ftp://x' } },
    ],
    ['an unknown member', 400, (path: string) => path, { callback_handler: {} }],
    ['text', 400, (path: string) => path, '{"callbackHandler":'],
  ])('of %s is refused with %i', async (_, expected, place, body) => {
    const sent = await call('PUT', place(keyPath(await approvedUser())), body)
    expect([sent.status, sent.body]).toEqual([expected, { message: expect.any(String) }])
  })

  it('refuses a private key or a certificate where the public key belongs', async () => {
    const user = await approvedUser()
    const { privateKeyPem } = await testKey('handler')
    for (const publicKey of [privateKeyPem, await certificateFor('handler')]) {
      const callbackHandler = { url: 'https://localhost:1', publicKey }
      expect((await call('PUT', keyPath(user), { callbackHandler })).status).toBe(400)
    }
    const callbackHandler = { url: 'https://localhost:1', cert: privateKeyPem }
    expect((await call('PUT', keyPath(user), { callbackHandler })).status).toBe(400)
  })

  it.each([
    ['REPAIR', 'PUT'],
    ['SECOND_CHANGE', 'PATCH'],
  ])('meets a conflict on %s when told so', async (knob, method) => {
    const user = await paired({ url: 'https://localhost:1/g1' })
    const body = { callbackHandler: { url: 'https://localhost:1/g2' } }
    expect((await call('PATCH', keyPath(user), body)).status).toBe(202)
    expect((await call(method, keyPath(user), body)).status).toBe(202)
    await emulator.chaos({ [knob]: 'conflict' })
    expect((await call(method, keyPath(user), body)).status).toBe(409)
  })
})

describe('updating and unpairing', () => {
  it('replaces the handler once approved and completed', async () => {
    const user = await paired({ url: 'https://localhost:1/g1' })
    const sent = await call('PATCH', keyPath(user), {
      callbackHandler: { url: 'https://localhost:1/g2' },
    })
    expect(sent.status).toBe(202)
    const url = async () =>
      ((await call('GET', keyPath(user))).body as { callbackHandler: { url: string } })
        .callbackHandler.url
    expect(await url()).toBe('https://localhost:1/g1')
    await emulator.decide('approve')
    ahead += 1000
    expect(await url()).toBe('https://localhost:1/g2')
  })

  it.each([
    ['replace', undefined],
    ['merge', expect.stringContaining('BEGIN PUBLIC KEY')],
  ])('with PATCH_SEMANTICS %s treats an omitted key accordingly', async (semantics, publicKey) => {
    await emulator.chaos({ PATCH_SEMANTICS: semantics })
    const { publicKeyPem } = await testKey('handler')
    const user = await paired({ url: 'https://localhost:1/g1', publicKey: publicKeyPem })
    const sent = await call('PATCH', keyPath(user), {
      callbackHandler: { url: 'https://localhost:1/g2' },
    })
    expect((sent.body as { callbackHandler: unknown }).callbackHandler).toEqual({
      url: 'https://localhost:1/g2',
      ...(publicKey === undefined ? {} : { publicKey }),
    })
  })

  it('of a key that is not paired is refused', async () => {
    const user = await approvedUser()
    expect((await call('PATCH', keyPath(user), {})).status).toBe(404)
    expect((await call('DELETE', keyPath(user))).status).toBe(404)
  })

  it('unpairs after approval; the answer shows the key as it was', async () => {
    const user = await paired({ url: 'https://localhost:1/g1' })
    const sent = await call('DELETE', keyPath(user))
    expect([sent.status, sent.body]).toEqual([202, expect.objectContaining({ id: user })])
    expect(sent.headers.get('location')).toMatch(/\/[0-9]+$/)
    expect((await call('GET', keyPath(user))).status).toBe(200)
    await emulator.decide('approve')
    ahead += 1000
    expect((await call('GET', keyPath(user))).status).toBe(404)
  })
})

describe('reading', () => {
  it('pages through what is paired in both orders', async () => {
    const first = await paired({ url: 'https://localhost:1/g1' })
    const second = await paired({ url: 'https://localhost:1/g1' })
    const list = `/cosigners/${emulator.cosignerId}/api_keys`
    const one = (await call('GET', `${list}?pageSize=1`)).body as {
      data: { id: string }[]
      next: string
    }
    expect(one.data.map(({ id }) => id)).toEqual([second])
    const two = (await call('GET', `${list}?pageSize=1&pageCursor=${one.next}`)).body
    expect(two).toEqual({ data: [expect.objectContaining({ id: first })], next: null })
    const all = (await call('GET', `${list}?order=ASC`)).body as { data: { id: string }[] }
    expect(all.data.map(({ id }) => id)).toEqual([first, second])
    for (const query of ['pageSize=0', 'pageSize=101', 'order=UP', 'pageCursor=!']) {
      expect((await call('GET', `${list}?${query}`)).status).toBe(400)
    }
  })

  it('shows and renames a co-signer', async () => {
    const path = `/cosigners/${emulator.cosignerId}`
    expect((await call('GET', path)).body).toEqual({
      id: emulator.cosignerId,
      archived: false,
      name: 'emulated co-signer 1',
      type: 'SGX',
      version: { hash: expect.any(String), name: expect.any(String) },
    })
    expect((await call('PATCH', path, { name: 'north' })).body).toMatchObject({ name: 'north' })
    expect((await call('PATCH', path, { name: '' })).status).toBe(400)
  })

  it('shows the addresses from which a user may call: none set', async () => {
    const user = await approvedUser()
    const sent = await call('GET', `/management/api_users/${user}/whitelist_ip_addresses`)
    expect(sent.body).toEqual({ userId: user, whitelistedIps: null })
    const missing = await call('GET', '/management/api_users/nobody/whitelist_ip_addresses')
    expect(missing.status).toBe(404)
  })

  it.each([
    ['base64', /^[A-Za-z0-9+/]{43}=$/],
    ['hex', /^[0-9a-f]{64}$/],
    ['hex-colons', /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/],
  ])('writes certPublicKeyHash as %s', async (encoding, form) => {
    await emulator.chaos({ CERT_HASH: encoding })
    const user = await paired({ url: 'https://localhost:1', cert: await certificateFor('handler') })
    const { callbackHandler } = (await call('GET', keyPath(user))).body as {
      callbackHandler: Record<string, string>
    }
    expect(callbackHandler['certPublicKeyHash']).toMatch(form)
  })

  it('can leave the hash out, and can store only one of key and certificate', async () => {
    const cert = await certificateFor('handler')
    const { publicKeyPem: publicKey } = await testKey('handler')
    const user = await paired({ url: 'https://localhost:1', cert, publicKey })
    const members = async (knobs: object) => {
      await emulator.chaos({ CERT_HASH: 'hex', BOTH_STORED: 'both', ...knobs })
      const { body } = await call('GET', keyPath(user))
      return Object.keys((body as { callbackHandler: object }).callbackHandler)
    }
    expect(await members({})).toEqual(['url', 'publicKey', 'certPublicKeyHash'])
    expect(await members({ CERT_HASH: 'absent' })).toEqual(['url', 'publicKey'])
    expect(await members({ BOTH_STORED: 'key-only' })).toEqual(['url', 'publicKey'])
    expect(await members({ BOTH_STORED: 'cert-only' })).toEqual(['url', 'certPublicKeyHash'])
  })
})

async function post(key: string, name = 'bot') {
  return call('POST', '/management/api_users', await newUser(name), key)
}

describe('an idempotency key', () => {
  it('gives the first answer again, for 24 hours', async () => {
    const user = await approvedUser()
    const put = () => call('PUT', keyPath(user), {}, 'a')
    const first = (await put()).headers.get('location')
    expect((await put()).headers.get('location')).toBe(first)
    ahead += 24 * 3_600_000 + 1
    expect((await put()).headers.get('location')).not.toBe(first)
  })

  it('is refused when longer than 40 characters', async () => {
    expect((await post('x'.repeat(41))).body).toMatchObject({ code: 9003 })
    expect((await post('x'.repeat(40))).status).toBe(200)
  })

  it('does not compare bodies, unless told to', async () => {
    expect((await post('a', 'one')).status).toBe(200)
    expect((await post('a', 'two')).status).toBe(200)
    expect(await emulator.approvals()).toHaveLength(1)
    await emulator.chaos({ IDEMP_STRICT_BODY: true })
    expect((await post('a', 'two')).status).toBe(400)
  })

  it.each(['HTTP_5XX_PCT', 'HTTP_502_AFTER_COMMIT_PCT'])(
    'is spent by an internal error (%s)',
    async (knob) => {
      await emulator.chaos({ [knob]: 100 })
      expect((await post('a')).status).toBeGreaterThanOrEqual(500)
      await emulator.chaos({ [knob]: 0 })
      expect((await post('a')).body).toMatchObject({ code: 9003 })
      expect(await emulator.approvals()).toHaveLength(knob === 'HTTP_5XX_PCT' ? 0 : 1)
    },
  )

  it('is not spent by a lost reply', async () => {
    await emulator.chaos({ LOST_REPLY_PCT: 100 })
    await expect(post('a')).rejects.toThrow()
    await emulator.chaos({ LOST_REPLY_PCT: 0 })
    expect((await post('a')).status).toBe(200)
    expect(await emulator.approvals()).toHaveLength(1)
  })

  it('is refused while the first request is in progress', async () => {
    await emulator.chaos({ API_DELAY_MS: 60_000 })
    const first = post('a')
    await until(() => asleep.length > 0)
    await emulator.chaos({ API_DELAY_MS: 0 })
    expect((await post('a')).body).toMatchObject({ code: 9005 })
    ahead += 60_000
    for (const wake of asleep) wake()
    expect((await first).status).toBe(200)
    expect((await post('a')).status).toBe(200)
  })

  it('has no effect on PATCH, which does not declare it', async () => {
    const user = await paired({ url: 'https://localhost:1/g1' })
    const patch = () => call('PATCH', keyPath(user), {}, 'a')
    expect((await patch()).headers.get('location')).not.toBe(
      (await patch()).headers.get('location'),
    )
  })
})
