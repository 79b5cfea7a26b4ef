/** Failing, full and stuck disks at the border of the kernel, and death at each of its calls. */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { ask, createClient, eventually, newAsk, readiness } from './client.ts'
import type { Verdict } from './client.ts'
import { deathAtEachCall } from './deaths.ts'
import { mustVerify } from './records.ts'
import { createHome, startHandler } from './rig.ts'
import type { Home } from './rig.ts'
import type { Context } from './scenario.ts'
import { inject, SYNC } from './tracer.ts'
import type { Fault, Injection } from './tracer.ts'

const FAULTS = 'faults injected'
const DEADLINE_MS = 2_000

export async function syscalls(context: Context): Promise<void> {
  const why = await notTraceable(context)
  if (why !== undefined) {
    context.report.skip('faults at system calls', why)
    return
  }
  for (const error of context.short ? ['EIO'] : ['EIO', 'ENOSPC']) {
    await failedSync(context, { calls: SYNC, how: `error=${error}` })
  }
  if (!context.short) await failedSync(context, { calls: 'pwrite64', how: 'error=EIO' })
  await fullDisk(context)
  await stuckDisk(context)
  await deathAtEachCall(context)
}

/** Why the handler cannot be traced here; undefined when it can. */
async function notTraceable({ world }: Context): Promise<string | undefined> {
  const handler = await startHandler(await createHome(world, 'traceable'))
  try {
    const injection = await inject(world, handler, { calls: SYNC, how: 'error=EIO' })
    await injection.end()
    return undefined
  } catch (error) {
    return `strace: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    handler.kill('SIGKILL')
    await handler.exited
  }
}

/** A handler with an approval behind it, then the fault. */
async function faulty(context: Context, name: string, fault: (home: Home) => Fault) {
  const { world } = context
  const home = await createHome(world, name, { env: { HANDLER_DEADLINE_MS: String(DEADLINE_MS) } })
  const handler = await startHandler(home)
  const client = createClient(home)
  const before = newAsk(world.cosigner.privateKey, 'APPROVE')
  const first = await ask(client, before, handler)
  context.report.must(first?.action === 'APPROVE', 'all is well before a fault', first)
  const injection = await inject(world, handler, fault(home))
  const askNew = () => ask(client, newAsk(world.cosigner.privateKey, 'APPROVE'), handler)
  return { home, handler, client, injection, askNew }
}

/** While the disk fails nothing new is approved; whatever is answered is a RETRY. */
async function mustNotApprove(
  { report }: Context,
  askNew: () => Promise<Verdict | undefined>,
  injection: Injection,
): Promise<readonly (Verdict | undefined)[]> {
  const verdicts = await Promise.all(Array.from({ length: 8 }, askNew))
  for (const verdict of verdicts) {
    const approved = verdict?.action === 'APPROVE'
    report.count('approvals without record', approved ? 1 : 0)
    report.must(!approved, 'nothing is approved while the disk fails', verdict)
    report.must(
      verdict === undefined || verdict.action === 'RETRY',
      'faults are answered RETRY',
      verdict,
    )
  }
  const hits = await injection.hits()
  report.count(FAULTS, hits)
  report.must(hits > 0, 'the fault strikes', hits)
  return verdicts
}

/** A failed write or sync leaves the disk in an unknown state: the process ends, and the next one reads it again. */
async function failedSync(context: Context, fault: Fault): Promise<void> {
  const { report } = context
  const what = `${fault.calls} ${fault.how}`
  const name = `sync-${what.replaceAll(/\W/g, '-')}`
  const { home, handler, client, injection, askNew } = await faulty(
    context,
    name,
    ({ stateDir }) => ({
      ...fault,
      paths: databaseFiles(stateDir),
    }),
  )
  await mustNotApprove(context, askNew, injection)
  const exit = await Promise.race([handler.exited, sleep(8_000)])
  report.must(exit !== undefined && exit.code === 10, 'a failed sync ends the process', {
    what,
    exit,
  })
  client.close()
  await injection.end()
  handler.kill('SIGKILL')
  await handler.exited
  await mustWorkAgain(context, home)
  report.say(`${what}: exit code ${exit?.code}`)
}

/** No space: RETRY and a red readiness, and all is well by itself once there is space again. */
async function fullDisk(context: Context): Promise<void> {
  const { report } = context
  const { home, handler, client, injection, askNew } = await faulty(
    context,
    'full',
    ({ stateDir }) => ({
      calls: 'pwrite64',
      how: 'error=ENOSPC',
      paths: databaseFiles(stateDir),
    }),
  )
  const verdicts = await mustNotApprove(context, askNew, injection)
  report.must(
    verdicts.every((each) => each?.action === 'RETRY'),
    'a full disk is answered with signed RETRY',
    verdicts,
  )
  const red = await eventually(async () => (await readiness(home)).status === 503)
  report.must(red, 'a full disk turns /readyz red', await readiness(home))
  await injection.end()
  const green = await eventually(async () => (await readiness(home)).status === 200)
  report.must(green, 'readiness recovers by itself', await readiness(home))
  const after = await askNew()
  report.must(after?.action === 'APPROVE', 'approvals go on after a full disk', after)
  client.close()
  await handler.stop()
  await mustVerify(home, report)
  report.say('pwrite64 error=ENOSPC: RETRY, red, then green by itself')
}

/** A sync that does not return: signed RETRY before the deadline, for those that wait and for those that come. */
async function stuckDisk(context: Context): Promise<void> {
  const { report } = context
  const stuck = await faulty(context, 'stuck', ({ stateDir }) => ({
    calls: SYNC,
    how: 'delay_enter=30000000',
    paths: databaseFiles(stateDir),
  }))
  const slowest = { ms: 0 }
  const timed = async () => {
    const began = performance.now()
    const verdict = await stuck.askNew()
    slowest.ms = Math.max(slowest.ms, performance.now() - began)
    return verdict
  }
  const verdicts = await Promise.all(Array.from({ length: 8 }, timed))
  report.count(FAULTS)
  report.must(
    verdicts.every((each) => each?.action === 'RETRY'),
    'a stuck disk is answered with signed RETRY',
    verdicts,
  )
  report.must(slowest.ms < DEADLINE_MS + 100, 'RETRY leaves before the deadline', slowest)
  report.must((await readiness(stuck.home)).status === 503, 'a stuck disk turns /readyz red')
  stuck.client.close()
  stuck.handler.kill('SIGKILL')
  await stuck.injection.end()
  await stuck.handler.exited
  await mustWorkAgain(context, stuck.home)
  report.say(`a sync hangs: RETRY after ${Math.round(slowest.ms)} ms of ${DEADLINE_MS}`)
}

async function mustWorkAgain({ report, world }: Context, home: Home): Promise<void> {
  const handler = await startHandler(home)
  const client = createClient(home)
  const verdict = await ask(client, newAsk(world.cosigner.privateKey, 'APPROVE'), handler)
  report.must(verdict?.action === 'APPROVE', 'the next process works', verdict)
  client.close()
  handler.kill('SIGKILL')
  await handler.exited
  await mustVerify(home, report)
}

function databaseFiles(stateDir: string): string[] {
  return ['decisions.db', 'decisions.db-wal'].map((name) => join(stateDir, name))
}
