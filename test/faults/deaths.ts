/** Death at a chosen system call: whatever was answered before it is on record, and is answered again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { drawWithin } from '../../emulator/chaos.ts'
import { createClient, newAsk } from './client.ts'
import { createMemory, deliver } from './load.ts'
import type { Memory } from './load.ts'
import { finalDecisions, mustVerify } from './records.ts'
import { createHome, NotStarted, startHandler } from './rig.ts'
import type { Exit, Home, Running } from './rig.ts'
import type { Context } from './scenario.ts'
import { killAt, SYNC } from './tracer.ts'

/** SIGKILL at the first such call, then at the second, until a whole life passes without reaching the n-th. */
export async function deathAtEachCall(context: Context): Promise<void> {
  const until = performance.now() + context.seconds * 1_000
  const sweeps = ['rename,renameat,renameat2', SYNC, 'pwrite64']
  for (const [index, calls] of sweeps.entries()) {
    const share = performance.now() + (until - performance.now()) / (sweeps.length - index)
    // Creating the database alone writes hundreds of times: that sweep takes steps.
    const step = () => (calls === 'pwrite64' ? drawWithin(context.chaos, 'step', [5, 60]) : 1)
    let at = 0
    let fired = true
    while (fired && (at === 0 || performance.now() < share)) {
      at += step()
      fired = await deathAt(context, calls, at)
    }
    const ending = fired ? 'the time was up' : 'then nothing fired any more'
    context.report.say(`SIGKILL at ${calls}, up to number ${at}; ${ending}`)
  }
}

/** One life in a fresh home that ends at the n-th call; false when it did not end. */
async function deathAt(context: Context, calls: string, n: number): Promise<boolean> {
  const { report, world } = context
  const home = await createHome(world, `kill-${calls.split(',')[0]}-${n}`)
  const { wrapper } = killAt(world, calls, n)
  const memory = createMemory()
  const exit = await live(context, home, memory, wrapper)
  if (exit !== undefined) report.count('faults injected')
  report.count('kills', exit === undefined ? 0 : 1)
  const handler = await startHandler(home)
  const client = createClient(home)
  const decisions = await finalDecisions(home, report)
  for (const [requestId, { ask: asked, action }] of memory.answered) {
    const recorded = action === 'RETRY' || decisions.get(requestId) === action
    report.count('approvals without record', recorded || action !== 'APPROVE' ? 0 : 1)
    report.must(recorded, 'each final answer is on record', { calls, n, requestId, action })
    await deliver(asked, client, handler, memory, report)
  }
  for (const asked of memory.unanswered.values()) {
    await deliver(asked, client, handler, memory, report)
  }
  report.must(memory.unanswered.size === 0, 'what was asked before a kill is answered after it')
  client.close()
  handler.kill('SIGKILL')
  await handler.exited
  await mustVerify(home, report)
  return exit !== undefined
}

/** Starts, asks a few things, and goes away; gives the end when it came before that. */
async function live(
  context: Context,
  home: Home,
  memory: Memory,
  wrapper: readonly string[],
): Promise<Exit | undefined> {
  let handler: Running
  try {
    handler = await startHandler(home, wrapper)
  } catch (error) {
    if (error instanceof NotStarted) return error.exit
    throw error
  }
  const client = createClient(home)
  for (const expected of ['APPROVE', 'REJECT', 'APPROVE', 'RETRY', 'APPROVE'] as const) {
    const asked = newAsk(context.world.cosigner.privateKey, expected)
    await deliver(asked, client, handler, memory, context.report)
  }
  client.close()
  await sleep(20)
  const exit = handler.exit()
  handler.kill('SIGKILL')
  await handler.exited
  return exit
}
