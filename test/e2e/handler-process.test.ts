/** The built handler as a process: what it refuses, what it prints, and how it ends. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from '@jest/globals'
import { signToken } from '../../handler/protocol/token.ts'
import { claimsOf, handlerSetup, postTo, transfer, until } from '../fixtures/handler.ts'
import type { TestHandlerOptions } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'
import { kmsService } from '../fixtures/kms-service.ts'

const MAIN = join(import.meta.dirname, '../../dist/handler/main.js')
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

interface Run {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  readonly ended: Promise<number | null>
}

function run(env: Readonly<Record<string, string | undefined>>, ...args: string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
  })
  children.push(child)
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, out: () => out, err: () => err, ended }
}

async function ready({ out }: Run): Promise<void> {
  await until(() => out().includes('"msg":"ready"'))
}

async function started(options: TestHandlerOptions = {}) {
  const setup = await handlerSetup(options)
  const handler = run(setup.settings)
  await ready(handler)
  return { ...setup, handler }
}

describe('a handler that cannot start', () => {
  it('lists every problem at once, makes nothing and exits with 2', async () => {
    const { settings, home } = await handlerSetup({
      policy: 'version: 1\nrules: [{ id: x }]\n',
      fresh: true,
    })
    const { privateKeyPem } = await testKey('cosigner')
    await writeFile(join(home, 'cosigners', 'oops.pem'), privateKeyPem, { mode: 0o600 })
    const { err, out, ended } = run({ ...settings, HANDLER_AUHT: 'x', HANDLER_DEADLINE_MS: '1' })
    expect(await ended).toBe(2)
    expect(out()).toBe('')
    const lines = err().trimEnd().split('\n')
    expect(lines.map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toEqual([
      'problem settings',
      'problem settings',
      'problem cosigners',
      ...lines.slice(3).map(() => 'problem policy'),
    ])
    expect(lines.length).toBeGreaterThan(3)
    expect(err()).toContain('did you mean `HANDLER_AUTH`')
    expect(err()).toContain('oops.pem`: expected a public key, found a private key')
    expect(err()).not.toContain(privateKeyPem.slice(60, 100))
    expect(await readdir(home)).not.toContain('state')
  })

  // On a volume with `fsGroup` every file is readable and writable by the group again at each mount: a pod started once,
  // and never again.
  it('sets the modes of its own files back at the next start, and says so', async () => {
    const { handler, home, settings } = await started()
    handler.child.kill('SIGKILL')
    await handler.ended
    const state = join(home, 'state')
    const names = await readdir(state, { recursive: true, withFileTypes: true })
    await chmod(state, 0o2770)
    for (const each of names.filter((entry) => entry.isFile() || entry.isDirectory())) {
      await chmod(join(each.parentPath, each.name), each.isDirectory() ? 0o2770 : 0o660)
    }
    const check = run(settings, 'check')
    expect(await check.ended).toBe(0)
    expect(check.out()).toMatch(/^ok {6}state .* modes would be set back to 0600 or 0700$/m)
    const again = run(settings)
    await ready(again)
    const privateKey = join(state, 'keys', 'g1', 'private.pem')
    expect(again.out()).toContain(`the mode of \`${privateKey}\` is set back`)
    const modes = [state, privateKey, join(state, 'decisions.db'), join(state, 'decisions.db.mark')]
    for (const path of modes) expect((await stat(path)).mode & 0o077).toBe(0)
  })

  it('says so when an address is taken, and leaves nothing running', async () => {
    const { settings, home } = await started()
    await rm(join(home, 'other'), { recursive: true, force: true })
    const other = run({ ...settings, HANDLER_STATE_DIR: join(home, 'other') })
    expect(await other.ended).toBe(9)
    expect(other.err()).toMatch(/^error: cannot listen on `127\.0\.0\.1:\d+` \(EADDRINUSE\)/)
  })
})

describe('the commands', () => {
  it('check tells what would be, and makes nothing', async () => {
    const { settings, home } = await handlerSetup({ fresh: true })
    const lines = run(settings, 'check')
    expect([await lines.ended, lines.err()]).toEqual([0, ''])
    expect(lines.out()).toContain('none yet, generation 1 would be made')
    const json = run({ ...settings, HANDLER_AUTH: 'x' }, 'check', '--json')
    expect(await json.ended).toBe(2)
    expect(JSON.parse(json.out())).toMatchObject({ ok: false, warnings: [] })
    expect(await readdir(home)).not.toContain('state')
  })

  it('help and version work without settings, a wrong command is exit code 2', async () => {
    const [help, version, wrong] = [run({}, '--help'), run({}, '--version'), run({}, 'nix')]
    expect([await help.ended, await version.ended, await wrong.ended]).toEqual([0, 0, 2])
    expect(help.out()).toContain('Usage: countersign-handler')
    expect(version.out()).toBe('0.1.0\n')
    expect(wrong.err()).toContain('error: ')
  })
})

/** Callers on keep-alive connections, each asking again as soon as it was answered. */
function traffic(port: number, path: string, body: string, callers: number) {
  const counts = { answered: 0, failed: 0, refused: 0 }
  const agents = Array.from({ length: callers }, () => {
    return new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  })
  const stopped = new AbortController()
  const ask = (agent: Agent) =>
    new Promise<void>((resolve) => {
      const where = { host: '127.0.0.1', port, path, method: 'POST', agent }
      let secured = false
      const call = request(where, (response) => {
        response.resume().on('end', () => {
          if (response.statusCode === 200) counts.answered += 1
          else counts.failed += 1
          resolve()
        })
      })
      call.on('error', (error: NodeJS.ErrnoException) => {
        // A connection that was not made to the end was never accepted: that one is for a second instance.
        if (error.code === 'ECONNREFUSED' || !secured) counts.refused += 1
        else counts.failed += 1
        resolve()
      })
      call.on('socket', (socket) => {
        if (call.reusedSocket) secured = true
        else socket.once('secureConnect', () => (secured = true))
      })
      call.end(body)
    })
  const loops = agents.map(async (agent) => {
    while (!stopped.signal.aborted) await ask(agent)
    agent.destroy()
  })
  return {
    counts,
    stop: async () => {
      stopped.abort()
      await Promise.all(loops)
    },
  }
}

describe('a handler that is told to reload', () => {
  it('reads its policy again on SIGHUP, and goes on with the old one when it is wrong', async () => {
    const { handler, home } = await started()
    const file = join(home, 'policy.yaml')
    const saying = (text: string) => until(() => handler.out().includes(text))
    await writeFile(file, 'version: 1\n')
    handler.child.kill('SIGHUP')
    await saying('"rules":0,"msg":"policy taken over"')
    await writeFile(file, 'version: 3\n')
    handler.child.kill('SIGHUP')
    await saying('"msg":"the policy file is wrong: the old one stays"')
    expect(handler.child.exitCode).toBeNull()
  })

  it('does not start again with a policy whose own test fails', async () => {
    const test = '{ name: t, request: { asset: ETH }, expect: { action: APPROVE } }'
    const { settings } = await handlerSetup({ policy: `version: 1\ntests: [${test}]\n` })
    const { ended, err } = run(settings)
    expect(await ended).toBe(2)
    expect(err()).toContain('test `t` expects APPROVE, the policy says REJECT by `default`')
  })
})

describe('a handler that is told to stop', () => {
  it('answers everything it accepted, and is gone long before the deadline of a request', async () => {
    const { handler, ports } = await started()
    const { signer } = await testKey('cosigner')
    const token = await signToken(signer, transfer('a', '1'))
    const { counts, stop } = traffic(ports[0] ?? 0, '/g1/v2/tx_sign_request', token, 8)
    await until(() => counts.answered >= 50)
    const before = counts.answered
    const begun = Date.now()
    handler.child.kill('SIGTERM')
    expect(await handler.ended).toBe(0)
    const tookMs = Date.now() - begun
    await stop()
    expect(counts.failed).toBe(0)
    expect(counts.answered).toBeGreaterThan(before)
    expect(counts.refused).toBeGreaterThan(0)
    expect(tookMs).toBeLessThan(20_000)
    expect(handler.out()).toContain('"msg":"stopped"')
  })

  // One request that trickles kept the loop of the end spinning, once the pause in it was taken out: no other test saw it.
  it('does not wait for a request that is still under way', async () => {
    const { handler, ports } = await started()
    const socket = connectTls({ host: '127.0.0.1', port: ports[0], rejectUnauthorized: false })
    socket.on('error', () => undefined)
    await once(socket, 'secureConnect')
    socket.write('POST /g1/v2/tx_sign_request HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nx')
    const trickle = setInterval(() => socket.write('y'), 300)
    handler.child.kill('SIGTERM')
    expect(await handler.ended).toBe(0)
    clearInterval(trickle)
    socket.destroy()
    expect(handler.out()).toContain('"msg":"stopped"')
  })

  it('ends at once when it is told twice', async () => {
    const { handler } = await started()
    handler.child.kill('SIGINT')
    await until(() => handler.out().includes('"msg":"stopping"'))
    handler.child.kill('SIGINT')
    expect(await handler.ended).toBe(130)
  })

  it('starts again after it was killed, on the socket file that was left', async () => {
    const { handler, settings } = await started()
    handler.child.kill('SIGKILL')
    await handler.ended
    const again = run(settings)
    await ready(again)
    expect(again.out()).not.toContain('"msg":"generation staged"')
    const socket = connect(join(settings['HANDLER_STATE_DIR'] ?? '', 'admin.sock'))
    await once(socket, 'connect')
    socket.destroy()
  })
})

// Counted from outside: what is written with an fsync and what without looks the same from inside the program.
it('a handler makes its keys, its registry and its mark durable, files before names', async () => {
  const { settings, home } = await handlerSetup({ fresh: true })
  const log = join(home, 'syncs')
  const hook = join(import.meta.dirname, '../fixtures/sync-log.mjs')
  const env = { ...settings, NODE_OPTIONS: `--import ${hook}`, SYNC_LOG: log }
  const synced = async () => (await readFile(log, 'utf8')).trimEnd().split('\n').map(withoutRandom)
  const withoutRandom = (path: string) =>
    path.replace(`${home}/`, '').replace(/\.[0-9a-f]{12}\.tmp$/, '.*.tmp')
  const handler = run(env)
  await ready(handler)
  const whenReady = await synced()
  const generation = ['private.pem', 'tls.pem', 'public.pem', 'cert.pem', 'meta.json'].map(
    (name) => `state/keys/g1.tmp/${name}`,
  )
  const at = whenReady.indexOf('state/keys/g1.tmp/private.pem')
  expect(whenReady.slice(at, at + 7)).toEqual([...generation, 'state/keys/g1.tmp', 'state/keys'])
  for (const file of ['state/.generations.json.*.tmp', 'state/.decisions.db.mark.*.tmp']) {
    const written = whenReady.indexOf(file)
    expect([file, written]).not.toEqual([file, -1])
    expect(whenReady.slice(written)).toContain('state')
  }
  handler.child.kill('SIGTERM')
  expect(await handler.ended).toBe(0)
  // The mark is overwritten in place from then on.
  expect((await synced()).slice(whenReady.length)).toContain('state/decisions.db.mark')
})

it('a handler with its answer key in AWS KMS signs with it, and ends in time when KMS has fallen silent', async () => {
  const service = await kmsService()
  const { settings, ports } = await handlerSetup({
    env: { HANDLER_ANSWER_SIGNER: service.where, HANDLER_ANSWER_ALGORITHM: 'ES256' },
  })
  const handler = run({ ...settings, ...service.env })
  await ready(handler)
  const { signer } = await testKey('cosigner')
  const token = await signToken(signer, transfer('a', '1'))
  const { status, body } = await postTo(ports[0] ?? 0, '/g1/v2/tx_sign_request', token)
  expect([status, claimsOf(body)['action']]).toEqual([200, 'APPROVE'])
  service.mood = () => ({ silent: true })
  const begun = Date.now()
  handler.child.kill('SIGTERM')
  expect(await handler.ended).toBe(0)
  expect(Date.now() - begun).toBeLessThan(10_000)
  expect(`${handler.out()}${handler.err()}`).not.toContain(service.env['AWS_SECRET_ACCESS_KEY'])
  // Without its key it does not start again.
  service.mood = () => ({ error: 'DisabledException' })
  const again = run({ ...settings, ...service.env })
  expect(await again.ended).toBe(2)
  expect(again.err()).toContain('generation 1 cannot sign: the key is disabled in AWS KMS')
})
