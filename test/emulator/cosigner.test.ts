import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { SignJWT } from 'jose'
import { systemSleep } from '../../common/clock.ts'
import type { Sleep } from '../../common/clock.ts'
import { FORGERIES } from '../../emulator/forgeries.ts'
import { enter } from '../../emulator/state.ts'
import { startEmulator } from '../fixtures/emulator.ts'
import type { EmulatorFixture } from '../fixtures/emulator.ts'
import { testKey } from '../fixtures/keys.ts'
import {
  answering,
  certificateFor,
  claimsOf,
  isSignedBy,
  signAnswer,
  startHandler,
} from './handler.ts'
import type { Received, TinyHandler, TinyOptions } from './handler.ts'

let emulator: EmulatorFixture
const handlers: TinyHandler[] = []
beforeEach(async () => {
  emulator = await startEmulator({ seed: 11 })
})
afterEach(async () => {
  await emulator.stop()
  await Promise.all(handlers.splice(0).map((handler) => handler.close()))
})

async function start(options: TinyOptions = {}): Promise<TinyHandler> {
  const handler = await startHandler(options)
  handlers.push(handler)
  return handler
}

type Mode = 'hybrid' | 'public-key' | 'certificate' | 'open'

/** Pairs the caller's own key with a handler, without approvals. */
function pair(handler: TinyHandler, mode: Mode = 'hybrid', change: object = {}): void {
  configure({
    url: handler.url,
    ...(mode === 'hybrid' || mode === 'public-key' ? { publicKey: handler.key.publicKeyPem } : {}),
    ...(mode === 'hybrid' || mode === 'certificate' ? { cert: handler.certificatePem } : {}),
    ...change,
  })
}

function configure(handler: { url: string } | null, at = 0): void {
  const { cosignerId, apiKey: apiKeyId, inner } = emulator
  const key = `${cosignerId}/${apiKeyId}`
  const pairing = inner.pairings.get(key) ?? {
    cosignerId,
    apiKeyId,
    shown: [],
    used: [[], []],
    lastSeen: undefined,
  }
  inner.pairings.set(key, pairing)
  for (const changes of [pairing.shown, ...pairing.used]) enter(changes, { at, handler })
}

interface Result {
  readonly action?: string
  readonly error?: { readonly kind: string; readonly message: string; readonly status?: number }
  readonly [name: string]: unknown
}

function callback(wish: object = { sample: 'eth-transfer' }): Promise<Result> {
  return emulator.control('POST', '/callbacks', wish)
}

const plainAnswer =
  (claims: object) =>
  ({ body }: Received, response: ServerResponse): void => {
    response.end(JSON.stringify({ requestId: claimsOf(body)['requestId'], ...claims }))
  }

describe('a callback', () => {
  it('in hybrid mode is an RS256 token over /v2, whose signed answer is accepted', async () => {
    const handler = await start({ path: '/base/g1' })
    pair(handler)
    const result = await callback()
    expect(result).toEqual({
      action: 'APPROVE',
      rejectionReason: null,
      requestId: expect.any(String),
      url: `${handler.url}/v2/tx_sign_request`,
      mode: 'hybrid',
      machine: 'cosigner-1-a',
      durationMs: expect.any(Number),
      tries: 1,
    })
    const [received] = handler.received
    expect(received?.path).toBe('/base/g1/v2/tx_sign_request')
    expect(received?.headers['content-type']).toBe('application/jwt')
    const token = received?.body ?? ''
    expect(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).toBe(
      '{"typ":"JWT","alg":"RS256"}',
    )
    expect(await isSignedBy(token, readFileSync(emulator.cosignerPublicKeyPath, 'utf8'))).toBe(true)
    expect(claimsOf(token)).toMatchObject({
      operation: 'TRANSFER',
      asset: 'ETH',
      amountStr: '0.010000000000000000',
      signerId: emulator.apiKey,
      requestId: result['requestId'],
    })
    expect(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).toContain(
      '"amount":0.01000000,',
    )
  })

  it('in certificate mode is plain JSON without /v2, over the pinned certificate', async () => {
    const handler = await start({
      answer: plainAnswer({ action: 'REJECT', rejectionReason: 'no' }),
    })
    pair(handler, 'certificate')
    const result = await callback({ sample: 'whitelisting' })
    expect(result).toMatchObject({ action: 'REJECT', rejectionReason: 'no', mode: 'certificate' })
    expect(handler.received[0]?.path).toBe('/g1/config_change_sign_request')
    expect(claimsOf(handler.received[0]?.body ?? '')).toMatchObject({ type: 'UNMANAGED_WALLET' })
  })

  it('sends exactly the payload it was given, as object or as text', async () => {
    const handler = await start()
    pair(handler)
    const endpoint = 'tx_sign_request'
    await callback({ endpoint, payload: { b: 1, requestId: 'r1', a: [2] } })
    await callback({ endpoint, payloadText: '{"requestId":"r2","x":1.00,"x":2}' })
    const payloads = handler.received.map(({ body }) =>
      Buffer.from(body.split('.')[1] ?? '', 'base64url').toString(),
    )
    expect(payloads).toEqual([
      '{"b":1,"requestId":"r1","a":[2]}',
      '{"requestId":"r2","x":1.00,"x":2}',
    ])
  })

  it('of a sample takes other members when they are given', async () => {
    const handler = await start()
    pair(handler)
    await callback({ sample: 'eth-transfer', set: { asset: 'ETH_TEST5', note: 'x' } })
    expect(claimsOf(handler.received[0]?.body ?? '')).toMatchObject({
      asset: 'ETH_TEST5',
      note: 'x',
      operation: 'TRANSFER',
    })
  })

  it('without a configured handler is signed without asking, and says so loudly', async () => {
    configure(null)
    expect(await callback()).toMatchObject({
      action: 'APPROVE',
      handler: null,
      url: null,
      warning: expect.stringContaining('NO CALLBACK HANDLER'),
    })
  })

  it('needs a pairing', async () => {
    await expect(callback()).rejects.toThrow('409')
  })

  it.each([
    [{}, 'give one of'],
    [{ sample: 'eth-transfer', payload: {} }, 'give one of'],
    [{ payload: {} }, '`endpoint` is missing'],
    [{ sample: 'eth-transfer', forge: 'nicely' }, 'forge'],
    [{ sample: 'nothing' }, 'sample'],
  ])('asked for as %j is refused', async (wish, message) => {
    await expect(callback(wish)).rejects.toThrow(message)
  })

  it('over plain http is possible with a key, and not with a pin', async () => {
    const handler = await start({ plainHttp: true })
    pair(handler, 'public-key')
    expect(await callback()).toMatchObject({ action: 'APPROVE', mode: 'public-key' })
    pair(handler, 'hybrid')
    expect((await callback()).error?.kind).toBe('PIN')
  })

  it('never leaves this machine', async () => {
    configure({ url: 'https://192.0.2.1:1/g1' })
    expect((await callback()).error).toMatchObject({ kind: 'NOT_LOOPBACK' })
  })

  it('takes any host name for this machine and names it in SNI', async () => {
    const handler = await start()
    pair(handler, 'hybrid', { url: handler.url.replace('localhost', 'a.handler.example') })
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
    expect(handler.received[0]?.headers.host).toMatch(/^a\.handler\.example:/)
  })

  it('asks the resolver for a host name that was allowed', async () => {
    await emulator.stop()
    emulator = await startEmulator({ handlerHosts: ['localhost'] })
    pair(await start())
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
  })

  it('to nobody fails as CONNECT', async () => {
    configure({ url: 'https://localhost:1/g1' })
    expect((await callback()).error).toMatchObject({ kind: 'CONNECT' })
  })
})

describe('the pin', () => {
  it('refuses another key before anything is sent', async () => {
    const handler = await start()
    pair(handler, 'hybrid', { cert: await certificateFor('stranger') })
    expect((await callback()).error).toEqual({
      kind: 'PIN',
      message: 'SSL public key does not match pinned public key',
    })
    expect(handler.received).toEqual([])
  })

  it('accepts a renewed certificate of the same key, unless the whole certificate is pinned', async () => {
    const handler = await start()
    pair(handler, 'hybrid', { cert: await certificateFor('handler') })
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
    await emulator.chaos({ PIN: 'certificate' })
    expect((await callback()).error?.kind).toBe('PIN')
    pair(handler)
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
  })

  it('is checked on every new connection, also while connections are kept', async () => {
    const handler = await start()
    pair(handler)
    await emulator.chaos({ KEEP_ALIVE: true })
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
    pair(handler, 'hybrid', { cert: await certificateFor('stranger') })
    expect((await callback()).error?.kind).toBe('PIN')
  })
})

describe('the TLS chain of a handler that is not pinned', () => {
  it('is accepted as it is by default, and checked when told so', async () => {
    const handler = await start()
    pair(handler, 'public-key')
    expect(await callback()).toMatchObject({ action: 'APPROVE', mode: 'public-key' })
    await emulator.chaos({ TLS_CHAIN: 'verify' })
    expect((await callback()).error?.kind).toBe('TLS')
    expect(handler.received).toHaveLength(1)
  })

  it('is checked against the given roots, name included', async () => {
    const handler = await start()
    await emulator.stop()
    emulator = await startEmulator({ caPem: handler.certificatePem })
    pair(handler, 'public-key')
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
    pair(handler, 'public-key', { url: handler.url.replace('localhost', 'other.example') })
    expect((await callback()).error?.kind).toBe('TLS')
  })
})

describe('an answer', () => {
  const wrong: [string, string, TinyOptions['answer']][] = [
    ['signed with another key', 'SIGNATURE', answering({ action: 'APPROVE' }, 'stranger')],
    ['for another request', 'REQUEST_ID', answering({ action: 'APPROVE', requestId: 'x' })],
    ['without requestId', 'REQUEST_ID', answering({ action: 'APPROVE', requestId: undefined })],
    ['that ignores a signing request', 'ACTION', answering({ action: 'IGNORE' })],
    ['in lower case', 'ACTION', answering({ action: 'approve' })],
    ['without action', 'ACTION', answering({})],
    ['that is no token', 'ANSWER', (_, response) => void response.end('APPROVE')],
    ['in plain JSON where a token is due', 'ANSWER', plainAnswer({ action: 'APPROVE' })],
    [
      'by PS256',
      'SIGNATURE',
      async ({ body }, response) => {
        const { requestId } = claimsOf(body)
        response.end(await signAnswer({ requestId, action: 'APPROVE' }, 'handler', 'PS256'))
      },
    ],
    [
      'in quotes',
      'ANSWER',
      async ({ body }, response) => {
        const { requestId } = claimsOf(body)
        response.end(JSON.stringify(await signAnswer({ requestId, action: 'APPROVE' })))
      },
    ],
    ['of status 401', 'STATUS', (_, response) => void response.writeHead(401).end()],
    ['that never comes: reset', 'RESET', (_, response) => void response.destroy()],
    ['that is endless', 'ANSWER', (_, response) => void response.end('x'.repeat(1_100_000))],
  ]
  it.each(wrong)('%s fails as %s', async (_, kind, answer) => {
    const handler = await start(answer === undefined ? {} : { answer })
    pair(handler)
    expect(await callback()).toMatchObject({
      error: { kind },
      url: `${handler.url}/v2/tx_sign_request`,
      durationMs: expect.any(Number),
    })
  })

  it('that is late fails, and what is late is a matter of the deadline', async () => {
    const handler = await start({ answer: () => undefined })
    pair(handler)
    await emulator.chaos({ CALLBACK_DEADLINE_MS: 200 })
    const { error, durationMs } = await callback()
    expect(error).toEqual({ kind: 'TIMEOUT', message: 'no answer within 200 ms' })
    expect(durationMs).toBeGreaterThanOrEqual(195)
    expect(durationMs).toBeLessThan(25_000)
  })

  it('names its HTTP status when that is not 200', async () => {
    pair(await start({ answer: (_, response) => void response.writeHead(503).end() }))
    expect((await callback()).error?.status).toBe(503)
  })

  it('may ignore an approval and a configuration change', async () => {
    pair(await start({ answer: answering({ action: 'IGNORE' }) }))
    expect(await callback({ sample: 'eth-approval' })).toMatchObject({ action: 'IGNORE' })
    expect(await callback({ sample: 'add-user' })).toMatchObject({ action: 'IGNORE' })
  })

  it('may carry claims of time: they are ignored', async () => {
    pair(await start({ answer: answering({ action: 'APPROVE', exp: 1, iat: 0, more: true }) }))
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
  })

  it.each(['[]', 'nope', ''])('of %j in certificate mode fails as ANSWER', async (text) => {
    const handler = await start({ answer: (_, response) => void response.end(text) })
    pair(handler, 'certificate')
    expect((await callback()).error?.kind).toBe('ANSWER')
  })

  it('may be ES256 when the stored key is a P-256 key and the version knows it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const answer: TinyOptions['answer'] = async ({ body }, response) => {
      const { requestId } = claimsOf(body)
      const token = new SignJWT({ requestId, action: 'APPROVE' }).setProtectedHeader({
        alg: 'ES256',
      })
      response.end(await token.sign(privateKey))
    }
    const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const handler = await start({ answer })
    pair(handler, 'hybrid', { publicKey: spki })
    for (const [version, kind] of [
      ['2026.10.03 (October 2026)', undefined],
      ['2026.08.19', undefined],
      ['2027.01', undefined],
      ['2026.08.18', 'SIGNATURE'],
      ['2026.07.20 (July 2026)', 'SIGNATURE'],
      ['3.7.1', 'SIGNATURE'],
      ['', 'SIGNATURE'],
    ] as const) {
      await emulator.chaos({ COSIGNER_VERSION: version })
      expect([version, (await callback()).error?.kind]).toEqual([version, kind])
    }
    await emulator.chaos({ COSIGNER_VERSION: '2026.08.19' })
    pair(handler)
    expect((await callback()).error?.kind).toBe('SIGNATURE')
  })
})

describe('RETRY', () => {
  it('is asked again with identical bytes, until something else is said', async () => {
    let asked = 0
    const handler = await start({
      answer: (request, response) => {
        asked += 1
        return answering({ action: asked < 3 ? 'RETRY' : 'APPROVE' })(request, response)
      },
    })
    pair(handler)
    const wish = { sample: 'eth-transfer', retries: 5, retryAfterMs: 1 }
    expect(await callback(wish)).toMatchObject({ action: 'APPROVE', tries: 3 })
    expect(new Set(handler.received.map(({ body }) => body)).size).toBe(1)
  })

  it('can be re-signed with reordered members instead, and ends after the tries', async () => {
    const handler = await start({ answer: answering({ action: 'RETRY' }) })
    pair(handler)
    await emulator.chaos({ RETRY_RESEND: 're-signed' })
    const wish = { sample: 'eth-transfer', retries: 1, retryAfterMs: 1 }
    expect(await callback(wish)).toMatchObject({ action: 'RETRY', tries: 2 })
    const [first = '', second = ''] = handler.received.map(({ body }) => body)
    expect(second).not.toBe(first)
    expect(claimsOf(second)).toEqual(claimsOf(first))
    expect(Object.keys(claimsOf(second))).toEqual(Object.keys(claimsOf(first)).toReversed())
  })

  it('is reported at once when nobody asks to try again', async () => {
    pair(await start({ answer: answering({ action: 'RETRY', rejectionReason: 'later' }) }))
    expect(await callback()).toMatchObject({ action: 'RETRY', rejectionReason: 'later', tries: 1 })
  })
})

describe('a forgery', () => {
  it.each(FORGERIES)('%s does not verify, or is not a strict token', async (forge) => {
    const handler = await start({ answer: (_, response) => void response.writeHead(401).end() })
    pair(handler)
    const result = await callback({ sample: 'eth-transfer', forge })
    expect(result.error).toMatchObject({ kind: 'STATUS', status: 401 })
    const token = handler.received[0]?.body ?? ''
    const strict = /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)
    const key = readFileSync(emulator.cosignerPublicKeyPath, 'utf8')
    expect(strict && (await isSignedBy(token, key))).toBe(false)
    await testKey('handler')
  })
})

describe('the co-signer under chaos', () => {
  it('sends duplicates at the same time and notices different answers', async () => {
    let count = 0
    const handler = await start({
      answer: (request, response) => {
        count += 1
        return answering({ action: count % 2 === 0 ? 'APPROVE' : 'REJECT' })(request, response)
      },
    })
    pair(handler)
    await emulator.chaos({ DUP_CALLBACK_PCT: 100 })
    const result = await callback()
    expect(result.error?.kind).toBe('DISAGREE')
    expect(result['duplicate']).toMatchObject({ action: expect.any(String) })
    expect(new Set(handler.received.map(({ body }) => body)).size).toBe(1)
  })

  it('sends the approval stage first, with the same requestId and without the signing members', async () => {
    const handler = await start()
    pair(handler)
    await emulator.chaos({ STAGE_PAIR: true })
    expect(await callback()).toMatchObject({
      action: 'APPROVE',
      approvalStage: { action: 'APPROVE' },
    })
    const [approval, signing] = handler.received.map(({ body }) => claimsOf(body))
    expect(approval?.['requestId']).toBe(signing?.['requestId'])
    expect(['fee', 'rawTx'].filter((name) => name in (approval ?? {}))).toEqual([])
    expect(JSON.stringify(approval)).not.toContain('displayDstAddress')
  })

  it('spells the approval stage otherwise', async () => {
    const handler = await start()
    pair(handler)
    await emulator.chaos({ STAGE_PAIR: true, STAGE_SPELLING: 'other' })
    await callback()
    const [approval, signing] = handler.received.map(({ body }) => claimsOf(body))
    expect([approval?.['destAddress'], signing?.['destAddress']]).toEqual([
      '',
      '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8',
    ])
  })

  it('sends the legs of a batch: one transaction, several requests', async () => {
    const handler = await start()
    pair(handler)
    await emulator.chaos({ BATCH_LEGS: 3 })
    expect(await callback()).toMatchObject({
      action: 'APPROVE',
      legs: [{ action: 'APPROVE' }, { action: 'APPROVE' }],
    })
    const claims = handler.received.map(({ body }) => claimsOf(body))
    expect(new Set(claims.map(({ txId }) => txId)).size).toBe(1)
    expect(new Set(claims.map(({ requestId }) => requestId)).size).toBe(3)
  })

  it('sends members of other types than documented', async () => {
    const handler = await start()
    pair(handler)
    await emulator.chaos({ TYPE_DRIFT_PCT: 100 })
    await callback()
    expect(claimsOf(handler.received[0]?.body ?? '')).toMatchObject({ players: 'none', note: 7 })
  })

  it('adds members that no document mentions', async () => {
    const handler = await start()
    pair(handler)
    await emulator.chaos({ UNKNOWN_FIELDS_PCT: 100 })
    expect(await callback()).toMatchObject({ action: 'APPROVE' })
    expect(claimsOf(handler.received[0]?.body ?? '')).toHaveProperty('x_undocumented')
  })

  it.each([
    ['drip', 'APPROVE'],
    ['chunked', 'APPROVE'],
    ['expect', 'APPROVE'],
    ['mixed', 'APPROVE'],
  ])('reaches the handler as a client of style %s', async (style, action) => {
    const handler = await start()
    pair(handler)
    await emulator.chaos({ SLOW_CLIENT: 100, SLOW_CLIENT_STYLE: style })
    expect(await callback()).toMatchObject({ action })
    const { headers } = handler.received[0] ?? {}
    if (style === 'chunked') expect(headers?.['transfer-encoding']).toBe('chunked')
    if (style === 'expect') expect(headers?.expect).toBe('100-continue')
  })

  it('that closes its side first gets no answer from node:http, which is how it is documented', async () => {
    pair(await start())
    await emulator.chaos({ SLOW_CLIENT: 100, SLOW_CLIENT_STYLE: 'half-close' })
    expect((await callback()).error?.kind).toBe('RESET')
  })

  it('takes turns between two machines, each with its own request key', async () => {
    const handler = await start()
    pair(handler)
    await emulator.chaos({ HA_COSIGNERS: 2 })
    const machines = [await callback(), await callback()].map(({ machine }) => String(machine))
    expect(machines).toEqual(['cosigner-1-a', 'cosigner-1-b'])
    for (const [at, { body }] of handler.received.entries()) {
      const pem = readFileSync(`${emulator.cosignerPublicKeysDir}/${machines[at]}.pem`, 'utf8')
      expect(await isSignedBy(body, pem)).toBe(true)
    }
    expect(await callback({ sample: 'eth-transfer', machine: 1 })).toMatchObject({
      machine: 'cosigner-1-b',
    })
  })

  it('with a torn configuration calls the old url and wants the new key, or the reverse', async () => {
    const handler = await start({
      path: '/old',
      answer: async (request, response) => {
        // The switch happens while this answer is being made.
        configure({ ...newer }, Date.now() - 1)
        await answering({ action: 'APPROVE' })(request, response)
      },
    })
    const newer = {
      url: handler.url.replace('/old', '/new'),
      publicKey: (await testKey('stranger')).publicKeyPem,
      cert: handler.certificatePem,
    }
    // And here it happens between the two looks at it.
    const sleep: Sleep = async (ms, signal) => {
      if (ms === 7_777) configure(newer, Date.now() - 1)
      else await systemSleep(ms, signal)
    }
    await emulator.stop()
    emulator = await startEmulator({ seed: 11, sleep })
    pair(handler)
    await emulator.chaos({ TORN_CONFIG: 'old-url-new-key' })
    expect(await callback()).toMatchObject({
      error: { kind: 'SIGNATURE' },
      url: expect.stringContaining('/old/'),
    })

    const pairing = emulator.inner.pairings.values().next().value
    for (const changes of pairing?.used ?? []) changes.length = 0
    pair(handler)
    await emulator.chaos({ TORN_CONFIG: 'new-url-old-key', TORN_GAP_MS: 7_777 })
    expect(await callback()).toMatchObject({
      action: 'APPROVE',
      url: expect.stringContaining('/new/'),
    })
  })
})
