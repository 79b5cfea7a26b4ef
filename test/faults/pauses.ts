/** Pauses of the whole process, and idle connections that would take the place of the co-signer's. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, createClient, newAsk } from './client.ts'
import { createMemory, inParallel, load } from './load.ts'
import { createHome, startHandler } from './rig.ts'
import type { Context } from './scenario.ts'
import { createWire, openTls } from './wire.ts'

/** Requests per second around a pause; all that are sent during it wait for its end. */
const PER_SECOND = 20

/** The process is stopped under traffic; the co-signer waits for 30 s, so every request can still be answered. */
export async function pauses(context: Context): Promise<void> {
  const { report, world, chaos, short } = context
  const home = await createHome(world, 'pauses')
  const handler = await startHandler(home)
  for (const seconds of short ? [3] : [1, 3, 6, 12, 20]) {
    const client = createClient(home)
    const memory = createMemory()
    const errors: unknown[] = []
    const end = new AbortController()
    const failed = (error: unknown) => void errors.push(error)
    const loading = load(
      { world, chaos, client, handler, memory, report, perSecond: PER_SECOND, failed },
      end.signal,
    )
    await sleep(500)
    // Accepted before the pause, without a byte of its handshake: the limits of Node.js count from here.
    const early = Array.from({ length: 20 }, () => connect(home.port, '127.0.0.1'))
    await sleep(200)
    handler.kill('SIGSTOP')
    const answers = early.map((socket) => answerOver(socket, home.port, context))
    await sleep(seconds * 1_000)
    handler.kill('SIGCONT')
    await sleep(500)
    end.abort()
    const sent = (await loading) + early.length
    const lost = errors.length + (await Promise.all(answers)).filter((ok) => !ok).length
    client.close()
    report.count('requests around a pause', sent)
    report.count('requests lost to a pause', lost)
    report.must(lost === 0, 'a pause resets no request', { seconds, first: String(errors[0]) })
    report.say(`  stopped for ${seconds} s: ${sent} requests, ${lost} lost`)
  }
  const { code } = await handler.stop()
  report.must(code === 0, 'the handler ends in order after pauses', code)
}

/** The first request of a connection that stood before the pause. */
async function answerOver(socket: Socket, port: number, { world }: Context): Promise<boolean> {
  const secure = await openTls(port, { socket }).catch(() => undefined)
  if (secure === undefined) return false
  const { token } = newAsk(world.cosigner.privateKey, 'APPROVE')
  const head = `POST /g1/v2/tx_sign_request HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${token.length}\r\n\r\n`
  return new Promise((resolve) => {
    secure.once('data', (chunk: Buffer) => resolve(chunk.toString().startsWith('HTTP/1.1 200')))
    secure.on('error', () => resolve(false)).on('close', () => resolve(false))
    secure.write(head + token)
  })
}

/** More connections than the listener keeps, silent or refused, from one address: a genuine caller is served all the same. */
export async function idleConnections(context: Context): Promise<void> {
  const { report, world, short } = context
  const home = await createHome(world, 'idle')
  const handler = await startHandler(home)
  const wires: { close(): void }[] = []
  const count = short ? 1_200 : 2_600
  await inParallel(20, Array(count).keys(), async (n) => {
    if (n % 2 === 0) {
      const socket = connect(home.port, '127.0.0.1')
      socket.on('error', () => undefined)
      wires.push({ close: () => socket.destroy() })
      return
    }
    // Refused, and kept alive: 2,048 of these shut the co-signer out, for as long as somebody cared to ask once a minute.
    const wire = createWire(home.port)
    wires.push(wire)
    await wire.post('/g1/v2/tx_sign_request', 'x').catch(() => '')
  })
  const client = createClient(home)
  let served = 0
  for (let n = 0; n < 20; n += 1) {
    const verdict = await ask(client, newAsk(world.cosigner.privateKey, 'APPROVE'), handler)
    served += Number(verdict?.action === 'APPROVE')
  }
  client.close()
  report.count('idle connections', count)
  report.must(served === 20, 'idle connections keep no genuine caller out', served)
  const response = await fetch(`http://127.0.0.1:${home.opsPort}/readyz`)
  const text = await response.text()
  report.must(
    text.includes('closed within the last 5 minutes'),
    '/readyz says what was closed',
    text,
  )
  for (const wire of wires) wire.close()
  const { code } = await handler.stop()
  report.must(code === 0, 'the handler ends in order after idle connections', code)
}
