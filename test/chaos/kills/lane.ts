/** One handler and its pairings, in which `up` and `rotate` are killed again and again and always finished. */
import { createHash, createPublicKey } from 'node:crypto'
import { cp, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { kidOf } from '../../../certs/inspect.ts'
import { systemClock, systemSleep } from '../../../common/clock.ts'
import { settle } from '../../../emulator/approvals.ts'
import { startEmulator } from '../../../emulator/emulator.ts'
import type { RunningEmulator } from '../../../emulator/emulator.ts'
import type { RunKeys } from '../../../emulator/key-files.ts'
import { bootstrapDirectory, userDirectory } from '../../../bootstrap/state-paths.ts'
import { readText } from '../rotations/rig.ts'
import type { Rig } from '../rotations/rig.ts'
import { runFreely } from './points.ts'
import type { Command, Ended } from './points.ts'

export interface Lane {
  readonly name: string
  readonly rig: Rig
  readonly keys: RunKeys
  readonly root: string
  /** An API user's key to start with; undefined: the program makes its own. */
  readonly userKey: string | undefined
  /** Milliseconds until people have approved. */
  readonly approvalMs: number
}

/** A command with the world in which it runs, and what must be true when it has ended. */
export interface Scene {
  readonly command: Command
  readonly emulator: RunningEmulator
  /** What does not hold. */
  problems(): Promise<string[]>
  close(): Promise<void>
}

/** Same command again at most so often. */
const MAX_RUNS = 20

/** When a PATCH is lost nothing can come any more, and every run would wait for it. */
const IMPATIENT = ['--wait', '4s'] as const

/** A workspace of its own with nothing in it, for `up` with the lane's handler. */
export async function sceneOfUp(lane: Lane, name: string): Promise<Scene> {
  const { rig, keys } = lane
  const directory = join(lane.root, name)
  const stateDir = join(directory, 'state')
  await mkdir(join(stateDir, 'bootstrap'), { recursive: true, mode: 0o700 })
  const emulator = await startEmulator({
    listen: { host: '127.0.0.1', port: 0 },
    dir: join(directory, 'emulator'),
    seed: Number.parseInt(createHash('sha256').update(name).digest('hex').slice(0, 8), 16),
    keys,
    autoApproveMs: lane.approvalMs,
    cosigners: 1,
    clock: systemClock,
    sleep: systemSleep,
    onBug: (message) => process.stderr.write(`bug: ${message}\n`),
  })
  const { apiKey, secretKeyPath, apiBasePath, cosignerId } = emulator.json
  const home = userDirectory(stateDir, 'countersign')
  if (lane.userKey !== undefined) {
    await mkdir(home, { recursive: true, mode: 0o700 })
    await cp(join(lane.userKey, 'key'), join(home, 'key'), { recursive: true })
  }
  const env = {
    FIREBLOCKS_API_KEY: apiKey,
    FIREBLOCKS_SECRET_KEY_PATH: secretKeyPath,
    FIREBLOCKS_BASE_PATH: apiBasePath,
    HANDLER_STATE_DIR: stateDir,
    HANDLER_ADMIN_SOCKET: join(rig.stateDir, 'admin.sock'),
  }
  return {
    command: { argv: ['up', '--cosigner-id', cosignerId], env },
    emulator,
    problems: () => problemsAfterUp(lane, emulator, home),
    close: () => emulator.stop(),
  }
}

async function problemsAfterUp(
  { rig, userKey }: Lane,
  { state, json }: RunningEmulator,
  home: string,
): Promise<string[]> {
  const problems: string[] = []
  const users = Array.from(state.users.values()).filter(({ name }) =>
    name.startsWith('countersign-'),
  )
  const [user] = users
  if (user === undefined || users.length > 1) problems.push(`${users.length} API users`)
  const pem = await readText(join(home, 'key', 'private.pem'))
  if (user !== undefined && kidOf(createPublicKey(pem)) !== kidOf(user.publicKey)) {
    problems.push('the API user has another key')
  }
  if (userKey !== undefined && pem !== (await readText(join(userKey, 'key', 'private.pem')))) {
    problems.push('the private key was replaced')
  }
  problems.push(...(await problemsOfPairing(rig, state, `${json.cosignerId}/${user?.id ?? ''}`)))
  return problems
}

/** The next rotation of the lane's own pairing. */
export async function sceneOfRotate({ rig }: Lane): Promise<Scene> {
  const before = (await rig.handler()).generations.length
  const { emulator } = rig
  const argv = ['rotate', '--yes', '--drain', '1s']
  return {
    command: { argv, env: rig.env },
    emulator,
    problems: async () => {
      const made = (await rig.handler()).generations.length - before
      const [key = ''] = emulator.state.pairings.keys()
      const problems = await problemsOfPairing(rig, emulator.state, key)
      if (made !== 1) problems.push(`${made} generations were made`)
      return problems
    },
    close: async () => undefined,
  }
}

/** The pairing shows the newest generation, every machine uses it, and the handler knows. */
async function problemsOfPairing(
  rig: Rig,
  state: RunningEmulator['state'],
  key: string,
): Promise<string[]> {
  const problems: string[] = []
  const { generations, pairings } = await rig.handler()
  const newest = generations.findLast((one) => one.state === 'live')
  const pairing = state.pairings.get(key)
  const changes = [pairing?.shown ?? [], ...(pairing?.used ?? [])]
  const urls = changes.map((list) => list.at(-1)?.handler?.url)
  if (urls.some((url) => url === undefined || url !== newest?.url)) {
    problems.push(`the co-signer calls ${urls.join(', ')}, not ${newest?.url}`)
  }
  if (changes.flat().some(({ handler }) => !handler)) problems.push('paired without a handler')
  const needs = pairings[key]
  if (needs?.live !== newest?.generation || needs?.pending !== null) {
    problems.push(`the handler was told ${JSON.stringify(needs)}`)
  }
  return problems
}

/** The same command until it has ended; `--resubmit` when it says so and nothing waits for people. */
export async function finish(
  scene: Scene,
): Promise<{ readonly runs: number; readonly last: Ended }> {
  const { state } = scene.emulator
  let flags: string[] = []
  for (let runs = 1; ; runs += 1) {
    const { argv, env } = scene.command
    const last = await runFreely({ argv: [...argv, ...IMPATIENT, ...flags], env })
    if (last.exitCode === 0 || runs === MAX_RUNS) return { runs, last }
    if (last.exitCode !== 5) return { runs, last }
    settle(state, Date.now())
    const open = state.requests.some(
      ({ status }) => status === 'WAITING_FOR_APPROVAL' || status === 'APPROVED',
    )
    flags = open || !last.stderr.includes('--resubmit') ? [] : ['--resubmit']
  }
}

/** Temporary files of the bootstrapper that killed processes have left; nobody reads them. */
export async function litter({ command }: Scene): Promise<number> {
  const directory = bootstrapDirectory(command.env['HANDLER_STATE_DIR'] ?? '')
  const names = await readdir(directory, { recursive: true })
  return names.filter((name) => name.endsWith('.tmp')).length
}
