/** Hooks against real services on loopback: kind ones, slow ones, dead ones and liars. */
import { generateKeyPairSync, sign } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { compactVerify, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from '@jest/globals'
import { systemClock, systemAfter } from '../../../common/clock.ts'
import { FAILURES_TO_OPEN, OPEN_MS } from '../../../handler/hooks/breaker.ts'
import { ANSWER_PREFIX, MAX_ANSWER_BYTES } from '../../../handler/hooks/answer.ts'
import { createHttpHooks } from '../../../handler/hooks/http.ts'
import type { HttpHooksDeps } from '../../../handler/hooks/http.ts'
import type { Hook } from '../../../handler/policy/compile/hooks.ts'
import { signToken } from '../../../handler/protocol/token.ts'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { hookService, says } from '../../fixtures/hook-service.ts'
import type { HookService } from '../../fixtures/hook-service.ts'
import { testKey } from '../../fixtures/keys.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'
import { decimal, destination, jsonObject, txRequest } from '../../fixtures/tx-request.ts'

const REQUEST = txRequest({
  asset: 'ETH',
  amount: decimal('1.50'),
  note: null,
  destinations: [destination({ dstAddress: '0xabc', amountUSD: decimal('12.5') })],
  extraParameters: jsonObject({ nonce: 7, deep: [{ on: true }] }),
})

async function hooks(changes: Partial<HttpHooksDeps> = {}) {
  const { signer } = await testKey('handler')
  const told: unknown[] = []
  const caller = createHttpHooks({
    fetch,
    sign: (generation, claims, typ) => signToken(signer, { ...claims, by: generation }, typ),
    verifySignature: createSignatureVerifier(),
    clock: systemClock,
    after: systemAfter,
    called: (...what) => told.push(what),
    ...changes,
  })
  const call = (service: Pick<HookService, 'url'>, more: Partial<Hook> = {}, jti = 'd-1') =>
    caller.call('screening', REQUEST, NEVER, {
      terms: { ...termsOf(service.url), ...more },
      deliveryId: jti,
      generation: 3,
      cosigner: 'vault',
      rule: 'small',
      unknown: [],
    })
  return { caller, call, told }
}

const NEVER = new AbortController().signal

function termsOf(url: string): Hook {
  return {
    name: 'screening',
    url,
    timeoutMs: 20_000,
    budgetMs: 60_000,
    fallback: 'REJECT',
    keyId: undefined,
  }
}

describe('a call', () => {
  it('posts the request as a token of its own type, signed with the key of the generation', async () => {
    const service = await hookService()
    const { call, told } = await hooks()
    const before = Math.floor(Date.now() / 1_000)
    expect(await call(service)).toBe('allow')
    expect(told).toEqual([['screening', 'allow', undefined]])
    const [seen] = service.calls
    expect(seen).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/jwt' } })
    const token = seen?.body ?? ''
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', typ: 'countersign-hook' })
    const { payload } = await compactVerify(token, (await testKey('handler')).publicKey)
    const claims = JSON.parse(Buffer.from(payload).toString()) as { iat: number; exp: number }
    expect(claims).toEqual({
      iss: 'countersign',
      aud: service.url,
      iat: claims.iat,
      exp: claims.iat + 60,
      jti: 'd-1',
      hook: 'screening',
      generation: 3,
      by: 3,
      cosigner: 'vault',
      rule: 'small',
      unknown: [],
      request: {
        endpoint: 'tx_sign_request',
        stage: 'signing',
        requestId: 'r-1',
        txId: 't-1',
        unknownMembers: [],
        operation: 'TRANSFER',
        sourceType: 'VAULT',
        sourceId: '0',
        asset: 'ETH',
        amount: '1.5',
        note: null,
        destinations: [{ dstAddress: '0xabc', amountUSD: '12.5' }],
        extraParameters: { nonce: '7', deep: [{ on: true }] },
      },
    })
    expect(claims.iat).toBeGreaterThanOrEqual(before)
  })

  it('can be denied', async () => {
    const { call, told } = await hooks()
    expect(await call(await hookService(says({ decision: 'deny', reason: 'x' })))).toBe('deny')
    expect(told).toEqual([['screening', 'deny', undefined]])
  })

  it('is not made for a hook that the policy does not declare', async () => {
    const { caller } = await hooks()
    const context = {
      terms: undefined,
      deliveryId: 'd',
      generation: 1,
      cosigner: '',
      rule: 'r',
      unknown: [],
    }
    expect(await caller.call('x', REQUEST, NEVER, context)).toBe('no-answer')
  })
})

describe('a service that does not answer clearly', () => {
  const huge = JSON.stringify({ decision: 'allow', pad: 'x'.repeat(MAX_ANSWER_BYTES) })
  const cases: [string, (response: ServerResponse) => void, string][] = [
    ['says yes in another way', says({ decision: 'ALLOW' }), 'neither `allow` nor `deny`'],
    ['says both', (r) => r.end('{"decision":"deny","decision":"allow"}'), 'not a JSON object'],
    ['says nothing', (r) => r.end(), 'not a JSON object'],
    ['answers a list', says(['allow']), 'not a JSON object'],
    [
      'allows with another status',
      (r) => r.writeHead(201).end('{"decision":"allow"}'),
      'status 201',
    ],
    ['fails', (r) => r.writeHead(500).end('{"decision":"allow"}'), 'status 500'],
    [
      'redirects to one that allows',
      (r) => r.writeHead(307, { Location: '/allow' }).end(),
      'status 307',
    ],
    ['answers without end', (r) => r.end(huge), `more than ${MAX_ANSWER_BYTES} bytes`],
    ['hangs up', (r) => r.destroy(), 'UND_ERR_SOCKET'],
    ['stays silent', () => undefined, 'no answer within 150 ms'],
    ['stops half way', (r) => r.write('{"decision":'), 'no answer within 150 ms'],
  ]
  it.each(cases)('%s', async (_, answer, detail) => {
    const service = await hookService((response, { method }) => {
      if (method === 'POST') answer(response)
    })
    const { call, told } = await hooks()
    const timeoutMs = detail.includes('150 ms') ? 150 : 20_000
    expect(await call(service, { timeoutMs })).toBe('no-answer')
    expect(told).toEqual([['screening', 'no-answer', detail]])
    expect(service.calls.length).toBe(1)
  })

  it('is dead', async () => {
    const service = await hookService()
    await service.close()
    const { call, told } = await hooks()
    expect(await call(service)).toBe('no-answer')
    expect(told).toEqual([['screening', 'no-answer', 'ECONNREFUSED']])
  })

  it('is given up when the deadline of the request comes', async () => {
    const service = await hookService(() => undefined)
    const { caller, told } = await hooks()
    const given = new AbortController()
    const answer = caller.call('screening', REQUEST, given.signal, {
      terms: termsOf(service.url),
      deliveryId: 'd',
      generation: 1,
      cosigner: '',
      rule: 'r',
      unknown: [],
    })
    setTimeout(() => given.abort(), 50)
    expect(await answer).toBe('no-answer')
    expect(told).toEqual([['screening', 'no-answer', 'the deadline of the request has come']])
  })

  it('is not asked when the call cannot be signed', async () => {
    const service = await hookService()
    const { call } = await hooks({ sign: () => Promise.reject(new Error('no key')) })
    expect(await call(service)).toBe('no-answer')
    expect(service.calls).toEqual([])
  })
})

describe('a signed answer', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keyed = {
    keyId: 'screening',
    answerKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
  const signed = (body: string, prefix = ANSWER_PREFIX) => {
    const signature = sign(null, Buffer.from(prefix + body), privateKey).toString('base64')
    return (response: ServerResponse) =>
      void response.setHeader('Countersign-Signature', signature).end(body)
  }

  it('counts when it is signed for this call', async () => {
    const { call } = await hooks()
    expect(await call(await hookService(signed('{"decision":"allow","jti":"d-1"}')), keyed)).toBe(
      'allow',
    )
  })

  it.each([
    ['is not signed', says({ decision: 'allow', jti: 'd-1' }), 'not signed by its key'],
    [
      'is signed for another call',
      signed('{"decision":"allow","jti":"d-2"}'),
      'signed for another call',
    ],
    ['is signed without a call', signed('{"decision":"allow"}'), 'signed for another call'],
    [
      'is signed as something else',
      signed('{"decision":"allow","jti":"d-1"}', ''),
      'not signed by its key',
    ],
  ])('does not when it %s', async (_, answer, detail) => {
    const { call, told } = await hooks()
    expect(await call(await hookService(answer), keyed)).toBe('no-answer')
    expect(told).toEqual([['screening', 'no-answer', detail]])
  })
})

describe('the breaker', () => {
  it('leaves a failing service alone, then probes it with one call', async () => {
    const clock = settableClock()
    const service = await hookService((response) => void response.writeHead(503).end())
    const { caller, call, told } = await hooks({ clock })
    for (let n = 0; n < FAILURES_TO_OPEN; n += 1) await call(service)
    expect(caller.open()).toEqual(['screening'])
    expect(await call(service)).toBe('no-answer')
    expect(told.at(-1)).toEqual(['screening', 'broken', 'its breaker is open'])
    expect(service.calls.length).toBe(FAILURES_TO_OPEN)
    clock.advance(OPEN_MS)
    service.answer = says({ decision: 'allow' })
    expect(await Promise.all([call(service), call(service)])).toEqual(['allow', 'no-answer'])
    expect(service.calls.length).toBe(FAILURES_TO_OPEN + 1)
    expect([caller.open(), await call(service)]).toEqual([[], 'allow'])
  })

  it('opens again when the probe fails, and starts anew for another address', async () => {
    const clock = settableClock()
    const service = await hookService((response) => void response.writeHead(503).end())
    const other = await hookService()
    const { caller, call } = await hooks({ clock })
    for (let n = 0; n < FAILURES_TO_OPEN; n += 1) await call(service)
    clock.advance(OPEN_MS)
    await call(service)
    await call(service)
    expect(service.calls.length).toBe(FAILURES_TO_OPEN + 1)
    expect(await call(other)).toBe('allow')
    expect(caller.open()).toEqual([])
  })

  it('does not count refusals', async () => {
    const service = await hookService(says({ decision: 'deny' }))
    const { caller, call } = await hooks()
    for (let n = 0; n <= FAILURES_TO_OPEN; n += 1) await call(service)
    expect(caller.open()).toEqual([])
    expect(service.calls.length).toBe(FAILURES_TO_OPEN + 1)
  })
})
