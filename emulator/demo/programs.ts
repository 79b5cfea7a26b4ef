/**
 * Starts the built programs as a user would, and makes sure that none of them outlives the demo.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

/** `dist/`, from `dist/emulator/demo/programs.js`. */
const DIST = new URL('../../', import.meta.url)

/** A program that runs until it is stopped. */
export interface Service {
  readonly process: ChildProcess
  /** All of stdout so far. */
  output(): string
  /** Sends SIGTERM and waits; the exit code, or null when a signal ended it. */
  stop(): Promise<number | null>
}

/** What a program that runs to its end left behind. */
export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const running = new Set<ChildProcess>()

/** Ends whatever is still running; safe to call at any time. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/**
 * Starts `dist/<script>` and resolves once `ready` is in its output; rejects when it ends or takes
 * too long first.
 */
export async function startService(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  ready: string,
  timeoutMs = 20_000,
): Promise<Service> {
  const child = start(script, args, env)
  const seen = { stdout: '', stderr: '' }
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${script} did not start in time\n${seen.stderr}`)),
      timeoutMs,
    )
    const look = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
      seen[stream] += chunk.toString('utf8')
      if (!`${seen.stdout}${seen.stderr}`.includes(ready)) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout?.on('data', look('stdout'))
    child.stderr?.on('data', look('stderr'))
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`${script} ended with exit code ${code}\n${seen.stdout}${seen.stderr}`))
    })
  })
  return {
    process: child,
    output: () => seen.stdout,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      return child.exitCode
    },
  }
}

/** Runs `dist/<script>` to its end; `onStderr` sees its story as it is written. */
export async function runToEnd(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onStderr: (text: string) => void = () => undefined,
): Promise<Finished> {
  const child = start(script, args, env)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8')
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
    onStderr(chunk.toString('utf8'))
  })
  await once(child, 'close')
  return { exitCode: child.exitCode, stdout, stderr }
}

/** Loopback ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function start(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, DIST)), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}
