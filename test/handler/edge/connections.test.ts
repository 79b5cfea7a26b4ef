/**
 * Connections are bounded by number. Short time limits reset genuine requests after a pause of the process, and 2,048
 * idle connections of one address shut the co-signer out: so the oldest that proves nothing makes room for a new one.
 */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createConnections } from '../../../handler/edge/connections.ts'
import type { Connection, ConnectionLimits } from '../../../handler/edge/connections.ts'
import { until } from '../../fixtures/handler.ts'

const open: { server: Server; sockets: Socket[] }[] = []

afterEach(async () => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** A caller and what the handler makes of its connection. */
interface Caller {
  readonly socket: Socket
  readonly connection: Connection
}

async function listening(limits: Partial<ConnectionLimits>) {
  const dropped: string[] = []
  const accepted: Socket[] = []
  const connections = createConnections(
    { total: 3, unverifiedPerAddress: 100, ...limits },
    (reason) => dropped.push(reason),
  )
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    accepted.push(socket)
    connections.accept(socket)
  })
  const sockets: Socket[] = accepted
  open.push({ server, sockets })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const call = async (from = '127.0.0.1'): Promise<Caller> => {
    const before = accepted.length
    const socket = connect({ host: '127.0.0.1', port, localAddress: from })
    socket.on('error', () => undefined).resume()
    await until(() => accepted.length > before)
    const other = accepted[before]
    if (other === undefined) throw new Error('nothing was accepted')
    return { socket, connection: connections.of(other) }
  }
  return { connections, dropped, call }
}

function isGone({ socket }: Caller): Promise<unknown> {
  return socket.destroyed ? Promise.resolve() : new Promise((done) => socket.once('close', done))
}

/** A whole genuine request; after it the connection is idle. */
function served({ connection }: Caller): void {
  connection.began()
  connection.complete()
  connection.genuine()
  connection.idle()
}

describe('when the listener is full', () => {
  it('the oldest connection that never brought a genuine request goes first', async () => {
    const { call, dropped, connections } = await listening({})
    const genuine = await call()
    served(genuine)
    const [silent, other] = [await call(), await call()]
    const late = await call()
    await isGone(silent)
    expect(dropped).toEqual(['oldest-unverified'])
    expect([genuine, other, late].map(({ socket }) => socket.destroyed)).toEqual([
      false,
      false,
      false,
    ])
    expect(connections.size).toBe(3)
  })

  it('idle connections of genuine callers go before those in the middle of a request', async () => {
    const { call, dropped } = await listening({})
    const [reading, idle, again] = [await call(), await call(), await call()]
    for (const caller of [reading, idle, again]) served(caller)
    reading.connection.began()
    await call()
    await isGone(idle)
    expect(dropped).toEqual(['oldest-idle'])
    expect(reading.socket.destroyed).toBe(false)
  })

  it('a connection with a complete request is never closed: the new one is', async () => {
    const { call, dropped } = await listening({})
    const busy = [await call(), await call(), await call()]
    for (const { connection } of busy) {
      connection.began()
      connection.complete()
    }
    const late = await call()
    await isGone(late)
    expect(dropped).toEqual(['full'])
    expect(busy.every(({ socket }) => !socket.destroyed)).toBe(true)
  })

  it('silent connections do not keep a genuine one out, however many come', async () => {
    const { call, dropped } = await listening({ total: 20, unverifiedPerAddress: 15 })
    for (let n = 0; n < 60; n += 1) await call()
    const genuine = await call()
    served(genuine)
    expect(dropped.filter((reason) => reason === 'address-share')).toHaveLength(46)
    expect(genuine.socket.destroyed).toBe(false)
  })
})

describe('one address', () => {
  it('has a share of the connections that never brought a genuine request, others keep theirs', async () => {
    const { call, dropped } = await listening({ total: 100, unverifiedPerAddress: 2 })
    const other = await call('127.0.0.2')
    const [first, second] = [await call(), await call()]
    const third = await call()
    await isGone(first)
    expect(dropped).toEqual(['address-share'])
    expect([second, third, other].some(({ socket }) => socket.destroyed)).toBe(false)
  })

  it('may hold more when they are genuine', async () => {
    const { call, dropped } = await listening({ total: 100, unverifiedPerAddress: 2 })
    for (let n = 0; n < 10; n += 1) served(await call())
    expect(dropped).toEqual([])
  })

  it('frees its share when a connection ends', async () => {
    const { call, dropped, connections } = await listening({ total: 100, unverifiedPerAddress: 2 })
    for (let n = 0; n < 5; n += 1) {
      const caller = await call()
      caller.socket.destroy()
      await until(() => connections.size === 0)
    }
    expect(dropped).toEqual([])
  })
})
