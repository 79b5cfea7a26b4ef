/** Programs of the system: which of those needed here are missing, and one call to run one of them to its end. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What came of a program. */
export interface Outcome {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds after which it is killed; default ten minutes. */
  readonly timeoutMs?: number
}

const TEN_MINUTES = 600_000

/** Programs, each with the Debian package that brings it. */
const NEEDED: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  podman: 'podman',
  runc: 'runc',
  iptables: 'iptables',
  debootstrap: 'debootstrap',
}

/** Why nothing can be run here, in one line with the remedy; undefined when everything is there. */
export function whatIsMissing(env: NodeJS.ProcessEnv): string | undefined {
  if (process.platform !== 'linux') return 'containers are run on Linux only'
  if (process.getuid?.() !== 0) return 'a base image is made with debootstrap, which must be root'
  const missing = Object.keys(NEEDED).filter((program) => !isThere(program, env['PATH'] ?? ''))
  if (missing.length === 0) return undefined
  const packages = missing.map((program) => NEEDED[program]).join(' ')
  return `missing: ${missing.join(', ')} (apt-get install --no-install-recommends ${packages})`
}

function isThere(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

const running = new Set<number>()

/** Kills every program that still runs, and what it started. */
export function killPrograms(): void {
  for (const group of running) process.kill(-group, 'SIGKILL')
}

/** Runs a program to its end; only a program that cannot be started rejects. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env, timeoutMs = TEN_MINUTES }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const group = child.pid
    if (group !== undefined) running.add(group)
    const timer = setTimeout(
      () => group !== undefined && process.kill(-group, 'SIGKILL'),
      timeoutMs,
    )
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        text[name] += chunk
      })
    }
    const over = () => {
      clearTimeout(timer)
      if (group !== undefined) running.delete(group)
    }
    child.once('error', (error) => {
      over()
      reject(error)
    })
    child.once('close', (exitCode) => {
      over()
      resolve({ exitCode, ...text })
    })
  })
}

/** The same for a program that must succeed; gives its standard output. */
export async function must(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const outcome = await run(program, args, options)
  if (outcome.exitCode === 0) return outcome.stdout
  const last = `${outcome.stdout}${outcome.stderr}`.trim().split('\n').slice(-15).join('\n')
  throw new Error(`\`${program} ${args.join(' ')}\` ended with ${outcome.exitCode}:\n${last}`)
}
