/** The program as it is shipped, in processes of its own: signals, the lock, the admin socket, and a quick start. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { connectHandler } from '../../bootstrap/handler-socket.ts'
import { testKey } from '../fixtures/keys.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'
import { until } from '../fixtures/until.ts'
import { createWorld } from './world.ts'

const MAIN = resolve(import.meta.dirname, '../../dist/bootstrap/main.js')
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function listen(listener: RequestListener, at: string | number): Promise<Server> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((done) => {
    if (typeof at === 'string') server.listen(at, done)
    else server.listen(at, '127.0.0.1', done)
  })
  return server
}

/** A handler that tells its status, and an API that never answers. */
async function hangingApi() {
  const stateDir = await temporaryDirectory()
  const key = join(stateDir, 'caller.key')
  await writeFile(key, (await testKey('api caller')).privateKeyPem, { mode: 0o600 })
  const world = await createWorld()
  const facts = JSON.stringify(world.handler.status())
  world.clean()
  await listen((_request, response) => response.end(facts), join(stateDir, 'admin.sock'))
  let asked = 0
  const api = await listen(() => (asked += 1), 0)
  const reached = async () => until(() => asked > 0)
  const { port } = api.address() as AddressInfo
  const env = {
    PATH: process.env['PATH'],
    FIREBLOCKS_API_KEY: 'me',
    FIREBLOCKS_SECRET_KEY_PATH: key,
    FIREBLOCKS_BASE_PATH: `http://127.0.0.1:${port}/v1`,
    HANDLER_STATE_DIR: stateDir,
  }
  const start = (...argv: string[]) => {
    const child = spawn(process.execPath, [MAIN, ...argv], { env })
    let stderr = ''
    child.stderr.on('data', (chunk) => (stderr += String(chunk)))
    const ended = once(child, 'exit').then(([status]) => ({ status: status as number, stderr }))
    return { child, ended }
  }
  return {
    reached,
    start,
    /** Requests so far. */
    get asked() {
      return asked
    },
  }
}

const COSIGNER = '44fcead0-7053-4831-a53a-df7fb90d440f'
const IDS = ['--cosigner-id', COSIGNER, '--api-key-id', 'k'] as const

describe('the program', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops on %s with %i and says how to resume', async (signal, status) => {
    const { reached, start } = await hangingApi()
    const { child, ended } = start('pair', ...IDS)
    await reached()
    child.kill(signal)
    const result = await ended
    expect(result.status).toBe(status)
    expect(result.stderr).toContain(`resume: countersign-bootstrap pair --cosigner-id ${COSIGNER}`)
  })

  // Through Node's inspector another local user read the private key out of the process.
  it('opens no inspector on SIGUSR1, and goes on', async () => {
    const { reached, start } = await hangingApi()
    const { child, ended } = start('pair', ...IDS)
    await reached()
    child.kill('SIGUSR1')
    await new Promise((done) => setTimeout(done, 500))
    expect(child.exitCode).toBeNull()
    child.kill('SIGTERM')
    const { status, stderr } = await ended
    expect(status).toBe(143)
    expect(stderr).not.toContain('Debugger')
  })

  it('runs once at a time, and the lock of a killed run is free', async () => {
    const api = await hangingApi()
    const { reached, start } = api
    const first = start('pair', ...IDS)
    await reached()
    const second = await start('pair', ...IDS).ended
    expect(second.status).toBe(9)
    expect(second.stderr).toContain(`\`pair\` (pid ${first.child.pid} on `)
    first.child.kill('SIGKILL')
    await first.ended
    const { asked } = api
    const third = start('pair', ...IDS)
    await until(() => api.asked > asked)
    third.child.kill('SIGINT')
    expect((await third.ended).status).toBe(130)
  })

  it('tells its options without loading the rest', async () => {
    const child = spawn(process.execPath, [MAIN, 'status', '--help'])
    let stdout = ''
    child.stdout.on('data', (chunk) => (stdout += String(chunk)))
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(stdout).toContain('--cosigner-id')
  })
})

describe('the admin socket', () => {
  async function socket(listener: RequestListener) {
    const path = join(await temporaryDirectory(), 'admin.sock')
    await listen(listener, path)
    return connectHandler(path)
  }

  it('is asked in JSON, and only for ids that are plain in a path', async () => {
    const asked: string[] = []
    const handler = await socket((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += String(chunk)))
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${body}`)
        response.end('{"version":1,"generations":[]}')
      })
    })
    await handler.status()
    await handler.stage(2, { renewOf: 1 })
    await handler.selfTest(2, { nonce: 'n' })
    await handler.declare('a', 'c', { live: 1, pending: null, drainMs: 5 })
    await handler.forget('a', 'c')
    await expect(handler.forget('../b', 'c')).rejects.toThrow(RangeError)
    expect(asked).toEqual([
      'GET /v1/status ',
      'PUT /v1/generations/2 {"renewOf":1}',
      'POST /v1/generations/2/self-test {"nonce":"n"}',
      'PUT /v1/pairings/a/c {"live":1,"pending":null,"drainMs":5}',
      'DELETE /v1/pairings/a/c ',
    ])
  })

  it('refuses with its code', async () => {
    const handler = await socket((_request, response) => {
      response.writeHead(409)
      response.end('{"error":{"code":"ERR_SLOT_BUSY","message":"busy"}}')
    })
    await expect(handler.stage(2, {})).rejects.toMatchObject({
      code: 'ERR_HANDLER_UNAVAILABLE',
      adminCode: 'ERR_SLOT_BUSY',
    })
  })

  it.each([
    ['another version', '{"version":2}'],
    ['no JSON', '<html>'],
  ])('that speaks %s is no handler', async (_name, body) => {
    const handler = await socket((_request, response) => response.end(body))
    await expect(handler.status()).rejects.toMatchObject({ code: 'ERR_HANDLER_UNAVAILABLE' })
  })

  it('that nobody serves is exit 4 with a hint', async () => {
    const handler = connectHandler(join(await temporaryDirectory(), 'none.sock'))
    await expect(handler.status()).rejects.toMatchObject({
      code: 'ERR_HANDLER_UNAVAILABLE',
      hint: expect.stringContaining('--handler-socket'),
    })
  })
})
