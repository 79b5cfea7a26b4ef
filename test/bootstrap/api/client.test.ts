/** The API client against servers that misbehave, over real sockets; only the clock and the waits are made up. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { jwtVerify } from 'jose'
import { createApiClient, MAX_RETRIES, sameOriginPath } from '../../../bootstrap/api/client.ts'
import type { ApiClient } from '../../../bootstrap/api/client.ts'
import { backoffMs, pollMs, retryAfterMs } from '../../../bootstrap/api/retry.ts'
import { DEFAULT_LIMITS, nodeTransport } from '../../../bootstrap/api/transport.ts'
import { BootstrapError } from '../../../bootstrap/errors.ts'
import { testKey } from '../../fixtures/keys.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

const NOW = new Date('2026-11-02T09:00:00Z')
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(...answers: Answer[]) {
  const seen: { request: IncomingMessage; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      seen.push({ request, body })
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      answer?.(request, response, body)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { basePath: `http://127.0.0.1:${port}/v1`, seen }
}

async function client(basePath: string, limits = {}) {
  const waits: number[] = []
  const { privateKey } = await testKey('api caller')
  const api = createApiClient({
    basePath,
    apiKey: 'me',
    privateKey,
    transport: nodeTransport({ ...DEFAULT_LIMITS, ...limits }),
    clock: { now: () => NOW, monotonicMs: () => 0 },
    sleep: async (ms) => {
      waits.push(ms)
    },
    random: () => 0.5,
    uuid: () => 'nonce',
  })
  return { api, waits }
}

const json = (status: number, value: unknown, headers = {}): Answer => {
  return (_request, response) => {
    response.writeHead(status, { date: NOW.toUTCString(), 'x-request-id': 'req-1', ...headers })
    response.end(JSON.stringify(value))
  }
}
const raw = (status: number, body: string, headers = {}): Answer => {
  return (_request, response) => {
    response.writeHead(status, headers)
    response.end(body)
  }
}
const hangUp: Answer = (request) => {
  request.socket.destroy()
}

async function failureOf(call: Promise<unknown>): Promise<BootstrapError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof BootstrapError) return error
  throw new Error(`expected a failure, got ${String(error)}`)
}

const put = (api: ApiClient, key: string | undefined = 'k') =>
  api.write({
    method: 'PUT',
    path: '/x',
    body: '{"a":1}',
    ...(key === undefined ? {} : { idempotencyKey: key }),
  })
const patch = (api: ApiClient) => api.write({ method: 'PATCH', path: '/x', body: '{}' })

describe('a signed request', () => {
  it('binds URI, query and body, and lives less than 30 s', async () => {
    const { basePath, seen } = await serve(json(200, {}))
    const { api } = await client(basePath)
    await api.get('/things?pageSize=1&name=a%20b')
    await put(api)
    const { publicKey } = await testKey('api caller')
    const [get, write] = await Promise.all(
      seen.map(async ({ request }) => {
        const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
        return jwtVerify(token, publicKey, { currentDate: NOW, typ: 'JWT' })
      }),
    )
    const iat = NOW.getTime() / 1000
    const sha = (text: string) => createHash('sha256').update(text).digest('hex')
    expect(get?.payload).toEqual({
      uri: '/v1/things?pageSize=1&name=a%20b',
      nonce: 'nonce',
      iat,
      exp: iat + 28,
      sub: 'me',
      bodyHash: sha(''),
    })
    expect(write?.payload).toMatchObject({ uri: '/v1/x', bodyHash: sha('{"a":1}') })
    expect(write?.protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(seen[0]?.request.headers).not.toHaveProperty('content-type')
    expect(seen[1]?.request.headers).toMatchObject({ 'x-api-key': 'me', 'idempotency-key': 'k' })
  })
})

describe('a refusal', () => {
  it.each([
    ['flat', { message: 'Bad key', code: -7 }, -7],
    ['older', { message: 'Bad key', error_code: -7 }, -7],
    ['nested', { error: { type: 'AUTHENTICATION', message: 'Bad key' } }, undefined],
  ])('shows the %s message, the code and the X-Request-ID', async (_shape, body, vendorCode) => {
    const { basePath } = await serve(json(401, body))
    const { api } = await client(basePath)
    const error = await failureOf(api.get('/x'))
    expect(error.code).toBe('ERR_API_REFUSED')
    expect(error.message).toContain('Bad key')
    expect(error.message).toContain('`req-1`')
    expect(error.api).toMatchObject({ kind: 'refused', status: 401, requestId: 'req-1' })
    expect(error.api?.vendorCode).toBe(vendorCode)
    expect(error.hint).toBeDefined()
  })

  it.each([-10, -12])('names the clock that is off on code %i', async (code) => {
    const date = new Date(NOW.getTime() + 95_000).toUTCString()
    const { basePath } = await serve(json(401, { message: 'time', code }, { date }))
    const { api } = await client(basePath)
    expect((await failureOf(api.get('/x'))).hint).toContain('95 s behind')
    expect(api.skewMs()).toBe(95_000)
  })

  it('does not call text an HTML page that has a `<` in it', async () => {
    const { basePath } = await serve(raw(404, 'a < b'))
    const { api } = await client(basePath)
    expect((await failureOf(api.find('/x'))).message).toContain('a body that is not JSON')
  })

  it('suspects the base path when an HTML page says 404', async () => {
    const { basePath } = await serve(raw(404, '<html>nginx</html>'))
    const { api } = await client(basePath)
    const error = await failureOf(api.find('/x'))
    expect(error.message).toContain('an HTML page instead of JSON')
    expect(error.hint).toContain('/v1')
  })

  it('is an absence when the API itself says 404', async () => {
    const { basePath } = await serve(json(404, { message: 'not found' }))
    const { api } = await client(basePath)
    expect(await api.find('/x')).toBeUndefined()
    expect((await failureOf(api.get('/x'))).code).toBe('ERR_API_REFUSED')
  })

  it('cannot break the line it is shown on', async () => {
    const { basePath } = await serve(json(400, { message: 'a\nb\u001B[31mc\u202Ed' }))
    const { api } = await client(basePath)
    expect((await failureOf(api.get('/x'))).message).toContain('a b [31mc d')
  })
})

describe('an answer that is none', () => {
  it.each([
    ['HTML with 200', raw(200, '<html>login</html>'), 'ERR_API_UNAVAILABLE'],
    ['a redirect', raw(302, '', { location: 'https://evil.test/' }), 'ERR_API_UNAVAILABLE'],
  ])('%s is refused, once', async (_name, answer, code) => {
    const { basePath, seen } = await serve(answer)
    const { api } = await client(basePath)
    expect((await failureOf(api.get('/x'))).code).toBe(code)
    expect(seen).toHaveLength(1)
  })

  it('an empty body with 200 is fine: creating a user answers so', async () => {
    const { basePath } = await serve(raw(200, ''))
    const { api } = await client(basePath)
    expect(await put(api)).toMatchObject({ status: 200, body: undefined })
  })

  it('slow headers and endless bodies are cut', async () => {
    const { basePath } = await serve(() => undefined)
    const { api } = await client(basePath, { headersMs: 50 })
    expect(await failureOf(patch(api))).toMatchObject({
      code: 'ERR_NETWORK',
      api: { kind: 'no-answer' },
    })
    const drip = await serve((_request, response) => {
      response.writeHead(200)
      response.write('{')
    })
    const slow = await client(drip.basePath, { totalMs: 80 })
    expect((await failureOf(patch(slow.api))).message).toContain('no complete answer')
    const huge = await serve(raw(200, 'x'.repeat(2000)))
    const small = await client(huge.basePath, { maxBodyBytes: 1000 })
    expect((await failureOf(patch(small.api))).message).toContain('larger than 1000 bytes')
  })
})

describe('trying again', () => {
  it('GET survives lost answers and 5xx', async () => {
    const { basePath, seen } = await serve(hangUp, raw(503, ''), json(200, { ok: 1 }))
    const { api, waits } = await client(basePath)
    expect((await api.get('/x')).body).toEqual({ ok: 1 })
    expect(seen).toHaveLength(3)
    expect(waits).toEqual([500, 1000])
  })

  it('GET gives up after its retries', async () => {
    const { basePath, seen } = await serve(raw(500, ''))
    const { api } = await client(basePath)
    expect((await failureOf(api.get('/x'))).code).toBe('ERR_API_UNAVAILABLE')
    expect(seen).toHaveLength(MAX_RETRIES.network + 1)
  })

  it('PUT repeats a lost answer with the same key, and never a 5xx', async () => {
    const lost = await serve(hangUp, json(202, { id: 'x' }))
    const one = await client(lost.basePath)
    expect((await put(one.api)).status).toBe(202)
    const keys = lost.seen.map(({ request }) => request.headers['idempotency-key'])
    expect(keys).toEqual(['k', 'k'])
    const failing = await serve(raw(502, '<html>'))
    const two = await client(failing.basePath)
    expect((await failureOf(put(two.api))).api?.kind).toBe('server-error')
    expect(failing.seen).toHaveLength(1)
  })

  it('a refusal after a lost answer is marked as doubtful', async () => {
    const { basePath } = await serve(hangUp, json(409, { message: 'pending' }))
    const { api } = await client(basePath)
    expect((await failureOf(put(api))).api).toMatchObject({ kind: 'refused', inDoubt: true })
  })

  it('PATCH and keyless PUT are sent once when the answer is lost', async () => {
    const { basePath, seen } = await serve(hangUp)
    const { api } = await client(basePath)
    expect((await failureOf(patch(api))).api?.kind).toBe('no-answer')
    expect((await failureOf(api.write({ method: 'PUT', path: '/x' }))).api?.kind).toBe('no-answer')
    expect(seen).toHaveLength(2)
  })

  it('PATCH is tried again when nothing was sent', async () => {
    const { basePath } = await serve(json(200, {}))
    servers.splice(0).forEach((server) => server.close())
    const { api, waits } = await client(basePath)
    expect((await failureOf(patch(api))).api?.kind).toBe('not-sent')
    expect(waits).toHaveLength(MAX_RETRIES.network)
  })

  it('429 waits as long as it is told, in seconds or until a date', async () => {
    const date = new Date(NOW.getTime() + 30_000).toUTCString()
    const { basePath } = await serve(
      json(429, {}, { 'retry-after': '7' }),
      json(429, {}, { 'retry-after': date }),
      json(429, {}),
      json(202, {}),
    )
    const { api, waits } = await client(basePath)
    expect((await patch(api)).status).toBe(202)
    expect(waits).toEqual([7_000, 30_000, 8_000])
  })

  it('429 without end is a failing API, and nothing has happened', async () => {
    const { basePath, seen } = await serve(json(429, { message: 'slow down' }))
    const { api } = await client(basePath)
    const error = await failureOf(put(api))
    expect(error).toMatchObject({ code: 'ERR_API_UNAVAILABLE', api: { kind: 'refused' } })
    expect(seen).toHaveLength(MAX_RETRIES.rateLimit + 1)
  })
})

describe('a location', () => {
  const base = 'https://api.test/v1'
  it.each([
    ['/v1/cosigners/a/api_keys/b/12', '/v1/cosigners/a/api_keys/b/12'],
    ['https://api.test/v1/x/1?y=2', '/v1/x/1?y=2'],
    ['https://evil.test/v1/x/1', undefined],
    ['//evil.test/v1', undefined],
    ['http://api.test/v1/x', undefined],
    ['https://[', undefined],
  ])('%s leads to %s', (location, path) => {
    expect(sameOriginPath(location, base)).toBe(path)
  })

  it('of another origin is never called', async () => {
    const { api } = await client(base)
    await expect(async () => api.follow('https://evil.test/v1/x')).rejects.toThrow(RangeError)
  })
})

describe('waiting times', () => {
  it('back off with full jitter from 1 s to 60 s', () => {
    expect([0, 1, 5, 6, 30].map((attempt) => backoffMs(attempt, 0.999_999_9))).toEqual([
      1000, 2000, 32_000, 60_000, 60_000,
    ])
    expect(backoffMs(9, 0)).toBe(0)
  })

  it('read Retry-After and cap it at 10 minutes', () => {
    const read = (text: string | undefined) => retryAfterMs(text, NOW)
    expect([undefined, 'soon', '-1', '0', ' 5 ', '999999'].map(read)).toEqual([
      undefined,
      undefined,
      expect.any(Number),
      0,
      5000,
      600_000,
    ])
    expect(read('Mon, 02 Nov 2026 08:00:00 GMT')).toBe(0)
  })

  it('poll from 1 s to 60 s', () => {
    expect([0, 1, 20].map((poll) => pollMs(poll, 0.5))).toEqual([1000, 1500, 60_000])
  })
})
