/** Bodies of bounded size, and listeners that say why they cannot listen. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from '@jest/globals'
import { BodyTooLargeError, listen, readBounded } from '../../common/http.ts'

const servers: ReturnType<typeof createServer>[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

/** A server that answers with the length of the body, or 413 when it is longer than 10 bytes. */
async function start(): Promise<number> {
  const server = createServer((incoming, response) => {
    readBounded(incoming, 10).then(
      (body) => response.end(String(body.length)),
      (error: unknown) => {
        response.statusCode = error instanceof BodyTooLargeError ? 413 : 500
        response.end()
      },
    )
  })
  servers.push(server)
  await listen(server, { host: '127.0.0.1', port: 0 })
  return (server.address() as AddressInfo).port
}

function post(port: number, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, method: 'POST', agent: false }, (incoming) => {
      readBounded(incoming, 100).then(
        (text) => resolve(`${incoming.statusCode} ${text.toString()}`),
        reject,
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

it('reads a body up to its bound', async () => {
  const port = await start()
  expect(await post(port, '')).toBe('200 0')
  expect(await post(port, 'x'.repeat(10))).toBe('200 10')
})

it('lets a server answer a larger body', async () => {
  const port = await start()
  expect(await post(port, 'x'.repeat(5_000_000))).toBe('413 ')
})

it('cuts the connection of a client whose answer is larger', async () => {
  let cut: unknown
  const server = createServer((incoming, response) => {
    incoming.resume()
    const timer = setInterval(() => response.write('x'.repeat(100_000)), 1)
    response.on('close', () => {
      clearInterval(timer)
      cut = true
    })
  })
  servers.push(server)
  await listen(server, { host: '127.0.0.1', port: 0 })
  const { port } = server.address() as AddressInfo
  await expect(post(port, '')).rejects.toThrow(BodyTooLargeError)
  while (cut === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
})

it('rejects with the reason when the address is taken', async () => {
  const port = await start()
  const second = createServer()
  servers.push(second)
  await expect(listen(second, { host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})
