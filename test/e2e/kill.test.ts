/** The built handler, killed in the middle of its work; test/faults does the same for longer. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { openSqliteStore } from '../../handler/decisions/sqlite/sqlite-store.ts'
import { systemClock } from '../../common/clock.ts'
import {
  claimsOf,
  handlerSetup,
  postTo,
  startTestHandler,
  transfer,
  until,
} from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'
import { tokenOf } from '../fixtures/tokens.ts'
import { entry } from '../handler/decisions/entries.ts'

const MAIN = join(import.meta.dirname, '../../dist/handler/main.js')

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

describe('kill -9 under load', () => {
  it('changes no answer: what was answered is on record, and is answered again', async () => {
    const { home, settings, ports } = await handlerSetup({})
    const child = spawn(process.execPath, [MAIN, 'run'], { env: settings, stdio: 'pipe' })
    children.push(child)
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await until(() => out.includes('"msg":"ready"'))
    const { privateKey } = await testKey('cosigner')
    const requests = Array.from({ length: 60 }, (_, n) => {
      const id = `request-${n}`
      // Approved, put off or refused in turn.
      const claims = [transfer(id, '1'), transfer(id, '9'), transfer(id, '1', { asset: 'X' })][
        n % 3
      ]
      return { id, token: tokenOf(privateKey, claims ?? {}).toString() }
    })
    const answered = new Map<string, unknown>()
    const [port = 0] = ports
    await Promise.all(
      requests.map(async ({ id, token }) => {
        const seen = await postTo(port, '/g1/v2/tx_sign_request', token).catch(() => undefined)
        if (seen?.status === 200) answered.set(id, claimsOf(seen.body)['action'])
        if (answered.size === 20) child.kill('SIGKILL')
      }),
    )
    if (child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
    expect(answered.size).toBeGreaterThanOrEqual(20)

    const again = await startTestHandler({ directory: home })
    const verified = await again.command('audit', 'verify')
    // The killed handler signed no checkpoint: nothing proves its last records.
    expect(verified).toMatchObject({ exitCode: 11, err: '' })
    expect(verified.out).toContain('the audit chain is consistent, not proved')
    const exported = await again.command('audit', 'export')
    const recorded = exported.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    for (const [id, action] of answered) {
      if (action === 'RETRY') continue
      expect(recorded.find(({ requestId }) => requestId === id)).toMatchObject({ action })
    }
    for (const { id, token } of requests) {
      const { body } = await again.post('/g1/v2/tx_sign_request', token)
      const { action } = claimsOf(body)
      expect(action).toBe(answered.get(id) ?? action)
    }
  })
})

describe('audit export', () => {
  // `process.exit` right after the last write cut the export of a larger store at the size of the pipe, with exit code 0:
  // found by the fault harness, which missed records.
  it('is whole through a pipe that is read slowly', async () => {
    const path = join(await temporaryDirectory(), 'decisions.db')
    const store = await openSqliteStore({
      path,
      clock: systemClock,
      onFatal: (error) => {
        throw error
      },
    })
    const token = 'x'.repeat(10_000)
    await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        store.record(entry({ key: { requestId: `request-${n}` }, evidence: { token } })),
      ),
    )
    await store.close()
    const args = [MAIN, 'audit', 'export', '--with-evidence', '--db', path]
    const child = spawn(process.execPath, args, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    let out = ''
    await new Promise((resolve) => {
      setTimeout(resolve, 500)
    })
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    expect([code, out.trimEnd().split('\n').length]).toEqual([0, 101])
  })

  it('ends in peace when its reader has seen enough', async () => {
    const child = spawn(process.execPath, [MAIN, 'config-docs'], { env: {}, stdio: 'pipe' })
    children.push(child)
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.stdout.destroy()
    const [code] = (await once(child, 'close')) as [number]
    expect([code, err]).toEqual([0, ''])
  })
})

describe('a command', () => {
  // The pipe of a shell, unlike that of `spawn`, takes 64 KiB and then keeps the writer waiting: an end before the rest was
  // taken cut the last third of these problems.
  it('does not end before a slow pipe has taken its last line', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'policy.yaml')
    const rule = (n: number) => `  - { id: r${n}, when: { asset${n}: X }, then: APPROVE }\n`
    const rules = Array.from({ length: 1_500 }, (_, n) => rule(n))
    await writeFile(file, `version: 1\nrules:\n${rules.join('')}`, { mode: 0o600 })
    const line = `"$0" "$1" policy check "$2" 2>&1 | { sleep 2; cat; }`
    const child = spawn('sh', ['-c', line, process.execPath, MAIN, file], {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await once(child, 'close')
    expect(out.length).toBeGreaterThan(65_536)
    expect(out.trimEnd().split('\n')).toHaveLength(1_500)
  })
})
