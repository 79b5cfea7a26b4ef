/** Starts the processes of a run, bound to cores, and makes sure that none of them outlives it. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { canPin } from './machine.ts'

/** Which core a process may use: one of two, or whatever the system gives it. */
export type Cores = 'first' | 'second' | 'any'

/** `dist/`, from `dist/bench/processes.js`. */
const DIST = new URL('../', import.meta.url)

/** Time between SIGTERM and SIGKILL; the handler's own orderly stop takes less. */
const PATIENCE_MS = 10_000

const running = new Set<ChildProcess>()

export interface StartOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cores?: Cores
  /** File that takes stdout and stderr; nothing is kept without one. */
  readonly logFile?: string
  /** Opens a message channel, for programs of the benchmark itself. */
  readonly ipc?: boolean
  /** Drops stderr too; it is inherited otherwise. */
  readonly silent?: boolean
  readonly nodeOptions?: readonly string[]
}

/** Starts `dist/<script>`. */
export function start(script: string, options: StartOptions = {}): ChildProcess {
  const { args = [], env = {}, cores = 'any', logFile, ipc = false, nodeOptions = [] } = options
  const { silent = false } = options
  const command = [...pin(cores), process.execPath, ...nodeOptions]
  command.push(fileURLToPath(new URL(script, DIST)), ...args)
  const [program = process.execPath, ...rest] = command
  const log = logFile === undefined ? undefined : openSync(logFile, 'a', 0o600)
  const output = log ?? 'ignore'
  const child = spawn(program, rest, {
    env,
    serialization: 'advanced',
    stdio: ['ignore', output, log ?? (silent ? 'ignore' : 'inherit'), ipc ? 'ipc' : 'ignore'],
  })
  if (log !== undefined) closeSync(log)
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Process ids of those that run. */
export function runningPids(): readonly number[] {
  return [...running].flatMap(({ pid }) => pid ?? [])
}

/** Sends SIGTERM, after ten seconds SIGKILL, and waits for the end. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await ended
  clearTimeout(timer)
}

/** Ends whatever is still running; safe to call at any time. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Asks a program of the benchmark for one result over its message channel. */
export async function ask<Result>(child: ChildProcess, message: object): Promise<Result> {
  const ended = new AbortController()
  const answer = once(child, 'message', { signal: ended.signal })
  const onExit = () => ended.abort(new Error('a program of the benchmark ended before it answered'))
  child.once('exit', onExit)
  try {
    child.send(message)
    const [reply] = (await answer) as [{ result?: Result; error?: string }]
    if (reply.error !== undefined) throw new Error(reply.error)
    return reply.result as Result
  } finally {
    child.off('exit', onExit)
  }
}

/** Answers every message of the parent with the result of `work`, and ends with the parent. */
export function serveParent(work: (job: unknown) => Promise<object>): void {
  process.on('message', (job) => {
    work(job).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: String(error) }),
    )
  })
  process.on('disconnect', () => process.exit())
}

/** Loopback ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function pin(cores: Cores): string[] {
  if (cores === 'any' || !canPin) return []
  return ['/usr/bin/taskset', '-c', cores === 'first' ? '0' : '1']
}
