/** The client of the admin socket: what it sends, and what it makes of answers that are none. */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { ADMIN_ROUTES, adminPath, matchAdminRoute } from '../../common/admin-routes.ts'
import { AdminUnreachableError, createAdminClient } from '../../common/admin-client.ts'
import { listen } from '../../common/http.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const servers: ReturnType<typeof createServer>[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function answering(status: number, body: string) {
  const path = join(await temporaryDirectory(), 'admin.sock')
  const seen: string[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${text}`)
      response.writeHead(status)
      response.end(body)
    })
  })
  servers.push(server)
  await listen(server, { path })
  return { client: createAdminClient(path), seen }
}

it('sends the method, the path and the body of the table', async () => {
  const { client, seen } = await answering(200, '{}')
  await client.ask('selfTest', { generation: '7' }, { nonce: 'n' })
  await client.ask('forget', { cosignerId: 'c', apiKeyId: 'k' })
  expect(seen).toEqual([
    'POST /v1/generations/7/self-test {"nonce":"n"}',
    'DELETE /v1/pairings/c/k ',
  ])
})

describe('an answer that is none', () => {
  it.each([
    [409, '{"error":{"code":"ERR_SLOT_BUSY","message":"busy"}}', 'ERR_SLOT_BUSY', 'busy'],
    [500, '{"error":{"code":"ERR_ELSE","message":"odd"}}', 'ERR_INTERNAL', 'odd'],
    [502, '<html>', 'ERR_INTERNAL', 'HTTP 502 without a message'],
    [200, '[]', 'ERR_INTERNAL', 'HTTP 200 without a message'],
  ])('%d %s is %s', async (status, body, code, message) => {
    const { client } = await answering(status, body)
    await expect(client.ask('status', {})).rejects.toMatchObject({ code, message })
  })

  it('is unreachable when no process listens', async () => {
    const client = createAdminClient(join(await temporaryDirectory(), 'admin.sock'))
    await expect(client.ask('status', {})).rejects.toThrow(AdminUnreachableError)
    await expect(client.ask('status', {})).rejects.toThrow('ENOENT')
  })
})

describe('the table of routes', () => {
  const params = { generation: '3', cosignerId: 'a', apiKeyId: 'b', holdId: '0123456789abcdef' }

  it.each(Object.keys(ADMIN_ROUTES) as (keyof typeof ADMIN_ROUTES)[])(
    '%s is matched by its own method and path, and by no other route',
    (route) => {
      const [method] = ADMIN_ROUTES[route]
      expect(matchAdminRoute(method, adminPath(route, params))?.route).toBe(route)
    },
  )

  it('makes no path of an id that is not plain', () => {
    expect(() => adminPath('forget', { cosignerId: '..', apiKeyId: 'b' })).toThrow(RangeError)
    expect(() => adminPath('forget', { cosignerId: 'a/b', apiKeyId: 'b' })).toThrow(RangeError)
  })
})
