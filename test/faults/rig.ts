/** The built handler as a process of its own: homes, starts, ends, and what came out of it. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../emulator/demo/programs.ts'
import { POLICY } from '../../emulator/demo/requests.ts'
import { testKey } from '../fixtures/keys.ts'
import type { TestKey } from '../fixtures/keys.ts'

/** Built sources, seen from `dist/test/faults/`. */
const DIST = new URL('../../', import.meta.url)

/** Keys of both callers; one directory for everything, removed at the end. */
export interface World {
  readonly root: string
  /** The co-signer that the handler trusts. */
  readonly cosigner: TestKey
  /** Somebody else. */
  readonly foreign: TestKey
}

/** What a handler starts from; a restart in the same home continues. */
export interface Home {
  readonly dir: string
  readonly stateDir: string
  readonly port: number
  readonly secondPort: number
  readonly opsPort: number
  readonly env: Readonly<Record<string, string>>
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Milliseconds of `performance.now()`. */
  readonly atMs: number
}

/** A handler that accepts callbacks. */
export interface Running {
  readonly home: Home
  readonly pid: number
  /** The key of generation 1. */
  readonly answerKey: KeyObject
  /** Complete lines of standard output. */
  readonly lines: string[]
  stderr(): string
  readonly exited: Promise<Exit>
  /** Undefined while it runs. */
  exit(): Exit | undefined
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL when that takes longer than ten seconds. */
  stop(): Promise<Exit>
}

const children = new Set<ChildProcess>()

/** Ends every process that was started here. */
export function killAll(): void {
  for (const child of children) child.kill('SIGKILL')
}

export async function createWorld(): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'countersign-faults-'))
  return { root, cosigner: await testKey('cosigner'), foreign: await testKey('foreign') }
}

export async function removeWorld({ root }: World): Promise<void> {
  await rm(root, { recursive: true, force: true })
}

/** Files and settings; `stateDir` may be elsewhere, e.g. on a disk of its own. */
export async function createHome(
  world: World,
  name: string,
  { env = {}, stateDir, policy = POLICY }: HomeOptions = {},
): Promise<Home> {
  const dir = join(world.root, name)
  await mkdir(join(dir, 'cosigners'), { recursive: true, mode: 0o700 })
  await writeFile(join(dir, 'cosigners', 'vault.pem'), world.cosigner.publicKeyPem, { mode: 0o644 })
  await writeFile(join(dir, 'policy.yaml'), policy)
  const [port = 0, secondPort = 0, opsPort = 0] = await freePorts(3)
  const state = stateDir ?? join(dir, 'state')
  return {
    dir,
    stateDir: state,
    port,
    secondPort,
    opsPort,
    env: {
      HANDLER_STATE_DIR: state,
      HANDLER_PUBLIC_URL: `https://localhost:${port},https://localhost:${secondPort}`,
      HANDLER_LISTEN: `127.0.0.1:${port},127.0.0.1:${secondPort}`,
      HANDLER_OPS_LISTEN: `127.0.0.1:${opsPort}`,
      HANDLER_COSIGNER_KEYS: join(dir, 'cosigners'),
      HANDLER_POLICY_FILE: join(dir, 'policy.yaml'),
      ...env,
    },
  }
}

export interface HomeOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stateDir?: string
  readonly policy?: string
}

/** A handler that ended before it was ready. */
export class NotStarted extends Error {
  readonly exit: Exit

  constructor(exit: Exit, output: string) {
    super(`the handler ended before it was ready (${exit.signal ?? exit.code})\n${output}`)
    this.exit = exit
  }
}

/** Starts `run` and resolves when it is ready; `wrapper` is a command in front, e.g. a tracer. @throws NotStarted */
export async function startHandler(home: Home, wrapper: readonly string[] = []): Promise<Running> {
  const main = fileURLToPath(new URL('handler/main.js', DIST))
  const args = [main, 'run']
  const [tracer, ...tracerArgs] = wrapper
  const child = spawn(
    tracer ?? process.execPath,
    tracer === undefined ? args : [...tracerArgs, process.execPath, ...args],
    { env: home.env, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  children.add(child)
  const lines: string[] = []
  let rest = ''
  let stderr = ''
  let ended: Exit | undefined
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      children.delete(child)
      ended = { code, signal, atMs: performance.now() }
      resolve(ended)
    })
  })
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      const parts = `${rest}${chunk.toString('utf8')}`.split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts)
      if (parts.some((line) => line.includes('"msg":"ready"'))) resolve()
    })
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  const early = await Promise.race([ready, exited])
  if (early !== undefined) throw new NotStarted(early, `${lines.join('\n')}\n${stderr}`)
  const publicPem = await readFile(join(home.stateDir, 'keys', 'g1', 'public.pem'), 'utf8')
  const pid = pidOf(lines)
  const kill = (signal: NodeJS.Signals) => {
    if (ended === undefined) process.kill(pid, signal)
  }
  return {
    home,
    pid,
    answerKey: createPublicKey(publicPem),
    lines,
    stderr: () => stderr,
    exited,
    exit: () => ended,
    kill,
    async stop() {
      kill('SIGTERM')
      const timer = setTimeout(() => kill('SIGKILL'), 10_000)
      const exit = await exited
      clearTimeout(timer)
      return exit
    },
  }
}

/** A wrapper has another process id than what it runs; every log line names the handler's. */
function pidOf(lines: readonly string[]): number {
  const { pid }: { pid: number } = JSON.parse(lines.at(-1) ?? '')
  return pid
}
