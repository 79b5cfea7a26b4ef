/** A store that is not the one that was used: RETRY until the operator says that there is no newer one. */
import { copyFile, readdir, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { runToEnd } from '../../emulator/demo/programs.ts'
import { ask, createClient, newAsk, readiness } from './client.ts'
import { mustVerify } from './records.ts'
import { createHome, NotStarted, startHandler } from './rig.ts'
import type { Home } from './rig.ts'
import type { Context } from './scenario.ts'

/** What happens to the files of a store while nobody has it open. */
interface Loss {
  readonly what: string
  readonly happen: (stateDir: string) => Promise<void>
  /** False: the process is killed before, so that the newest records are in the write-ahead log only. */
  readonly closed?: boolean
  /** True: the file may be beyond use, and then the handler must not start. */
  readonly ruined?: boolean
}

const FILES = ['decisions.db', 'decisions.db-wal', 'decisions.db-shm']

const LOSSES: readonly Loss[] = [
  { what: 'the store is deleted', happen: (dir) => remove(dir, FILES) },
  { what: "yesterday's copy is put back", happen: restore },
  { what: 'the high-water mark is deleted', happen: (dir) => remove(dir, ['decisions.db.mark']) },
  { what: 'the high-water mark is cut', happen: (dir) => cut(dir, 'decisions.db.mark', 0.5) },
  {
    what: 'the write-ahead log is deleted',
    happen: (dir) => remove(dir, FILES.slice(1)),
    closed: false,
  },
  {
    what: 'the write-ahead log is cut',
    happen: (dir) => cut(dir, 'decisions.db-wal', 0.7),
    closed: false,
  },
  { what: 'the store is cut', happen: (dir) => cut(dir, 'decisions.db', 0.5), ruined: true },
  { what: 'the store is emptied', happen: (dir) => cut(dir, 'decisions.db', 0) },
]

export async function lostStores(context: Context): Promise<void> {
  const losses = context.short ? LOSSES.slice(0, 2) : LOSSES
  for (const [index, loss] of losses.entries()) await lose(context, loss, `store-${index}`)
}

async function lose(context: Context, loss: Loss, name: string): Promise<void> {
  const { report } = context
  const home = await createHome(context.world, name)
  await live(context, home, true, 3)
  await backUp(home.stateDir)
  await live(context, home, loss.closed ?? true, 5)
  await loss.happen(home.stateDir)
  report.count('stores lost, replaced or cut')
  try {
    await mustRefuse(context, home, loss)
  } catch (error) {
    const refused = error instanceof NotStarted && error.exit.code !== 0
    report.must(refused && loss.ruined === true, 'a lost store is noticed', {
      what: loss.what,
      error,
    })
    report.say(`${loss.what}: does not start`)
  }
}

/** A life in which some requests are approved. */
async function live({ report, world }: Context, home: Home, close: boolean, approvals: number) {
  const handler = await startHandler(home)
  const client = createClient(home)
  for (let n = 0; n < approvals; n += 1) {
    const verdict = await ask(client, newAsk(world.cosigner.privateKey, 'APPROVE'), handler)
    report.must(verdict?.action === 'APPROVE', 'all is well before a fault', verdict)
  }
  client.close()
  handler.kill(close ? 'SIGTERM' : 'SIGKILL')
  await handler.exited
}

async function mustRefuse({ report, world }: Context, home: Home, { what }: Loss): Promise<void> {
  const handler = await startHandler(home)
  const client = createClient(home)
  const askNew = () => ask(client, newAsk(world.cosigner.privateKey, 'APPROVE'), handler)
  const verdict = await askNew()
  report.must(verdict?.action === 'RETRY', 'a lost store is noticed, and answered with RETRY', {
    what,
    verdict,
  })
  const red = await readiness(home)
  report.must(red.status === 503, 'a lost store turns /readyz red', { what, red })
  const accept = ['audit', 'accept-store', '--state-dir', home.stateDir]
  const unsure = await runToEnd('handler/main.js', accept, {})
  report.must(unsure.exitCode === 2, 'a store is not accepted without --yes', unsure)
  const sure = await runToEnd('handler/main.js', [...accept, '--yes', '--by', 'faults'], {})
  report.must(sure.exitCode === 0, 'the operator can accept a store', sure)
  const after = await askNew()
  report.must(after?.action === 'APPROVE', 'an accepted store is used at once', { what, after })
  client.close()
  handler.kill('SIGKILL')
  await handler.exited
  await mustVerify(home, report)
  report.say(`${what}: RETRY until it is accepted`)
}

async function backUp(stateDir: string): Promise<void> {
  await copyFile(join(stateDir, 'decisions.db'), join(stateDir, 'yesterday'))
}

async function restore(stateDir: string): Promise<void> {
  await remove(stateDir, FILES)
  await copyFile(join(stateDir, 'yesterday'), join(stateDir, 'decisions.db'))
}

async function remove(stateDir: string, names: readonly string[]): Promise<void> {
  const there = new Set(await readdir(stateDir))
  for (const name of names) if (there.has(name)) await rm(join(stateDir, name))
}

async function cut(stateDir: string, name: string, part: number): Promise<void> {
  const path = join(stateDir, name)
  await truncate(path, Math.floor((await stat(path)).size * part))
}
