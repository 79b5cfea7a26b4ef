/** The web edge on a real socket: constant refusals, exact targets, bounded bodies, Express with its prototypes pre-set. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import express from 'express'
import supertest from 'supertest'
import { systemClock } from '../../../common/clock.ts'
import { createAdmission } from '../../../handler/edge/admission.ts'
import { createApp } from '../../../handler/edge/app.ts'
import type { App, AppDeps } from '../../../handler/edge/app.ts'
import { createByteBudget } from '../../../handler/edge/byte-budget.ts'
import { CallbackError } from '../../../handler/protocol/errors.ts'
import type { CallbackErrorCode } from '../../../handler/protocol/errors.ts'
import type { RefusedEvent } from '../../../handler/callback/ports.ts'
import { routesFor } from '../../../handler/protocol/endpoints.ts'
import { until } from '../../fixtures/handler.ts'

const PATH = '/g1/v2/tx_sign_request'
const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

interface Edge {
  readonly port: number
  readonly server: Server
  readonly refused: RefusedEvent[]
  readonly answered: number[]
  readonly otherMode: string[]
}

async function edge(changes: Partial<AppDeps> = {}): Promise<Edge> {
  const refused: RefusedEvent[] = []
  const answered: number[] = []
  const otherMode: string[] = []
  const served = [1, 2].map((generation) => ({ basePath: '/cb', generation }))
  const routes = routesFor('token', [{ basePath: '', generation: 1 }, ...served])
  const gate = createAdmission({ clock: systemClock, cores: 2, maxWaitMs: 1_000 }).of({})
  const app = createApp({
    answer: async ({ body }) => ({ contentType: 'application/jwt', body: `seen ${body.length}` }),
    routes: () => routes,
    stateOf: (generation) => (generation === 2 ? 'retired' : 'live'),
    gateOf: () => gate,
    budget: createByteBudget(100_000),
    maxBodyBytes: 10_000,
    clock: systemClock,
    timeLeftMs: () => 25_000,
    draining: () => false,
    log: {
      decided: () => undefined,
      refused: (event) => refused.push(event),
      inconsistent: () => undefined,
      alarm: () => undefined,
    },
    otherMode: (target) => otherMode.push(target),
    answered: (status) => answered.push(status),
    ...changes,
  })
  const server = await listening(app)
  return { port: (server.address() as AddressInfo).port, server, refused, answered, otherMode }
}

async function listening({ classes, listener }: App): Promise<Server> {
  const server = createServer(classes, listener).on('checkContinue', listener)
  servers.push(server)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

function failing(code: CallbackErrorCode): Partial<AppDeps> {
  return { answer: () => Promise.reject(new CallbackError(code, `secret detail of ${code}`)) }
}

/** Sends bytes as they are and returns all that comes back until the connection ends. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(text))
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      seen += chunk
    })
    socket.on('close', () => resolve(seen))
    socket.on('error', reject)
  })
}

describe('an idle connection', () => {
  // A connection was closed at the very second that the header had promised, under a request that was on its way.
  it('is kept longer than its header says', async () => {
    const { server, port } = await edge()
    server.keepAliveTimeout = 60_000
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`)
    })
    const [head] = (await once(socket, 'data')) as [Buffer]
    expect(head.toString('latin1')).toContain('\r\nKeep-Alive: timeout=60\r\n')
    const { timeout } = await accepted
    expect(timeout).toBeGreaterThanOrEqual(65_000)
    socket.destroy()
  })
})

describe('an answer', () => {
  it('is the body as it is, with no header that says more than it must', async () => {
    const { server, answered } = await edge()
    const response = await supertest(server).post(PATH).buffer(true).send('abc')
    expect([response.status, response.headers]).toEqual([
      200,
      {
        'content-type': 'application/jwt',
        'content-length': '6',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        connection: 'close',
      },
    ])
    expect(response.text).toBe('seen 3')
    expect(answered).toEqual([200])
  })

  it.each(['application/jwt', 'application/json', 'text/plain; charset=utf-7', 'x/y', ''])(
    'does not depend on the content type %j',
    async (type) => {
      const { port } = await edge()
      const head = `POST ${PATH} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n`
      const typed = type === '' ? '' : `Content-Type: ${type}\r\n`
      const seen = await raw(port, `${head}${typed}Content-Length: 2\r\n\r\n{}`)
      expect(seen).toMatch(/^HTTP\/1\.1 200 OK/)
    },
  )

  it('closes its connection while the handler shuts down', async () => {
    const { port } = await edge({ draining: () => true })
    const seen = await raw(port, `POST ${PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n`)
    expect(seen).toContain('Connection: close')
  })

  it('is invited by 100 Continue only when the body is wanted', async () => {
    const { port } = await edge()
    const ask = (length: number) =>
      raw(
        port,
        `POST ${PATH} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\nab`,
      )
    expect(await ask(2)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    expect(await ask(10_001)).toMatch(/^HTTP\/1\.1 413 /)
  })
})

describe('a refusal', () => {
  it('of anything unverified is the same 401 to the byte', async () => {
    const codes: CallbackErrorCode[] = [
      'ERR_BODY_MISSING',
      'ERR_TOKEN_MALFORMED',
      'ERR_TOKEN_ALGORITHM',
      'ERR_TOKEN_SIGNATURE',
      'ERR_TOKEN_TIME',
    ]
    const seen = new Set<string>()
    for (const [index, code] of codes.entries()) {
      const { port, refused } = await edge(failing(code))
      const body = 'x'.repeat(index * 100)
      const head = `POST ${PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`
      seen.add(await raw(port, head + body))
      expect(refused.map(({ error }) => (error as CallbackError).code)).toEqual([code])
    }
    expect([...seen]).toEqual([
      [
        'HTTP/1.1 401 Unauthorized',
        'Connection: keep-alive',
        'Keep-Alive: timeout=5',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Length: 13',
        'Cache-Control: no-store',
        'X-Content-Type-Options: nosniff',
        '',
        'unauthorized\n',
      ].join('\r\n'),
    ])
  })

  it.each([
    ['ERR_REQUEST_UNIDENTIFIED', 400, 'bad request\n'],
    ['ERR_SIGNING_UNAVAILABLE', 503, 'service unavailable\n'],
    ['ERR_OVERLOADED', 503, 'service unavailable\n'],
  ] as const)('for %s is a bare %d', async (code, status, text) => {
    const { server } = await edge(failing(code))
    const response = await supertest(server).post(PATH).send('x')
    expect([response.status, response.text]).toEqual([status, text])
  })

  it('for a bug is a bare 500, and the log has the error', async () => {
    const bug = new TypeError('x is not a function')
    const { server, refused } = await edge({ answer: () => Promise.reject(bug) })
    const response = await supertest(server).post(PATH).send('x')
    expect([response.status, response.text]).toEqual([500, 'internal error\n'])
    expect(refused.map(({ error }) => error)).toEqual([bug])
  })

  // Nothing can be said any more: an answer that was begun must not end like one that is whole.
  it('for a bug after the head has left is a connection that ends', async () => {
    const bug = new TypeError('the body broke')
    const { server, refused } = await edge()
    server.prependListener('request', (_, response: ServerResponse) => {
      response.end = () => {
        throw bug
      }
    })
    await expect(supertest(server).post(PATH).send('x').timeout(5_000)).rejects.toMatchObject({
      code: 'ECONNRESET',
    })
    expect(refused.map(({ error }) => error)).toEqual([bug])
  })

  it.each([
    '/',
    '//g1/v2/tx_sign_request',
    '/g1//v2/tx_sign_request',
    '/g1/v2/tx_sign_request/',
    '/g1/v2/tx_sign_request?',
    '/g1/v2/tx_sign_request?x=1',
    '/g1/v2/tx_sign_request#x',
    '/g1/v2/%74x_sign_request',
    '/g1/%2e%2e/g1/v2/tx_sign_request',
    '/g1/../g1/v2/tx_sign_request',
    '/G1/v2/tx_sign_request',
    '/g01/v2/tx_sign_request',
    '/g3/v2/tx_sign_request',
    '/g1/v2/v2/tx_sign_request',
    'http://h/g1/v2/tx_sign_request',
    'http://[/g1/v2/tx_sign_request',
    '*',
    '/%',
  ])('of the target %s is a 404', async (target) => {
    const { port, refused } = await edge()
    const seen = await raw(
      port,
      `POST ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
    expect(seen).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[\s\S]*\r\n\r\nnot found\n$/)
    expect(refused).toHaveLength(1)
  })

  it.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])(
    'of the method %s is a 404',
    async (method) => {
      const { port } = await edge()
      const seen = await raw(
        port,
        `${method} ${PATH} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
      )
      expect(seen).toMatch(/^HTTP\/1\.1 404 /)
    },
  )

  it.each([
    ['two hosts', 'HTTP/1.1\r\nHost: a\r\nHost: b'],
    ['no host', 'HTTP/1.0\r\nX-Host: a'],
  ])('for %s is a 400', async (_what, head) => {
    const { port } = await edge()
    const seen = await raw(
      port,
      `POST ${PATH} ${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
    expect(seen).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*bad request\n$/)
  })

  it('for a retired generation is a 410 that the log names', async () => {
    const { server, refused } = await edge()
    const response = await supertest(server).post('/cb/g2/v2/tx_sign_request').send('x')
    expect([response.status, response.text]).toEqual([410, 'gone\n'])
    expect(refused[0]).toMatchObject({ generation: 2, endpoint: 'tx_sign_request' })
  })

  it('on a path of the other mode is a 404 with a word on who calls', async () => {
    const { server, otherMode } = await edge()
    expect((await supertest(server).post('/g1/tx_sign_request').send('{}')).status).toBe(404)
    expect((await supertest(server).get('/g1/tx_sign_request')).status).toBe(404)
    expect(otherMode).toEqual(['/g1/tx_sign_request'])
  })

  it('for a content encoding is a 415', async () => {
    const { server } = await edge()
    const post = (encoding: string) =>
      supertest(server).post(PATH).set('Content-Encoding', encoding).send('x')
    expect([(await post('gzip')).status, (await post('identity')).status]).toEqual([415, 200])
  })

  it('without time left is a 503 before the body is read', async () => {
    const { port } = await edge({ timeLeftMs: () => -1 })
    const head = `POST ${PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n`
    const seen = await raw(port, head)
    expect(seen).toMatch(/^HTTP\/1\.1 503 [\s\S]*Connection: close[\s\S]*service unavailable\n$/)
  })

  it('without time left keeps the connection when little of the body is missing', async () => {
    const { port } = await edge({ timeLeftMs: () => -1 })
    const request = `POST ${PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc`
    const last = request.replace('Host: h', 'Host: h\r\nConnection: close')
    const seen = await raw(port, `${request}${request}${last}`)
    expect(seen.match(/HTTP\/1\.1 503 /g)).toHaveLength(3)
  })

  it('without time left closes the connection of a body without a length', async () => {
    const { port } = await edge({ timeLeftMs: () => -1 })
    const head = `POST ${PATH} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n`
    expect(await raw(port, head)).toMatch(/^HTTP\/1\.1 503 [\s\S]*Connection: close/)
  })
})

describe('the trace that a caller names', () => {
  const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

  it.each([
    ['as W3C writes it', TRACE, TRACE],
    ['of zeros', '00-00000000000000000000000000000000-00f067aa0ba902b7-01', undefined],
    ['without a parent', '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', undefined],
    ['in capitals', TRACE.toUpperCase(), undefined],
    ['with more behind it', `${TRACE}-secret`, undefined],
    ['of another version', TRACE.replace('00', 'ff'), undefined],
    ['twice', `${TRACE}, ${TRACE}`, undefined],
    ['that is text', 'password', undefined],
  ])('%s', async (_name, traceparent, logged) => {
    const { server, refused } = await edge(failing('ERR_TOKEN_MALFORMED'))
    await supertest(server).post(PATH).set('traceparent', traceparent).send('x').expect(401)
    expect(refused.map((event) => event.traceparent)).toEqual([logged])
  })
})

describe('a body', () => {
  it.each([
    ['declared', 10_000, 200],
    ['declared', 10_001, 413],
    ['chunked', 10_000, 200],
    ['chunked', 10_001, 413],
  ] as const)('that is %s with %d bytes is answered %d', async (how, length, status) => {
    const { port } = await edge()
    const body = 'x'.repeat(length)
    const framed =
      how === 'declared'
        ? `Content-Length: ${length}\r\n\r\n${body}`
        : `Transfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const seen = await raw(
      port,
      `POST ${PATH} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${framed}`,
    )
    expect(seen).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })

  it('that does not end is given up when its caller goes, and its bytes are free again', async () => {
    const budget = createByteBudget(100_000)
    const { port, refused } = await edge({ budget })
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`POST ${PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\nabc`)
    })
    await until(() => budget.usedBytes > 0)
    expect(budget.usedBytes).toBe(9_000)
    socket.destroy()
    await until(() => budget.usedBytes === 0)
    expect(refused).toEqual([])
  })

  it('for which there is no room is a 503, and small ones still get in', async () => {
    const budget = createByteBudget(100_000)
    budget.take(75_000, 75_000)
    const { server } = await edge({ budget, maxBodyBytes: 70_000 })
    const status = async (bytes: number) =>
      (await supertest(server).post(PATH).send('x'.repeat(bytes))).status
    expect([await status(65_537), await status(2_000), await status(25_001)]).toEqual([
      503, 200, 503,
    ])
    expect(budget.usedBytes).toBe(75_000)
  })
})

describe('Express with prototypes set once', () => {
  it('behaves as Express does that sets them for every request', async () => {
    const outcome = async (classes: Partial<App['classes']>, app: express.Express) => {
      app.get('/send', (_request, response) => {
        response.status(201).send('x')
      })
      app.get('/json', (request, response) => {
        response.json({ ip: request.ip, host: request.hostname, secure: request.secure })
      })
      app.get('/away', (_request, response) => response.redirect('/send'))
      const server = createServer(classes, app)
      servers.push(server)
      const answers = []
      for (const path of ['/send', '/json', '/away', '/none']) {
        const { status, text, headers } = await supertest(server).get(path)
        const { date: _, ...rest } = headers as Record<string, string>
        answers.push({ status, text, rest })
      }
      return answers
    }
    const { classes } = createApp({} as AppDeps)
    const preset = express()
    const plain = await outcome({}, express())
    Object.assign(preset, {
      request: Object.setPrototypeOf(classes.IncomingMessage.prototype, preset.request) as unknown,
      response: Object.setPrototypeOf(classes.ServerResponse.prototype, preset.response) as unknown,
    })
    expect(await outcome(classes, preset)).toEqual(plain)
  })

  it('finds them in place, so that it changes nothing', async () => {
    const prototypes: boolean[] = []
    const { server } = await edge()
    server.prependListener('request', (request, response) => {
      const before = [Object.getPrototypeOf(request), Object.getPrototypeOf(response)]
      response.on('finish', () => {
        prototypes.push(
          Object.getPrototypeOf(request) === before[0],
          Object.getPrototypeOf(response) === before[1],
        )
      })
    })
    await supertest(server).post(PATH).send('x')
    expect(prototypes).toEqual([true, true])
  })
})
