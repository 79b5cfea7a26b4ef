/** One handler process, both remote parties in this process, and a pairing: what a rotation needs around it. */
import { join } from 'node:path'
import { readFile, writeFile } from 'node:fs/promises'
import type { AuthMode, HandlerStatus } from '../../../common/admin-api.ts'
import { systemClock, systemSleep } from '../../../common/clock.ts'
import { ensurePrivateDirectory } from '../../../common/atomic-file.ts'
import { connectHandler } from '../../../bootstrap/handler-socket.ts'
import { freePorts, runToEnd, startService } from '../../../emulator/demo/programs.ts'
import type { Finished } from '../../../emulator/demo/programs.ts'
import { startEmulator } from '../../../emulator/emulator.ts'
import type { RunningEmulator } from '../../../emulator/emulator.ts'
import type { RunKeys } from '../../../emulator/key-files.ts'
import type { Knobs } from '../../../emulator/knobs.ts'
import { CALM } from '../../../emulator/knobs.ts'

/** Approves whatever is a transfer: the answers are not what is tested here. */
const POLICY = `version: 1
default: REJECT
rules:
  - id: transfers
    when: { endpoint: tx_sign_request, operation: TRANSFER }
    then: APPROVE
`

export interface Rig {
  readonly mode: AuthMode
  readonly emulator: RunningEmulator
  readonly stateDir: string
  /** Environment of the bootstrapper. */
  readonly env: Readonly<Record<string, string>>
  /** Sets these knobs and calms all others. */
  turn(knobs: Partial<Knobs>): void
  /** Runs the built bootstrapper. */
  boot(...argv: string[]): Promise<Finished>
  control<T>(method: string, path: string, body?: unknown): Promise<T>
  handler(): Promise<HandlerStatus>
  stop(): Promise<void>
}

/** Starts both parties; nothing is paired yet. `keys` are those of the emulator. */
export async function startRig(
  directory: string,
  mode: AuthMode,
  seed: number,
  keys: RunKeys,
): Promise<Rig> {
  await ensurePrivateDirectory(directory)
  const emulator = await startEmulator({
    listen: { host: '127.0.0.1', port: 0 },
    dir: join(directory, 'emulator'),
    seed,
    keys,
    autoApproveMs: 0,
    cosigners: 1,
    clock: systemClock,
    sleep: systemSleep,
    onBug: (message) => process.stderr.write(`bug: ${message}\n`),
  })
  const { json } = emulator
  const stateDir = join(directory, 'state')
  const policyFile = join(directory, 'policy.yaml')
  await writeFile(policyFile, POLICY)
  const [a = 0, b = 0, ops = 0] = await freePorts(3)
  const handler = await startService(
    'handler/main.js',
    ['run'],
    {
      HANDLER_STATE_DIR: stateDir,
      HANDLER_PUBLIC_URL: `https://localhost:${a},https://localhost:${b}`,
      HANDLER_LISTEN: `127.0.0.1:${a},127.0.0.1:${b}`,
      HANDLER_OPS_LISTEN: `127.0.0.1:${ops}`,
      HANDLER_POLICY_FILE: policyFile,
      HANDLER_AUTH: mode,
      ...(mode === 'certificate'
        ? { HANDLER_ALLOWED_CIDRS: '127.0.0.0/8' }
        : { HANDLER_COSIGNER_KEYS: json.cosignerPublicKeysDir }),
    },
    '"msg":"ready"',
  )
  const env = {
    FIREBLOCKS_API_KEY: json.apiKey,
    FIREBLOCKS_SECRET_KEY_PATH: json.secretKeyPath,
    FIREBLOCKS_BASE_PATH: json.apiBasePath,
    HANDLER_STATE_DIR: stateDir,
  }
  return {
    mode,
    emulator,
    stateDir,
    env,
    turn: (knobs) => {
      emulator.state.chaos.knobs = { ...CALM, ...knobs }
    },
    boot: (...argv) => runToEnd('bootstrap/main.js', argv, env),
    async control<T>(method: string, path: string, body?: unknown): Promise<T> {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
      const response = await fetch(`${json.controlUrl}${path}`, init)
      const answer: T = JSON.parse(await response.text())
      return answer
    },
    handler: () => connectHandler(join(stateDir, 'admin.sock')).status(),
    async stop() {
      await handler.stop()
      await emulator.stop()
    },
  }
}

/** A complaint with everything the bootstrapper said. */
export function complaint(what: string, { exitCode, stderr }: Finished): string {
  return `${what}: exit ${exitCode}\n${stderr}`
}

/** For looking at what was left on disk. */
export function readText(path: string): Promise<string> {
  return readFile(path, 'utf8')
}
