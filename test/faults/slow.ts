/** Slow, silent and too many callers: cut off in time and bounded in memory, while others are served. */
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, createClient, newAsk } from './client.ts'
import { inParallel } from './load.ts'
import { createHome, startHandler } from './rig.ts'
import type { Home, Running } from './rig.ts'
import type { Context } from './scenario.ts'
import { openTls } from './wire.ts'

/** From the first byte to the cut, in milliseconds. */
const CUT_MS = 28_500
const MEMORY_MIB = 256
const BODY_BYTES = 8 * 1024 * 1024

const HEAD = 'POST /g1/v2/tx_sign_request HTTP/1.1\r\nHost: localhost\r\n'

/** Ways to take one's time; each gets a new socket and feeds it until it is cut. */
const WAYS: Readonly<Record<string, (home: Home, alive: () => boolean) => Promise<Socket>>> = {
  'a silent TCP connection': async ({ port }) => connect(port, '127.0.0.1'),
  'a silent TLS connection': ({ port }) => openTls(port),
  'half a handshake': async ({ port }) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(Buffer.from('16030100', 'hex'))
    return socket
  },
  'slow headers': async (home, alive) =>
    drip(await openTls(home.port), `${HEAD}X: ${'a'.repeat(4_000)}`, alive),
  'a slow body': async (home, alive) => {
    const socket = await openTls(home.port)
    socket.write(`${HEAD}Content-Length: 100000\r\n\r\n`)
    return drip(socket, 'a'.repeat(100_000), alive)
  },
  'slow chunks': async (home, alive) => {
    const socket = await openTls(home.port)
    socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
    return drip(socket, '1\r\na\r\n'.repeat(10_000), alive)
  },
  'a body that stops': async (home) => {
    const socket = await openTls(home.port)
    socket.write(`${HEAD}Content-Length: 100000\r\n\r\nabc`)
    return socket
  },
}

/** Sends a byte now and then, for as long as anybody listens. */
function drip(socket: Socket, text: string, alive: () => boolean): Socket {
  const feed = async () => {
    for (const byte of text) {
      if (!alive()) return
      socket.write(byte)
      await sleep(100)
    }
  }
  void feed()
  return socket
}

export async function slowCallers(context: Context): Promise<void> {
  const { report, world } = context
  const home = await createHome(world, 'slow')
  const handler = await startHandler(home)
  const end = new AbortController()
  const served = serveMeanwhile(context, handler, end.signal)
  const cut = cutInTime(context, home)
  if (!context.short) await cut
  await boundedMemory(context, home, handler)
  await cut
  end.abort()
  const slowestMs = await served
  report.must(slowestMs < 5_000, 'others are served within 5 s meanwhile', slowestMs)
  const { code } = await handler.stop()
  report.must(code === 0, 'the handler ends in order after slow callers', code)
  report.say(`the slowest genuine answer meanwhile took ${Math.round(slowestMs)} ms`)
}

/** Genuine requests, a few per second; gives the slowest answer in milliseconds. */
async function serveMeanwhile({ report, world }: Context, handler: Running, signal: AbortSignal) {
  const client = createClient(handler.home)
  let slowestMs = 0
  while (!signal.aborted) {
    const began = performance.now()
    const verdict = await ask(client, newAsk(world.cosigner.privateKey, 'APPROVE'), handler)
    report.must(verdict?.action === 'APPROVE', 'others are served while callers are slow', verdict)
    report.count('genuine requests among slow callers')
    slowestMs = Math.max(slowestMs, performance.now() - began)
    await sleep(100)
  }
  client.close()
  return slowestMs
}

async function cutInTime({ report }: Context, home: Home): Promise<void> {
  const times = await Promise.all(
    Object.entries(WAYS).map(async ([what, open]) => {
      let alive = true
      const began = performance.now()
      const socket = await open(home, () => alive)
      await Promise.race([gone(socket), sleep(CUT_MS + 2_000)])
      alive = false
      socket.destroy()
      const ms = Math.round(performance.now() - began)
      report.count('slow connections')
      report.must(ms <= CUT_MS, 'slow connections are cut within 28.5 s', { what, ms })
      return `${what} ${(ms / 1_000).toFixed(1)} s`
    }),
  )
  report.say(`cut: ${times.join(', ')}`)
}

/** Resolves when the peer has ended the connection, politely or not. */
function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined).on('data', () => undefined)
    socket.once('close', () => resolve()).once('end', () => resolve())
  })
}

/** Idle connections, the largest bodies and slow ones, all at once. */
async function boundedMemory(
  { report, short }: Context,
  home: Home,
  handler: Running,
): Promise<void> {
  const [idle, maximal, slow] = short ? [300, 60, 60] : [1_000, 200, 200]
  const sockets: Socket[] = []
  const keep = (socket: Socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
  }
  await inParallel(40, Array(idle).keys(), async () => {
    const socket = await openTls(home.port).catch(() => undefined)
    if (socket !== undefined) keep(socket)
  })
  const opened = sockets.length
  const body = Buffer.alloc(BODY_BYTES, 'a')
  let answered = 0
  await Promise.all([
    inParallel(slow, Array(slow).keys(), async () => {
      const socket = await openTls(home.port).catch(() => undefined)
      if (socket === undefined) return
      keep(socket)
      socket.write(`${HEAD}Content-Length: ${BODY_BYTES}\r\n\r\n`)
      await gone(drip(socket, 'a'.repeat(100), () => !socket.destroyed))
    }),
    inParallel(maximal, Array(maximal).keys(), async () => {
      const socket = await openTls(home.port).catch(() => undefined)
      if (socket === undefined) return
      keep(socket)
      socket.write(`${HEAD}Content-Length: ${BODY_BYTES}\r\n\r\n`)
      socket.write(body)
      socket.on('data', () => (answered += 1))
      await Promise.race([gone(socket), sleep(30_000)])
    }),
  ])
  for (const socket of sockets) socket.destroy()
  const peak = await peakMiB(handler.pid)
  if (peak === undefined) {
    report.skip('the bound of memory', 'no /proc')
    return
  }
  report.count('MiB of memory at most', peak)
  report.must(peak < MEMORY_MIB, 'memory stays below 256 MiB', peak)
  report.say(
    `  ${opened} idle, ${maximal} maximal bodies (${answered} answered), ${slow} slow: ${peak} MiB at most`,
  )
}

/** The most that the process ever had in memory. */
async function peakMiB(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  return kib === undefined ? undefined : Math.round(Number(kib) / 1_024)
}
