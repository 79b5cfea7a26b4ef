/** SIGTERM under load: what was accepted is answered, what is answered is on record, and the end comes in time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, NoAnswer } from './client.ts'
import { createMemory, load } from './load.ts'
import { finalDecisions, mustVerify } from './records.ts'
import { createHome, startHandler } from './rig.ts'
import type { Context } from './scenario.ts'

/** From the signal to the exit, in milliseconds. */
const IN_TIME_MS = 5_000

export async function shutdown(context: Context): Promise<void> {
  const { report, world, chaos, short } = context
  const home = await createHome(world, 'shutdown')
  for (let round = 0; round < (short ? 1 : 3); round += 1) {
    const handler = await startHandler(home)
    const client = createClient(home)
    const memory = createMemory()
    const errors: unknown[] = []
    const end = new AbortController()
    const failed = (error: unknown) => void errors.push(error)
    const loading = load(
      { world, chaos, client, handler, memory, report, perSecond: 200, failed },
      end.signal,
    )
    await sleep(700)
    const signalled = performance.now()
    handler.kill('SIGTERM')
    const exit = await handler.exited
    end.abort()
    const sent = await loading
    client.close()
    const tookMs = exit.atMs - signalled
    // Without a connection no request was accepted: the co-signer has to call again, or another handler.
    const lost = errors.filter((error) => !(error instanceof NoAnswer) || error.connected)
    report.count('requests under SIGTERM', sent)
    report.count('accepted requests lost under SIGTERM', lost.length)
    report.must(lost.length === 0, 'SIGTERM loses no accepted request', String(lost[0]))
    report.must(exit.code === 0, 'SIGTERM ends in order', exit)
    report.must(tookMs <= IN_TIME_MS, 'SIGTERM ends within 5 s', tookMs)
    const decisions = await finalDecisions(home, report)
    for (const [requestId, { action }] of memory.answered) {
      if (action === 'RETRY') continue
      report.must(decisions.get(requestId) === action, 'each final answer is on record', requestId)
    }
    report.say(
      `  ended ${Math.round(tookMs)} ms after the signal, ${memory.answered.size} answered`,
    )
  }
  await mustVerify(home, report)
}
