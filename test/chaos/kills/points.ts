/** Where a process can be killed: the n-th call of a kind, on entry, before it has any effect. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Built sources, seen from `dist/test/chaos/kills/`. */
const DIST = new URL('../../../', import.meta.url)

const MAIN = fileURLToPath(new URL('bootstrap/main.js', DIST))

const HOOK = new URL('hook.js', import.meta.url).href

/**
 * System calls that change a file or speak to somebody. Being killed between two of them is being killed on entry to
 * the second. `write` is also what wakes threads and prints, so there are many.
 */
const CALLS = [
  'connect',
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

/** How processes are killed: by the kernel through strace, or by a module that is loaded before the program. */
export type Method = 'strace' | 'hook'

export interface Point {
  readonly call: string
  /** Counted from 1, by thread; the program has one thread for files. */
  readonly n: number
}

export interface Killed {
  /** False: the program ended before it came to this point. */
  readonly fired: boolean
  readonly exitCode: number | null
  readonly stderr: string
}

/** What is run. */
export interface Command {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Whether strace exists here and may trace. */
export async function choosesStrace(): Promise<boolean> {
  const child = spawn('strace', ['-qq', '-o', '/dev/null', process.execPath, '-e', ''])
  const failed = once(child, 'error').then(() => false)
  const ended = once(child, 'close').then(([code]) => code === 0)
  return Promise.race([failed, ended])
}

/** Runs the command to its end and lists every point that it passed. */
export async function listPoints(
  method: Method,
  command: Command,
  file: string,
  withWrites: boolean,
): Promise<{ readonly points: readonly Point[]; readonly exitCode: number | null }> {
  if (method === 'hook') {
    const { exitCode, stderr } = await start(hooked(command, 0))
    const count = Number(/chaos: (\d+) steps/.exec(stderr)?.[1] ?? 0)
    return { exitCode, points: upTo('step', count) }
  }
  const calls = withWrites ? [...CALLS, 'write'] : CALLS
  const options = ['-e', `trace=${calls.join(',')}`]
  const { exitCode } = await start(traced(command, options, file))
  const counts = new Map<string, number>()
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const found = /^(\d+) +([a-z0-9_]+)\(/.exec(line)
    if (found === null) continue
    const key = `${found[1]} ${found[2]}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  await rm(file, { force: true })
  const points = calls.flatMap((call) => {
    const byThread = Array.from(counts).filter(([key]) => key.endsWith(` ${call}`))
    return upTo(call, Math.max(0, ...byThread.map(([, count]) => count)))
  })
  return { points, exitCode }
}

/** Runs the command and kills it at the point. */
export async function killAt(
  method: Method,
  { call, n }: Point,
  command: Command,
): Promise<Killed> {
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${n}`]
  return start(method === 'hook' ? hooked(command, n) : traced(command, inject, '/dev/null'))
}

/** Runs the command undisturbed. */
export function runFreely(command: Command): Promise<Killed> {
  return start([process.execPath, [MAIN, ...command.argv], command.env])
}

function upTo(call: string, count: number): Point[] {
  return Array.from({ length: count }, (_, index) => ({ call, n: index + 1 }))
}

type Start = readonly [command: string, args: readonly string[], env: Record<string, string>]

function traced({ argv, env }: Command, options: readonly string[], file: string): Start {
  const args = ['-f', '-qq', '-o', file, ...options, process.execPath, MAIN, ...argv]
  // With one thread for files the n-th call is the same one every time.
  return ['strace', args, { ...env, PATH: process.env['PATH'] ?? '', UV_THREADPOOL_SIZE: '1' }]
}

function hooked({ argv, env }: Command, dieAt: number): Start {
  const args = ['--import', HOOK, MAIN, ...argv]
  return [process.execPath, args, { ...env, CHAOS_DIE_AT: String(dieAt) }]
}

async function start([command, args, env]: Start): Promise<Killed> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  // Nobody waits for ever, not even for a process that hangs.
  const timer = setTimeout(() => child.kill('SIGKILL'), MAX_MS)
  await once(child, 'close')
  clearTimeout(timer)
  return { fired: child.signalCode === 'SIGKILL', exitCode: child.exitCode, stderr }
}

const MAX_MS = 120_000
