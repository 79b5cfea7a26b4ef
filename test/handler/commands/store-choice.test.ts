/**
 * Every command reads the store of the handler. With the handler's own environment, a tampered store at HANDLER_STORE
 * and an old file still in the state directory, `audit verify` said "the audit chain is intact" with exit code 0.
 */
import { writeFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { openSqlite } from '../../../common/sqlite.ts'
import { runCli } from '../../../handler/cli.ts'
import type { CommandIo } from '../../../handler/commands/command-io.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { entry, START } from '../decisions/entries.ts'

const MAIN = join(import.meta.dirname, '../../../dist/handler/main.js')

async function storeAt(path: string, requests: readonly string[]): Promise<string> {
  const store = await openStore(path, START)
  for (const requestId of requests) {
    store.core.transaction(START, () => store.core.calls.record(entry({ key: { requestId } })))
  }
  store.advanceMark()
  store.close()
  return path
}

async function run(env: CommandIo['env'], ...argv: string[]) {
  const written = { out: '', err: '' }
  const io: CommandIo = {
    env,
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    clock: { now: () => new Date(START), monotonicMs: () => 0 },
    exitCode: 0,
  }
  await runCli(argv, io, () => Promise.reject(new Error('nothing is to run')))
  return { ...written, code: io.exitCode }
}

/** A state directory with an old store in it, and the tampered store that the handler uses. */
async function moved() {
  const directory = await temporaryDirectory()
  const old = await storeAt(join(directory, 'decisions.db'), ['old'])
  const inUse = await storeAt(join(directory, 'other.db'), ['a', 'b', 'c'])
  const db = openSqlite(inUse)
  db.prepare(`UPDATE chain SET body = replace(body, 'small', 'other') WHERE seq = 3`).run()
  db.close()
  await writeFile(join(directory, 'policy.yaml'), 'version: 1\nrules: []\n')
  const env = { HANDLER_STATE_DIR: directory, HANDLER_STORE: inUse }
  return { directory, old, inUse, env }
}

describe('the store of a command', () => {
  it('is the one that HANDLER_STORE names: its damage is found', async () => {
    const { env, inUse } = await moved()
    const { code, out } = await run(env, 'audit', 'verify')
    expect(out).toContain(`read from ${inUse}\n`)
    expect(out).toContain('the audit chain is damaged: 1 problems\n')
    expect(code).toBe(10)
  })

  it.each([
    ['audit export', ['audit', 'export'], /"requestId":"c"/],
    ['audit accept-store', ['audit', 'accept-store'], /with 4 records|nothing to accept/],
    ['policy shadow-report', ['policy', 'shadow-report'], /no shadow policy was recorded/],
    [
      'policy replay',
      ['policy', 'replay', '--policy'],
      /^0 decisions|not readable: records 2, 3, 4/,
    ],
  ])('is the one that HANDLER_STORE names: %s', async (_, argv, expected) => {
    const { env, directory, old } = await moved()
    const policy = argv.at(-1) === '--policy' ? [join(directory, 'policy.yaml')] : []
    // Nothing is left at the default place, so that nothing can be read there by mistake.
    openSqlite(old).close()
    const elsewhere = { ...env, HANDLER_STATE_DIR: join(directory, 'empty') }
    const { code, out, err } = await run(elsewhere, ...argv, ...policy)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(expected)
  })

  it.each(['--store', '--db'])('is the one of %s before any setting', async (flag) => {
    const { env, old } = await moved()
    const { code, out } = await run(env, 'audit', 'verify', flag, old)
    expect(out).toContain(`read from ${old}\n`)
    expect(code).toBe(11)
  })

  it('is the one of `--state-dir` before HANDLER_STORE, and that is said', async () => {
    const { env, directory, old } = await moved()
    const { code, out, err } = await run(env, 'audit', 'verify', '--state-dir', directory)
    expect(err).toBe(
      `warning: \`--state-dir\` is used, not \`HANDLER_STORE\`: reading \`${old}\`\n`,
    )
    expect(out).toContain(`read from ${old}\n`)
    expect(code).toBe(11)
  })

  it('is never another one because a setting is misspelt', async () => {
    const { directory, inUse } = await moved()
    const env = { HANDLER_STATE_DIR: directory, HANDLER_STOER: inUse }
    expect(await run(env, 'audit', 'verify')).toEqual({
      code: 2,
      out: '',
      err: 'error: `HANDLER_STOER`: no such setting, did you mean `HANDLER_STORE`\n',
    })
  })

  it('is one of a version that this program knows, for replay as for every other command', async () => {
    const { env, inUse, directory } = await moved()
    const db = openSqlite(inUse)
    db.exec('PRAGMA user_version = 99')
    db.close()
    for (const argv of [
      ['policy', 'replay', '--policy', join(directory, 'policy.yaml')],
      ['audit', 'verify'],
    ]) {
      const { code, err } = await run(env, ...argv)
      expect(err).toMatch(/^error: the decision store is of version 99, .*\nhint: /)
      expect(code).toBe(2)
    }
  })
})

// For another user `audit verify` was an uncaught EACCES, and `audit export`, `accept-store` and `shadow-report` said
// that there was no store: dangerous to read before an `accept-store`.
const asRoot = process.getuid?.() === 0 ? describe : describe.skip

asRoot('a store of another user', () => {
  it.each([
    ['whose directory is closed', 0o700, 0o600],
    ['whose file is closed', 0o755, 0o600],
  ])(
    '%s is named as what it is',
    async (_, directoryMode, fileMode) => {
      const directory = await temporaryDirectory()
      const store = await storeAt(join(directory, 'decisions.db'), ['a'])
      chmodSync(directory, directoryMode)
      chmodSync(store, fileMode)
      for (const [command, ...more] of [
        ['verify'],
        ['export'],
        ['accept-store', '--yes'],
      ] as const) {
        const argv = [MAIN, 'audit', command, ...more, '--state-dir', directory]
        const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
          uid: 65_534,
          gid: 65_534,
          cwd: '/',
          env: {},
          encoding: 'utf8',
        })
        expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
        expect(stderr).toMatch(
          /^error: the decision store `.+` cannot be opened by this user \(uid 65534, .+\)\nhint: run the command as the user of the handler\n$/,
        )
      }
      chownSync(store, 0, 0)
    },
    30_000,
  )
})
