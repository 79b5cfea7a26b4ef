/** The admin socket: strict input, clear refusals, and a socket file that only its owner can use. */
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Server } from 'node:http'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { openAdminSocket } from '../../../handler/control/socket.ts'
import { matchAdminRoute } from '../../../common/admin-routes.ts'
import { serverCloser } from '../../../handler/service/closers.ts'
import { startTestHandler } from '../../fixtures/handler.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

const servers: Server[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => serverCloser(server)()))
})

async function open(path: string): Promise<void> {
  servers.push(await openAdminSocket(path, {} as never))
}

describe('the socket file', () => {
  it('is for its owner only, in a directory that only its owner writes to', async () => {
    const path = join(await temporaryDirectory(), 'run', 'admin.sock')
    await open(path)
    expect([(await stat(path)).mode & 0o777, (await stat(dirname(path))).mode & 0o777]).toEqual([
      0o600, 0o700,
    ])
  })

  it('is opened where nobody else can write: its own directory is set back', async () => {
    const directory = join(await temporaryDirectory(), 'run')
    await mkdir(directory)
    await chmod(directory, 0o777)
    await open(join(directory, 'admin.sock'))
    expect((await stat(directory)).mode & 0o022).toBe(0)
  })

  it('of a live process is respected', async () => {
    const path = join(await temporaryDirectory(), 'admin.sock')
    await open(path)
    await expect(open(path)).rejects.toThrow('another process answers on')
  })

  it('is not anything else that is in its place', async () => {
    const path = join(await temporaryDirectory(), 'admin.sock')
    await writeFile(path, 'x')
    await expect(open(path)).rejects.toThrow('is not a socket')
  })
})

describe('a request', () => {
  it.each([
    ['GET', '/v1/status', { route: 'status', params: {} }],
    ['PUT', '/v1/generations/12', { route: 'stage', params: { generation: '12' } }],
    ['POST', '/v1/generations/1/self-test', { route: 'selfTest', params: { generation: '1' } }],
    [
      'PUT',
      '/v1/pairings/a-b/c.d',
      { route: 'declare', params: { cosignerId: 'a-b', apiKeyId: 'c.d' } },
    ],
    ['DELETE', '/v1/pairings/a/b', { route: 'forget', params: { cosignerId: 'a', apiKeyId: 'b' } }],
    [
      'POST',
      '/v1/holds/0123456789abcdef/reject',
      { route: 'rejectHold', params: { holdId: '0123456789abcdef' } },
    ],
    ['POST', '/v1/holds/0123456789ABCDEF/reject', undefined],
    ['PUT', '/v1/pairings/../b', undefined],
    ['POST', '/v1/status', undefined],
    ['GET', '/v1/status?x', undefined],
    ['GET', '/v2/status', undefined],
    ['GET', 'x/v1/status', undefined],
    ['GET', '/v1/generations/1', undefined],
    ['PUT', '/v1/generations/0', undefined],
    ['PUT', '/v1/generations/01', undefined],
    ['PUT', '/v1/generations/1/x', undefined],
    ['POST', '/v1/generations/1/x', undefined],
    ['PUT', '/v1/pairings/a', undefined],
    ['PUT', '/v1/pairings//b', undefined],
    ['PUT', '/v1/pairings/a/b%2f', undefined],
    ['PUT', '/v1/pairings/a/b/c', undefined],
    ['POST', '/v1/pairings/a/b', undefined],
  ])('%s %s is read as %j', (method, target, route) => {
    expect(matchAdminRoute(method, target)).toEqual(route)
  })

  it('that is wrong is refused with a code, and changes nothing', async () => {
    const handler = await startTestHandler()
    const cases: [string, string, unknown, number, string][] = [
      ['GET', '/v1/else', undefined, 404, 'ERR_NOT_FOUND'],
      ['PUT', '/v1/generations/2', { slot: 'a' }, 400, 'ERR_BAD_REQUEST'],
      ['PUT', '/v1/generations/2', { slots: 'A' }, 400, 'ERR_BAD_REQUEST'],
      ['PUT', '/v1/generations/2', [], 400, 'ERR_BAD_REQUEST'],
      ['PUT', '/v1/generations/3', {}, 409, 'ERR_GENERATION_NUMBER'],
      ['POST', '/v1/generations/1/self-test', { nonce: 'short' }, 400, 'ERR_BAD_REQUEST'],
      ['POST', '/v1/generations/9/self-test', { nonce: 'x'.repeat(16) }, 404, 'ERR_NOT_FOUND'],
      ['PUT', '/v1/pairings/a/b', { live: 1 }, 400, 'ERR_BAD_REQUEST'],
      ['PUT', '/v1/pairings/a/b', { live: 9, pending: null, drainMs: 0 }, 404, 'ERR_NOT_FOUND'],
      ['PUT', '/v1/pairings/a/b', 'x'.repeat(70_000), 400, 'ERR_BAD_REQUEST'],
    ]
    for (const [method, path, body, status, code] of cases) {
      const answer = await handler.admin(method, path, body)
      expect([path, answer.status, answer.json]).toMatchObject([path, status, { error: { code } }])
    }
    const { json } = await handler.admin('GET', '/v1/status')
    expect(json).toMatchObject({ version: 1, pairings: {}, ready: true, problems: [] })
  })

  it('is answered on the socket of the settings, and the status tells the slots', async () => {
    const handler = await startTestHandler()
    const { json } = await handler.admin('GET', '/v1/status')
    const [a, b] = handler.ports
    expect(json).toMatchObject({
      product: 'countersign 0.1.0',
      auth: 'hybrid',
      tls: 'self-signed',
      slots: [
        { slot: 'A', publicUrl: `https://localhost:${a}`, listen: `127.0.0.1:${a}` },
        { slot: 'B', publicUrl: `https://localhost:${b}`, listen: `127.0.0.1:${b}` },
      ],
    })
    const needs = { live: 1, pending: null, drainMs: 5 }
    await handler.admin('PUT', '/v1/pairings/a/b', needs)
    const gone = await handler.admin('DELETE', '/v1/pairings/a/b')
    expect(gone.json).toMatchObject({ pairings: {}, generations: [{ state: 'draining' }] })
  })

  it('that meets a failure of ours is a 500 without its details', async () => {
    const path = join(await temporaryDirectory(), 'admin.sock')
    const failures: unknown[] = []
    const bug = new Error('secret')
    servers.push(
      await openAdminSocket(path, {
        status: () => Promise.reject(bug),
        failed: (error: unknown) => failures.push(error),
      } as never),
    )
    const answer = await new Promise<string>((resolve) => {
      let seen = ''
      const socket = connect(path, () => {
        socket.write('GET /v1/status HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
      })
      socket.setEncoding('utf8').on('data', (text: string) => {
        seen += text
      })
      socket.on('close', () => resolve(seen))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 500 [\s\S]*"the handler failed, see its log"/)
    expect(failures).toEqual([bug])
  })
})
