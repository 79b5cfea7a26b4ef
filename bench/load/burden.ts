/** Connections that cost memory and no work: silent, as large as allowed, or slow. */
import type { TLSSocket } from 'node:tls'
import { systemSleep } from '../../common/clock.ts'
import { openConnection, openSocket } from './connection.ts'
import type { Target } from './connection.ts'
import { postRequest } from './http-answer.ts'
import type { BurdenJob, BurdenResult, Outcomes } from './job.ts'
import { createJudge } from './judge.ts'
import { poolSource } from './tokens.ts'

/** Pause between the single bytes of a slow sender. */
const SLOW_BYTE_MS = 500

/** Holds all the connections for the given time while the maximal bodies are sent. */
export async function runBurden(job: BurdenJob): Promise<BurdenResult> {
  const { target, idle, slow, maximal, holdMs } = job
  const idleSockets = await openMany(idle, target)
  const slowSockets = await openMany(slow, target)
  const beganAt = performance.now()
  const trickling = slowSockets.map((socket) => trickle(socket, target, holdMs))
  const outcomes = await sendMaximal(job, maximal.count)
  await systemSleep(Math.max(0, holdMs - (performance.now() - beganAt)))
  await Promise.all(trickling)
  const result = {
    outcomes,
    slowCut: slowSockets.filter(({ destroyed }) => destroyed).length,
    idleCut: idleSockets.filter(({ destroyed }) => destroyed).length,
  }
  for (const socket of [...idleSockets, ...slowSockets]) socket.destroy()
  return result
}

/** Sockets whose errors are expected: the server may cut them. */
async function openMany(count: number, target: Target): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = []
  for (let i = 0; i < count; i += 1) {
    const socket = await openSocket(target)
    socket.on('error', () => undefined)
    socket.resume()
    sockets.push(socket)
  }
  return sockets
}

async function trickle(socket: TLSSocket, target: Target, holdMs: number): Promise<void> {
  const request = postRequest(target.path, `localhost:${target.port}`, 'A'.repeat(2048))
  const endsAt = performance.now() + holdMs
  const bodyAt = request.indexOf('\r\n\r\n') + 4
  socket.write(request.slice(0, bodyAt))
  for (let at = bodyAt; performance.now() < endsAt && socket.writable; at += 1) {
    socket.write(request.slice(at, at + 1))
    await systemSleep(SLOW_BYTE_MS)
  }
}

async function sendMaximal({ target, maximal }: BurdenJob, count: number): Promise<Outcomes> {
  const outcomes: Outcomes = {}
  const judge = createJudge(target.answerKeyPem)
  const token = poolSource(maximal.pool, 0).next()
  if (token === undefined) throw new Error('the pool of maximal requests is empty')
  await Promise.all(
    Array.from({ length: count }, async () => {
      const outcome = await openConnection(target)
        .then(async (connection) => {
          const answer = await connection.post(token.token)
          connection.close()
          return judge(answer, token.requestId)
        })
        .catch(() => 'failed')
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }),
  )
  return outcomes
}
