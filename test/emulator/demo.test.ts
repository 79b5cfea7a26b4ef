import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { describeFailures } from '../../emulator/demo/steps.ts'
import type { TrafficCounts } from '../../emulator/traffic.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const MAIN = join(import.meta.dirname, '../../dist/emulator/demo/main.js')

describe('a demo that is cut short', () => {
  // `npm run demo | head -3` ended with a stack, an emulator that ran on for 20 minutes, and a folder with keys.
  it('leaves nothing behind when its reader has seen enough', async () => {
    const demo = await startDemo()
    await demo.printed('Start the handler')
    demo.process.stdout?.destroy()
    await expectGone(demo, 141)
    expect(demo.stderr()).toBe('')
  })

  // The terminal sends Ctrl-C to every program, and npm passes it on: the second one killed the demo before it had
  // cleaned up, and the handler's end was told as a failure.
  it('leaves nothing behind after Ctrl-C, and calls nothing a failure', async () => {
    const demo = await startDemo()
    await demo.printed('base URL of generation 1')
    process.kill(-demo.pid, 'SIGINT')
    demo.process.kill('SIGINT')
    await expectGone(demo, 130)
    expect(demo.stdout()).not.toContain('FAILED')
    expect(demo.stderr()).toBe('')
  })
})

describe('a demo that fails', () => {
  // It said no more than "not one callback failed".
  it('says which callbacks failed, and how', () => {
    const counts: Pick<TrafficCounts, 'failed' | 'failures'> = {
      failed: { total: 3, byKind: { RESET: 2, TIMEOUT: 1 } },
      failures: [
        {
          url: 'https://localhost:8443/g1/v2/tx_sign_request',
          mode: 'hybrid',
          machine: 'm1',
          durationMs: 2001.7,
          error: { kind: 'RESET', message: 'socket hang up' },
        },
      ],
    }
    expect(describeFailures({ ...CALM, ...counts })).toEqual([
      '2 RESET, 1 TIMEOUT',
      'RESET after 2002 ms at https://localhost:8443/g1/v2/tx_sign_request: socket hang up',
      'and 2 more',
    ])
    expect(describeFailures(CALM)).toEqual([])
  })
})

const CALM: TrafficCounts = {
  running: false,
  ratePerSecond: 50,
  sent: 3,
  inFlight: 0,
  skipped: 0,
  answered: { total: 0, byAction: {} },
  failed: { total: 0, byKind: {} },
  byUrl: {},
  latencyMs: null,
  failures: [],
}

interface Demo {
  readonly process: ChildProcess
  readonly pid: number
  readonly directory: string
  stdout(): string
  stderr(): string
  /** Resolves once the text was printed. */
  printed(text: string): Promise<void>
}

/** The demo in a process group of its own, as a terminal starts it, with a temporary directory of its own. */
async function startDemo(): Promise<Demo> {
  const directory = await temporaryDirectory()
  const child = spawn(process.execPath, [MAIN], {
    env: { TMPDIR: directory },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const seen = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    seen.stdout += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    seen.stderr += chunk.toString('utf8')
  })
  return {
    process: child,
    pid: child.pid ?? 0,
    directory,
    stdout: () => seen.stdout,
    stderr: () => seen.stderr,
    async printed(text) {
      while (!seen.stdout.includes(text)) {
        if (child.exitCode !== null) throw new Error(`ended early: ${seen.stdout}${seen.stderr}`)
        await sleep(20)
      }
    },
  }
}

async function expectGone(demo: Demo, exitCode: number): Promise<void> {
  const [code] = await once(demo.process, 'exit')
  expect(code).toBe(exitCode)
  expect(await readdir(demo.directory)).toEqual([])
  expect(await programsIn(demo.directory)).toEqual([])
}

/** Command lines that name the directory; the kernel may need a moment to end a process that was killed. */
async function programsIn(directory: string): Promise<string[]> {
  for (let tries = 0; ; tries += 1) {
    const found: string[] = []
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
      if (`${await read('cmdline')}${await read('environ')}`.includes(directory)) found.push(pid)
    }
    if (found.length === 0 || tries === 50) return found
    await sleep(20)
  }
}
