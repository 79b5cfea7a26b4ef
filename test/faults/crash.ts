/** kill -9 at random moments under load: after each restart everything answered before gets the same answer again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { drawWithin } from '../../emulator/chaos.ts'
import { createClient } from './client.ts'
import type { Client } from './client.ts'
import { createMemory, deliver, inParallel, load } from './load.ts'
import type { Memory } from './load.ts'
import { mustVerify, finalDecisions } from './records.ts'
import { createHome, startHandler } from './rig.ts'
import type { Home, Running } from './rig.ts'
import type { Context } from './scenario.ts'

const PER_SECOND = 200

/** Answers of earlier rounds that are asked for again in each round; all of them at the end. */
const SAMPLE = 200

/** How far everything had been checked when a round ended. */
interface Checked {
  readonly answers: number
  readonly records: number
}

export async function crash(context: Context): Promise<void> {
  const { report } = context
  const home = await createHome(context.world, 'crash')
  const memory = createMemory()
  const until = performance.now() + context.seconds * 1_000
  let checked: Checked = { answers: 0, records: 0 }
  let rounds = 0
  do {
    checked = await round(context, home, memory, checked)
    rounds += 1
  } while (performance.now() < until)
  const handler = await startHandler(home)
  const client = createClient(home)
  await resend(context, handler, client, memory, [...memory.answered.keys()])
  client.close()
  await handler.stop()
  report.count('kills', rounds)
  report.count('changed decisions', 0)
  report.say(`${rounds} kills, ${memory.answered.size} requests answered, each asked again`)
}

/** Starts, asks again, loads, kills, and reads what is on disk. */
async function round(
  context: Context,
  home: Home,
  memory: Memory,
  { answers, records }: Checked,
): Promise<Checked> {
  const { chaos, report, world } = context
  const all = [...memory.answered.keys()]
  const offset = drawWithin(chaos, 'sample', [0, Math.max(0, answers - SAMPLE)])
  const handler = await startHandler(home)
  const client = createClient(home)
  await resend(context, handler, client, memory, all.slice(offset, offset + SAMPLE))
  const end = new AbortController()
  const options = { world, chaos, client, handler, memory, report, perSecond: PER_SECOND }
  const loading = load(options, end.signal)
  await sleep(drawWithin(chaos, 'life', [100, 1_200]))
  handler.kill('SIGKILL')
  end.abort()
  const sent = await loading
  await handler.exited
  client.close()
  report.count('requests under kill -9', sent)
  await mustVerify(home, report)
  const decisions = await finalDecisions(home, report, records + 1)
  for (const [requestId, { action }] of [...memory.answered].slice(answers)) {
    if (action === 'RETRY') continue
    const recorded = decisions.get(requestId) === action
    report.count('approvals without record', recorded || action !== 'APPROVE' ? 0 : 1)
    report.must(recorded, 'each final answer is on record', { requestId, action })
  }
  return { answers: memory.answered.size, records: records + decisions.size }
}

/** Asks again for what was answered, and for everything that never was, as the co-signer does after a RETRY. */
async function resend(
  { report }: Context,
  handler: Running,
  client: Client,
  memory: Memory,
  requestIds: readonly string[],
): Promise<void> {
  const asks = requestIds.flatMap((id) => memory.answered.get(id)?.ask ?? [])
  await inParallel(16, [...asks, ...memory.unanswered.values()], async (ask) => {
    const outcome = await deliver(ask, client, handler, memory, report)
    report.must(
      outcome === 'answered',
      'what was asked before a kill is answered after it',
      outcome,
    )
    report.count('answers compared with the one before a kill')
  })
}
