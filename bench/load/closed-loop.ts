/** As much load as a number of connections can make when each waits for its answer. */
import { cpuMsOf } from '../machine.ts'
import { quantile } from '../stats.ts'
import { openConnection } from './connection.ts'
import type { Connection } from './connection.ts'
import { createJudge } from './judge.ts'
import type { ClosedJob, ClosedResult, Outcomes } from './job.ts'
import { tampered } from './tokens.ts'
import type { LoadToken, TokenSource } from './tokens.ts'

/** How many requests `repeated` goes round in. */
const REPEATED = 16

/** Runs the job: warm-up, then the measured part, on the same connections. */
export async function runClosed(job: ClosedJob, source: TokenSource): Promise<ClosedResult> {
  const { target, connections: size, warmUp, count, limitMs, serverPid } = job
  const next = changed(source, job.change)
  const connections = await Promise.all(Array.from({ length: size }, () => openConnection(target)))
  const judge = createJudge(target.answerKeyPem)
  const outcomes: Outcomes = {}
  let latencies: number[] = []
  let left = 0
  let endsAt = Number.POSITIVE_INFINITY

  /** Servers close a connection after so many requests. */
  const opened = async (lane: number): Promise<Connection> => {
    const current = connections[lane]
    if (current?.isOpen() === true) return current
    const fresh = await openConnection(target)
    connections[lane] = fresh
    return fresh
  }
  const drive = async (_: Connection, lane: number) => {
    while (left > 0 && performance.now() < endsAt) {
      const connection = await opened(lane)
      const token = next()
      if (token === undefined) return
      left -= 1
      const sentAt = performance.now()
      const outcome = await connection.post(token.token).then(
        (answer) => judge(answer, token.requestId),
        () => 'failed',
      )
      latencies.push(performance.now() - sentAt)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
  }
  const round = async (requests: number) => {
    left = requests
    endsAt = performance.now() + limitMs
    await Promise.all(connections.map(drive))
  }

  await round(warmUp)
  latencies = []
  for (const outcome of Object.keys(outcomes)) delete outcomes[outcome]
  const cpuBefore = cpuMsOf(serverPid)
  const ownBefore = process.cpuUsage()
  const beganAt = performance.now()
  await round(count)
  const elapsedMs = performance.now() - beganAt
  const own = process.cpuUsage(ownBefore)
  const serverCpuMs = cpuMsOf(serverPid) - cpuBefore
  for (const connection of connections) connection.close()
  return {
    answered: latencies.length,
    outcomes,
    elapsedMs,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    serverCpuMs,
    loadCpuMs: (own.user + own.system) / 1000,
  }
}

function changed(source: TokenSource, change: ClosedJob['change']): () => LoadToken | undefined {
  if (change === undefined) return () => source.next()
  if (change === 'tampered') {
    return () => {
      const token = source.next()
      return token === undefined ? undefined : tampered(token)
    }
  }
  const round = Array.from({ length: REPEATED }, () => source.next())
  let turn = 0
  return () => round[turn++ % REPEATED]
}
