/** A disk that is really full: a small file system in memory, filled by the handler's own records. */
import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { transfer } from '../../emulator/demo/requests.ts'
import { createClient, eventually, readiness, tokenOf, verdictOf } from './client.ts'
import { finalDecisions, mustVerify } from './records.ts'
import { createHome, startHandler } from './rig.ts'
import type { Context } from './scenario.ts'

/** Room for the keys and an empty store, and for some records of 100 kB. */
const SMALL = '2m'
const LARGE = '64m'

export async function fullFileSystem(context: Context): Promise<void> {
  const { report, world, short } = context
  if (short) {
    report.skip('a full file system', 'left out with --short; see pwrite64 error=ENOSPC')
    return
  }
  const disk = join(world.root, 'disk')
  await mkdir(disk, { mode: 0o700 })
  try {
    mount('-t', 'tmpfs', '-o', `size=${SMALL},mode=700`, 'tmpfs', disk)
  } catch (error) {
    report.skip('a full file system', `mount: ${String(error).split('\n').at(1) ?? String(error)}`)
    return
  }
  try {
    await fill(context, disk)
  } finally {
    execFileSync('umount', ['--lazy', disk])
  }
}

function mount(...args: readonly string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' })
}

async function fill({ report, world }: Context, disk: string): Promise<void> {
  const home = await createHome(world, 'full-disk', { stateDir: join(disk, 'state') })
  const handler = await startHandler(home)
  const client = createClient(home)
  const approved: string[] = []
  const askWith = async (note: string) => {
    const claims: Record<string, unknown> = { ...transfer('0.25'), note }
    const id = String(claims['requestId'])
    const seen = await client.post(tokenOf(world.cosigner.privateKey, claims))
    const verdict = verdictOf(seen, id, handler.answerKey)
    if (verdict?.action === 'APPROVE') approved.push(id)
    return verdict
  }
  let refusals = 0
  // Large records until none fits, then small ones into what is left.
  for (const length of [100_000, 10]) {
    let refused = 0
    for (let n = 0; n < 200 && refused < 5; n += 1) {
      const verdict = await askWith('n'.repeat(length))
      const known = verdict?.action === 'APPROVE' || verdict?.action === 'RETRY'
      report.must(known, 'a full disk is answered with signed RETRY', verdict)
      if (verdict?.action === 'RETRY') refused += 1
    }
    refusals += refused
  }
  report.count('faults injected', refusals)
  report.must(refusals > 0, 'the disk is full at some time')
  const red = await eventually(async () => (await readiness(home)).status === 503)
  report.must(red, 'a full disk turns /readyz red')
  mount('-o', `remount,size=${LARGE}`, disk)
  const green = await eventually(async () => (await readiness(home)).status === 200)
  report.must(green, 'readiness recovers by itself')
  const after = await askWith('small')
  report.must(after?.action === 'APPROVE', 'approvals go on after a full disk', after)
  client.close()
  await handler.stop()
  await mustVerify(home, report)
  const decisions = await finalDecisions(home, report)
  for (const id of approved) {
    const recorded = decisions.get(id) === 'APPROVE'
    report.count('approvals without record', recorded ? 0 : 1)
    report.must(recorded, 'each final answer is on record', id)
  }
  report.say(`${approved.length - 1} approvals, then RETRY and red, then green by itself`)
}
