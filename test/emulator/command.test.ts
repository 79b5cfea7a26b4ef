import { describe, expect, it } from '@jest/globals'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runEmulator } from '../../emulator/command.ts'
import type { EmulatorJson } from '../../emulator/emulator.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'
import { send } from './client.ts'
import { certificateFor } from './handler.ts'

/** Runs the command; `whileRunning` is called at the ready line, and then the process is told to end. */
async function run(
  argv: readonly string[],
  whileRunning: (ready: string) => Promise<void> = async () => undefined,
  env: Record<string, string> = {},
) {
  const ending = new AbortController()
  const out: string[] = []
  const err: string[] = []
  let during: Promise<void> | undefined
  const stdout = {
    write(text: string) {
      out.push(text)
      if (text.startsWith('ready:')) during = whileRunning(text).finally(() => ending.abort())
    },
  }
  const stderr = { write: (text: string) => err.push(text) }
  const code = await runEmulator(argv, { env, stdout, stderr, ending: ending.signal })
  await during
  return { code, out: out.join(''), err: err.join('') }
}

describe('the command', () => {
  it('writes emulator.json and private keys, serves what it names, and removes it at the end', async () => {
    const dir = join(await temporaryDirectory(), 'new')
    const argv = ['--listen', '127.0.0.1:0', '--dir', dir, '--seed', '17', '--auto-approve', '0']
    const file = join(dir, 'emulator.json')
    const { code, out, err } = await run(argv, async (ready) => {
      const json = JSON.parse(readFileSync(file, 'utf8')) as EmulatorJson
      expect(Object.keys(json).slice(0, 6)).toEqual([
        'apiBasePath',
        'apiKey',
        'secretKeyPath',
        'cosignerId',
        'cosignerPublicKeyPath',
        'controlUrl',
      ])
      expect(ready).toContain(json.apiBasePath)
      expect(ready).toContain('seed 17')
      expect(statSync(json.secretKeyPath).mode & 0o777).toBe(0o600)
      expect(readFileSync(json.cosignerPublicKeyPath, 'utf8')).toContain('BEGIN PUBLIC KEY')
      expect((await send(json, 'GET', '/cosigners')).status).toBe(200)
      expect((await fetch(`${json.controlUrl}/approvals`)).status).toBe(200)
    })
    expect([code, err]).toEqual([0, ''])
    expect(out.trim().split('\n')).toHaveLength(1)
    expect(existsSync(file)).toBe(false)
  })

  it('puts the request keys where it is told, and never beside keys of others', async () => {
    const dir = await temporaryDirectory()
    const keys = join(dir, 'keys')
    const argv = ['--listen', '127.0.0.1:0', '--dir', dir, '--cosigner-keys-dir', keys]
    for (const count of ['2', '1']) {
      expect((await run([...argv, '--cosigners', count])).code).toBe(0)
    }
    expect(readdirSync(keys)).toEqual(['cosigner-1-a.pem', 'cosigner-1-b.pem'])
    writeFileSync(join(keys, 'production.pem'), 'x')
    const { code, err } = await run(argv)
    expect([code, err]).toEqual([2, expect.stringContaining('`production.pem`')])
    expect(readdirSync(keys)).toHaveLength(3)
  })

  it('makes new keys at each start', async () => {
    const dir = await temporaryDirectory()
    const argv = ['--listen', '[::1]:0', '--dir', dir, '--seed', '17']
    const secrets: string[] = []
    const keep = async () => {
      const json = JSON.parse(readFileSync(join(dir, 'emulator.json'), 'utf8')) as EmulatorJson
      expect(json.apiBasePath).toMatch(/^http:\/\/\[::1\]:\d+\/v1$/)
      secrets.push(readFileSync(json.secretKeyPath, 'utf8'))
    }
    await run(argv, keep)
    await run(argv, keep)
    expect(new Set(secrets).size).toBe(2)
  })

  it.each(['0.0.0.0:0', '192.0.2.1:0', '[::]:0', 'api.fireblocks.io:443', 'localhost.evil:0'])(
    'does not listen on %s',
    async (listen) => {
      const dir = await temporaryDirectory()
      const { code, err } = await run(['--listen', listen, '--dir', dir])
      expect([code, err]).toEqual([2, expect.stringContaining('does not listen on')])
      expect(err).toContain('hint: ')
    },
  )

  it.each(['9070', 'localhost', '127.0.0.1:99999', '::1:0'])(
    'does not take %s for an address',
    async (listen) => {
      const { code, err } = await run(['--listen', listen, '--dir', await temporaryDirectory()])
      expect([code, err]).toEqual([2, expect.stringContaining('is not an address')])
    },
  )

  it.each(['https://api.fireblocks.io/v1', 'sandbox', 'http://10.0.0.1:9070/v1'])(
    'does not start in a shell whose base path is %s',
    async (basePath) => {
      const dir = join(await temporaryDirectory(), 'new')
      const argv = ['--listen', '127.0.0.1:0', '--dir', dir]
      const { code, err } = await run(argv, undefined, { FIREBLOCKS_BASE_PATH: basePath })
      expect([code, err]).toEqual([2, expect.stringContaining('which is not this machine')])
      expect(existsSync(dir)).toBe(false)
    },
  )

  it('starts in a shell that is set up for the emulator', async () => {
    const argv = ['--listen', 'localhost:0', '--dir', await temporaryDirectory()]
    const env = { FIREBLOCKS_BASE_PATH: 'http://127.0.0.1:9070/v1' }
    expect((await run(argv, undefined, env)).code).toBe(0)
  })

  it('refuses unknown options and bad numbers, and helps', async () => {
    expect((await run(['--port', '1'])).code).toBe(2)
    expect((await run(['--seed', '-1'])).code).toBe(2)
    expect((await run(['--seed', '4294967296'])).code).toBe(2)
    expect((await run(['--cosigners', '5'])).code).toBe(2)
    const help = await run(['--help'])
    expect([help.code, help.err]).toEqual([0, ''])
    expect(help.out).toContain('--auto-approve')
  })

  it('checks chains when it is given roots, and names a file that is missing', async () => {
    const dir = await temporaryDirectory()
    const missing = await run([
      '--listen',
      '127.0.0.1:0',
      '--dir',
      dir,
      '--ca',
      join(dir, 'no.pem'),
    ])
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('ENOENT')])
    const ca = join(dir, 'ca.pem')
    writeFileSync(ca, await certificateFor('handler'))
    await run(['--listen', '127.0.0.1:0', '--dir', dir, '--ca', ca], async () => {
      const { controlUrl } = JSON.parse(
        readFileSync(join(dir, 'emulator.json'), 'utf8'),
      ) as EmulatorJson
      const chaos = await (await fetch(`${controlUrl}/chaos`)).json()
      expect(chaos).toMatchObject({ knobs: { TLS_CHAIN: 'verify' } })
    })
  })

  it('says when the address is taken', async () => {
    const dir = await temporaryDirectory()
    await run(['--listen', '127.0.0.1:0', '--dir', dir], async () => {
      const { apiBasePath } = JSON.parse(
        readFileSync(join(dir, 'emulator.json'), 'utf8'),
      ) as EmulatorJson
      const other = await temporaryDirectory()
      const second = await run(['--listen', new URL(apiBasePath).host, '--dir', other])
      expect([second.code, second.err]).toEqual([2, expect.stringContaining('EADDRINUSE')])
    })
  })
})
