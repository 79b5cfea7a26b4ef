/** `check` looks at everything that `run` would refuse, makes nothing and keeps nothing. */
import { readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { systemClock } from '../../../common/clock.ts'
import { openSqlite } from '../../../common/sqlite.ts'
import { runCli } from '../../../handler/cli.ts'
import type { CommandIo } from '../../../handler/commands/command-io.ts'
import { handlerSetup, startTestHandler } from '../../fixtures/handler.ts'

const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  servers.splice(0).forEach((server) => server.close())
})

/** Another process that listens on a port or a socket. */
async function occupy(where: number | string): Promise<void> {
  const server = createServer((connection) => connection.destroy())
  servers.push(server)
  await new Promise<void>((resolve) => {
    if (typeof where === 'string') server.listen(where, resolve)
    else server.listen(where, '127.0.0.1', resolve)
  })
}

async function check(env: CommandIo['env'], ...flags: string[]) {
  const written = { out: '', err: '' }
  const io: CommandIo = {
    env,
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    clock: systemClock,
    exitCode: 0,
  }
  await runCli(['check', ...flags], io, () => Promise.reject(new Error('nothing is to run')))
  const problems = written.out.split('\n').filter((line) => line.startsWith('problem'))
  return { ...written, code: io.exitCode, problems }
}

describe('check', () => {
  it('of a first start: everything is fine, and nothing is made', async () => {
    const { home, settings } = await handlerSetup({})
    const before = (await readdir(home)).toSorted()
    const { code, out, err } = await check(settings)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^ok {6}store {7}`.+` does not exist yet and would be made$/m)
    expect((await readdir(home)).toSorted()).toEqual(before)
  })

  // `check` ended with 0 and `run` with 1: the store was not looked at.
  it.each([
    ['of a newer version', 'is of version 99'],
    ['that is no database', 'is not a database'],
  ])('finds a store %s', async (_, message) => {
    const { settings, home } = await handlerSetup({})
    const store = join(home, 'store.db')
    if (message === 'is not a database') await writeFile(store, 'x'.repeat(9_000))
    else {
      const db = openSqlite(store)
      db.exec('PRAGMA user_version = 99')
      db.close()
    }
    const { code, problems } = await check({ ...settings, HANDLER_STORE: store })
    expect(code).toBe(2)
    expect(problems).toEqual([expect.stringContaining(message)])
  })

  it('finds every address that is taken, by name', async () => {
    const { settings, ports, opsPort } = await handlerSetup({})
    await occupy(ports[1] ?? 0)
    await occupy(opsPort)
    const { code, problems } = await check(settings)
    expect(code).toBe(2)
    expect(problems).toEqual(
      [ports[1], opsPort].map(
        (port) => `problem address     cannot listen on \`127.0.0.1:${port}\` (EADDRINUSE)`,
      ),
    )
  })

  it('finds what is in the way of the admin socket, and leaves it there', async () => {
    const { settings, home } = await handlerSetup({})
    const socket = join(home, 'admin.sock')
    await occupy(socket)
    const env = { ...settings, HANDLER_ADMIN_SOCKET: socket }
    expect((await check(env)).problems).toEqual([
      `problem socket      another process answers on \`${socket}\``,
    ])
    const file = join(home, 'file')
    await writeFile(file, 'x')
    expect((await check({ ...settings, HANDLER_ADMIN_SOCKET: file })).problems).toEqual([
      `problem socket      \`${file}\` is not a socket`,
    ])
    expect(await readdir(home)).toEqual(expect.arrayContaining(['admin.sock', 'file']))
  })

  it('beside a handler that runs: its lock is taken, and with --running nothing of it is in the way', async () => {
    const handler = await startTestHandler()
    const refused = await handler.command('check')
    expect(refused.exitCode).toBe(2)
    expect(refused.out).toContain(
      `problem lock        another handler runs on \`${handler.stateDir}\`\n`,
    )
    expect(refused.out).not.toContain('EADDRINUSE')
    const beside = await handler.command('check', '--running')
    expect(beside).toMatchObject({ exitCode: 0, err: '' })
    expect(beside.out).toMatch(/^ok {6}store /m)
    expect((await handler.ops('/readyz')).status).toBe(200)
    await handler.stop()
    expect(await handler.command('check')).toMatchObject({ exitCode: 0, err: '' })
  }, 20_000)

  it('with --json prints one object', async () => {
    const { settings } = await handlerSetup({ env: { HANDLER_LOG_LEVEL: 'loud' } })
    const { code, out } = await check(settings, '--json')
    expect(code).toBe(2)
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([
        { item: 'settings', ok: false, detail: expect.stringContaining('HANDLER_LOG_LEVEL') },
      ]),
    })
  })
})
