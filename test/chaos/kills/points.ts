/** Where a process can be killed: the n-th step of a kind, on entry, before it has any effect. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Built sources, seen from `dist/test/chaos/kills/`. */
const DIST = new URL('../../../', import.meta.url)

const MAIN = fileURLToPath(new URL('bootstrap/main.js', DIST))

const HOOK = new URL('hook.js', import.meta.url).href

/**
 * System calls that change a file or speak to somebody; being killed between two of them is being killed on entry to the
 * second. `write` is missing: it also prints and wakes threads. The writes to files are found by the hook.
 */
const CALLS = [
  'connect',
  'fchmod',
  'fdatasync',
  'fsync',
  'ftruncate',
  'link',
  'mkdir',
  'pwrite64',
  'rename',
  'rmdir',
  'sendmsg',
  'sendto',
  'unlink',
  'writev',
] as const

/** The steps that only the hook can tell. */
const ONLY_HOOKED: readonly string[] = ['writeFile']

/**
 * How a process is killed: by the kernel through strace, at a call of its main thread (`strace main`) or of any thread
 * (`strace`), or by a module that is loaded before the program (`hook`).
 */
export type Method = 'strace main' | 'strace' | 'hook'

export interface Point {
  readonly method: Method
  readonly call: string
  /** Counted from 1, by thread; with one thread for files it is the same call each time. */
  readonly n: number
}

/** How a process ended. */
export interface Ended {
  readonly killed: boolean
  readonly exitCode: number | null
  readonly stderr: string
}

/** What is run, without `--wait`. */
export interface Command {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Nobody waits for ever, not even for a process that hangs. */
const MAX_MS = 180_000

/** For runs that shall not give up waiting: approvals and polls take their time, and a tracer makes them slower. */
const PATIENT = ['--wait', '90s'] as const

const running = new Set<number>()

/** Ends whatever still runs, tracers and what they trace. */
export function killPoints(): void {
  for (const group of running) process.kill(-group, 'SIGKILL')
}

/** Whether strace exists here and may trace. */
export async function choosesStrace(): Promise<boolean> {
  const child = spawn('strace', ['-qq', '-o', '/dev/null', process.execPath, '-e', ''])
  const failed = once(child, 'error').then(() => false)
  const ended = once(child, 'close').then(([code]) => code === 0)
  return Promise.race([failed, ended])
}

/** Every point of a command, and the runs that were made to find them. */
export interface Listed {
  readonly points: readonly Point[]
  readonly runs: readonly Ended[]
}

/** Runs one command to its end under the hook and, where it may be used, another one like it under strace. */
export async function listPoints(
  strace: boolean,
  hookedCommand: Command,
  tracedCommand: Command,
  file: string,
): Promise<Listed> {
  const hooked = await start(withHook(hookedCommand, ''))
  const counts: Record<string, number> = JSON.parse(/chaos: (.*)/.exec(hooked.stderr)?.[1] ?? '{}')
  const steps = Object.entries(counts).flatMap(([call, count]) => upTo('hook', call, count))
  if (!strace) return { points: steps, runs: [hooked] }
  const options = ['-f', '-e', `trace=execve,${CALLS.join(',')}`]
  const traced = await start(withStrace(tracedCommand, options, file))
  const text = await readFile(file, 'utf8')
  await rm(file, { force: true })
  const points = [...pointsIn(text), ...steps.filter(({ call }) => ONLY_HOOKED.includes(call))]
  return { points, runs: [hooked, traced] }
}

/** The points in what strace has written: the first line is the start of the main thread. */
function pointsIn(text: string): Point[] {
  const main = new Map<string, number>()
  const others = new Map<string, number>()
  const leader = /^\d+/.exec(text)?.[0]
  for (const line of text.split('\n')) {
    const [, thread, call = ''] = /^(\d+) +([a-z0-9_]+)\(/.exec(line) ?? []
    const counts = thread === leader ? main : others
    counts.set(call, (counts.get(call) ?? 0) + 1)
  }
  return CALLS.flatMap((call) => [
    ...upTo('strace main', call, main.get(call) ?? 0),
    ...upTo('strace', call, others.get(call) ?? 0),
  ])
}

function upTo(method: Method, call: string, count: number): Point[] {
  return Array.from({ length: count }, (_, index) => ({ method, call, n: index + 1 }))
}

/** Runs the command and kills it at the point; a command that is done before is not killed. */
export function killAt({ method, call, n }: Point, command: Command): Promise<Ended> {
  if (method === 'hook') return start(withHook(command, `${call} ${n}`))
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${n}`]
  const options = method === 'strace' ? ['-f', ...inject] : inject
  return start(withStrace(command, options, '/dev/null'))
}

/** Runs the command undisturbed. */
export function runFreely(command: Command): Promise<Ended> {
  return start([process.execPath, [MAIN, ...command.argv], command.env])
}

type Start = readonly [command: string, args: readonly string[], env: Record<string, string>]

function withStrace({ argv, env }: Command, options: readonly string[], file: string): Start {
  const program = [process.execPath, MAIN, ...argv, ...PATIENT]
  return [
    'strace',
    ['-qq', '-o', file, ...options, ...program],
    { ...env, PATH: process.env['PATH'] ?? '', UV_THREADPOOL_SIZE: '1' },
  ]
}

function withHook({ argv, env }: Command, dieAt: string): Start {
  const args = ['--import', HOOK, MAIN, ...argv, ...PATIENT]
  return [process.execPath, args, { ...env, CHAOS_DIE_AT: dieAt }]
}

async function start([command, args, env]: Start): Promise<Ended> {
  // A group of its own, so that a tracer and what it traces can be ended together.
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const { pid } = child
  if (pid !== undefined) running.add(pid)
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  let late = false
  const timer = setTimeout(() => {
    late = true
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  }, MAX_MS)
  await once(child, 'close')
  clearTimeout(timer)
  if (pid !== undefined) running.delete(pid)
  if (late) throw new Error(`\`${args.join(' ')}\` did not end\n${stderr}`)
  return { killed: child.signalCode === 'SIGKILL', exitCode: child.exitCode, stderr }
}
