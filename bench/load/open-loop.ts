/** Load that does not wait: arrivals are planned beforehand, and come whether or not earlier ones were answered. */
import { systemSleep } from '../../common/clock.ts'
import { cpuMsOf } from '../machine.ts'
import { quantile } from '../stats.ts'
import { plannedArrivals } from './arrivals.ts'
import { createConnectionPool } from './connection-pool.ts'
import type { HttpAnswer } from './http-answer.ts'
import type { OpenJob, OpenResult } from './job.ts'
import { createJudge } from './judge.ts'
import { createLedger } from './ledger.ts'
import { tampered } from './tokens.ts'
import type { LoadToken, TokenSource } from './tokens.ts'

/** Time after the last arrival and its deadline in which a late answer is still noticed. */
const PATIENCE_MS = 1_500

/** Runs the job; requests that are still unanswered a while after the last deadline count as such. */
export async function runOpen(job: OpenJob, source: TokenSource): Promise<OpenResult> {
  const { target, phases, deadlineMs, serverPid } = job
  const arrivals = plannedArrivals(phases)
  const judge = createJudge(target.answerKeyPem)
  const pool = await createConnectionPool(target, job.connections, primerOf(source))
  const ledger = createLedger(phases, deadlineMs)
  const lags: number[] = []
  const cpuBefore = cpuMsOf(serverPid)
  const beganAt = performance.now()
  const sinceStart = () => performance.now() - beganAt
  const pending = new Set<number>()

  const settle = async (arrivalMs: number, token: LoadToken, answering: Promise<HttpAnswer>) => {
    const sentMs = sinceStart()
    pending.add(arrivalMs)
    try {
      const answer = await answering
      if (answer.status === 503) source.giveBack(token)
      const times = { arrivalMs, sentMs, nowMs: sinceStart() }
      ledger.answered(times, judge(answer, token.requestId))
    } catch {
      ledger.failed()
    } finally {
      pending.delete(arrivalMs)
    }
  }

  for (const arrivalMs of arrivals) {
    while (sinceStart() < arrivalMs) await systemSleep(1)
    lags.push(sinceStart() - arrivalMs)
    ledger.offered(arrivalMs)
    const token = source.next()
    if (token === undefined) throw new Error('the pool of requests is used up')
    const answering = pool.post(token.token)
    if (answering === undefined) {
      source.giveBack(token)
      ledger.blocked(arrivalMs)
    } else {
      void settle(arrivalMs, token, answering)
    }
  }
  const lastMs = sinceStart() + deadlineMs + PATIENCE_MS
  while (pending.size > 0 && sinceStart() < lastMs) await systemSleep(20)
  const serverCpuMs = cpuMsOf(serverPid) - cpuBefore
  pool.close()
  return { ...ledger.result(), generatorLagMs: quantile(lags, 0.99), serverCpuMs }
}

/** A request that costs the server little and changes nothing: its signature is wrong. */
function primerOf(source: TokenSource): string {
  const token = source.next()
  if (token === undefined) throw new Error('the pool of requests is empty')
  source.giveBack(token)
  return tampered(token).token
}
