/** Faults at the border of the kernel, with strace: system calls of a running handler fail, hang, or kill it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Running, World } from './rig.ts'

/** What strace injects, e.g. `fdatasync:error=EIO`; several calls are separated by commas. */
export interface Fault {
  readonly calls: string
  readonly how: string
  /** Only calls on these files. */
  readonly paths?: readonly string[]
}

/** A fault in force. */
export interface Injection {
  /** Calls that were hit so far. */
  hits(): Promise<number>
  /** Takes the fault away; the handler goes on. */
  end(): Promise<void>
}

/** SQLite takes the one that it was built with. */
export const SYNC = 'fsync,fdatasync'

let count = 0

function strace(
  { root }: World,
  { calls, how, paths = [] }: Fault,
): { args: string[]; log: string } {
  count += 1
  const log = join(root, `strace-${count}`)
  const only = paths.flatMap((path) => ['-P', path])
  return {
    args: ['-f', '-o', log, ...only, '-e', `trace=${calls}`, '-e', `inject=${calls}:${how}`],
    log,
  }
}

/** Makes calls of a running handler fail. @throws when it cannot be traced */
export async function inject(world: World, handler: Running, fault: Fault): Promise<Injection> {
  const { args, log } = strace(world, fault)
  const child = spawn('strace', [...args, '-p', String(handler.pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('attached')) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(said.trim())))
  })
  return {
    hits: () => hitsIn(log),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      // It cannot let go of a call that it holds back; the handler is then killed anyway.
      await Promise.race([ended, sleep(2_000)])
      child.kill('SIGKILL')
    },
  }
}

/** The command in front of a handler that is killed at the n-th such call of one of its threads. */
export function killAt(world: World, calls: string, n: number): { wrapper: string[] } {
  const { args } = strace(world, { calls, how: `signal=SIGKILL:when=${n}` })
  return { wrapper: ['strace', ...args] }
}

async function hitsIn(log: string): Promise<number> {
  const text = await readFile(log, 'utf8').catch(() => '')
  return text.split('(INJECTED)').length - 1 + text.split('(DELAYED)').length - 1
}
