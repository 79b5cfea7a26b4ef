import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { freePorts } from '../fixtures/handler.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const ROOT = join(import.meta.dirname, '../..')
const shells: ChildProcess[] = []

afterEach(async () => {
  for (const shell of shells.splice(0)) {
    if (shell.pid === undefined || shell.exitCode !== null) continue
    const closed = once(shell, 'close')
    process.kill(-shell.pid, 'SIGTERM')
    await closed
  }
})

/** The blocks of commands between a heading and the next one. */
async function blocksUnder(heading: string): Promise<string[]> {
  const page = await readFile(join(ROOT, 'docs/emulator.md'), 'utf8')
  const section = page.slice(page.indexOf(`## ${heading}\n`) + 3).split('\n## ')[0] ?? ''
  return Array.from(section.matchAll(/^```sh\n(.*?)^```/gms), ([, block = '']) => block)
}

/** A directory with the three commands on the PATH, and ports that nothing else uses. */
async function place(): Promise<{ cwd: string; env: NodeJS.ProcessEnv }> {
  const cwd = await temporaryDirectory()
  await mkdir(join(cwd, 'bin'))
  for (const program of ['handler', 'bootstrap', 'emulator']) {
    const main = join(ROOT, `dist/${program}/main.js`)
    await chmod(main, 0o755)
    await symlink(main, join(cwd, 'bin', `countersign-${program}`))
  }
  const [a, b, ops] = await freePorts(3)
  const env = {
    PATH: `${join(cwd, 'bin')}:${process.env['PATH']}`,
    HANDLER_PUBLIC_URL: `https://localhost:${a},https://localhost:${b}`,
    HANDLER_OPS_LISTEN: `127.0.0.1:${ops}`,
  }
  return { cwd, env }
}

/** What is typed into a shell of its own; the function gives what was printed so far. */
function type(text: string, { cwd, env }: Awaited<ReturnType<typeof place>>) {
  const shell = spawn('bash', ['-c', text], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  shells.push(shell)
  let printed = ''
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk
    })
  }
  return { shell, printed: () => printed }
}

async function says({ shell, printed }: ReturnType<typeof type>, text: string): Promise<void> {
  while (!printed().includes(text)) {
    if (shell.exitCode !== null) throw new Error(`ended without \`${text}\`: ${printed()}`)
    await sleep(50)
  }
}

describe('docs/emulator.md', () => {
  // The page had no bootstrap command, no FIREBLOCKS_ variable, and a handler that did not start.
  it('gives commands that do the main job when they are typed', async () => {
    const here = await place()
    const [start = ''] = await blocksUnder('Start')
    const [handler = '', rest = ''] = await blocksUnder('The main job by hand')
    await says(type(`${start.trim()} --listen 127.0.0.1:0`, here), 'ready:')
    await says(type(handler, here), 'ready')

    const lines = rest.split('\n').filter((line) => line !== '')
    const typed = type(
      lines.map((line, at) => `${line}\nprintf '\\n#%s:%s\\n' ${at} $?\n`).join(''),
      here,
    )
    await once(typed.shell, 'close')

    const results = typed.printed().split(/\n#\d+:/)
    expect(lines.filter((_, at) => results[at + 1]?.split('\n')[0] !== '0')).toEqual([])
    const after = (command: string) => {
      const at = lines.findIndex((line) => line.startsWith(command))
      expect(at).toBeGreaterThanOrEqual(0)
      return results[at]?.split('\n').slice(1).join('\n')
    }
    expect(after(`curl -s $control/callbacks -d '{"sample":"eth-transfer"}'`)).toContain(
      '"APPROVE"',
    )
    expect(after(`curl -s $control/callbacks -d '{"sample":"eth-transfer","forge"`)).toContain(
      '401',
    )
    const traffic = JSON.parse(after('curl -s -X DELETE $control/traffic') ?? '{}')
    expect(traffic).toMatchObject({ failed: { total: 0 } })
    expect(Object.keys(traffic.byUrl)).toHaveLength(2)
  })
})
