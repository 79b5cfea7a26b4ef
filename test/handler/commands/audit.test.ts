import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createPrivateKey, sign } from 'node:crypto'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { Command } from 'commander'
import { openSqlite } from '../../../common/sqlite.ts'
import { registerAuditCommands } from '../../../handler/commands/audit.ts'
import type { CommandIo } from '../../../handler/commands/command-io.ts'
import { signCheckpoint } from '../../../handler/decisions/checkpoint.ts'
import { markPath } from '../../../handler/decisions/sqlite/mark.ts'
import { openStore } from '../../../handler/decisions/sqlite/open.ts'
import { recordHash } from '../../../handler/decisions/record.ts'
import { sha256 } from '../../../handler/protocol/digest.ts'
import { testKey } from '../../fixtures/keys.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'
import { entry, REJECT, START } from '../decisions/entries.ts'

interface State {
  readonly dir: string
  readonly db: string
  readonly checkpoint: string
}

const SECRET = 'bc1q-secret-destination'

/** A state directory with a key of generation 1 and a store of six records. */
async function state(): Promise<State> {
  const dir = await temporaryDirectory()
  const db = join(dir, 'decisions.db')
  const { privateKeyPem, publicKeyPem } = await testKey()
  mkdirSync(join(dir, 'keys', 'g1'), { recursive: true })
  writeFileSync(join(dir, 'keys', 'g1', 'public.pem'), publicKeyPem)
  const store = await openStore(db, START)
  const { core, opening } = store
  const charges = [
    {
      limit: 'daily',
      key: `destination=${SECRET}`,
      windowMs: 60_000,
      maxCount: 3,
      amount: undefined,
      maxAmount: undefined,
      otherwise: REJECT,
    },
  ]
  const decision = { ...REJECT, reason: SECRET }
  core.transaction(START, () => core.calls.record(entry({ charges })))
  core.transaction(START + 86_400_000, () =>
    core.calls.record(
      entry({
        key: { requestId: 'request-2' },
        decision,
        evidence: { rawTx: `mismatch destAddress ${SECRET}`, token: `token ${SECRET}` },
      }),
    ),
  )
  core.transaction(START + 86_400_000, () =>
    core.calls.freeze('RETRY', { by: 'alice', note: SECRET }),
  )
  const { seq, hash } = core.head()
  const privateKey = createPrivateKey(privateKeyPem)
  const key = {
    generation: 1,
    algorithm: 'RS256' as const,
    sign: (data: Buffer) => Promise.resolve(sign('sha256', data, privateKey)),
  }
  const time = '2026-11-22T08:00:00.000Z'
  const jws = await signCheckpoint(key, { storeId: opening.storeId, seq, hash, time })
  core.transaction(START + 86_400_000, () => core.calls.append({ kind: 'checkpoint', jws }))
  store.advanceMark()
  store.close()
  return { dir, db, checkpoint: jws }
}

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(args: readonly string[], parts: Partial<CommandIo> = {}): Promise<Outcome> {
  const out: string[] = []
  const err: string[] = []
  const io: CommandIo = {
    env: {},
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    clock: { now: () => new Date(START), monotonicMs: () => 0 },
    exitCode: 0,
    ...parts,
  }
  const program = new Command().exitOverride()
  registerAuditCommands(program, io)
  await program.parseAsync(['audit', ...args], { from: 'user' })
  return { code: io.exitCode, out: out.join(''), err: err.join('') }
}

describe('audit verify', () => {
  it('tells that the chain is intact', async () => {
    const { dir } = await state()
    const { code, out } = await run(['verify', '--state-dir', dir])
    expect(out).toMatch(
      /^store [0-9a-f-]{36}, 5 records, head [0-9a-f]{64}\nread from .+\n1 checkpoints hold, the newest signs up to record 4; 1 records after it\n(?:not checked: .+\n){3}the audit chain is intact\n$/,
    )
    expect(code).toBe(0)
  })

  it('finds the state directory in the environment, and shows its progress on a terminal', async () => {
    const { dir } = await state()
    const shown: string[] = []
    const stderr = { isTTY: true, write: (text: string) => shown.push(text) }
    const { code } = await run(['verify'], { env: { HANDLER_STATE_DIR: dir }, stderr })
    expect(code).toBe(0)
    expect(shown.join('')).toContain('\r\u001B[K5 of 5 records')
  })

  it('names each problem and ends with 10', async () => {
    const { dir, db } = await state()
    const database = openSqlite(db)
    database.prepare(`UPDATE chain SET body = replace(body, 'small', 'other') WHERE seq = 2`).run()
    database.close()
    const { code, out } = await run(['verify', '--state-dir', dir])
    expect(out).toContain('problem: record 2: hash does not match\n')
    expect(out).toContain('the audit chain is damaged: 1 problems\n')
    expect(code).toBe(10)
    const { out: json } = await run(['verify', '--state-dir', dir, '--json'])
    expect(JSON.parse(json)).toMatchObject({
      ok: false,
      records: 5,
      problems: [{ seq: 2, message: 'hash does not match' }],
    })
  })

  // It said "0 checkpoints hold" and "intact", with exit code 0, of a chain that anybody could have written anew.
  it('ends with 11 when no checkpoint signs the records', async () => {
    const { dir, db } = await state()
    const database = openSqlite(db)
    database.exec('PRAGMA foreign_keys = OFF')
    database.exec('DELETE FROM chain WHERE seq = 5')
    database.close()
    const { code, out } = await run(['verify', '--state-dir', dir, '--no-mark'])
    expect(out).toContain('\n0 checkpoints hold')
    expect(out).toContain(
      '\nnot proved: no checkpoint signs any record: all of it could have been written anew\n',
    )
    expect(out).toContain('\nnot checked: the high-water mark (`--no-mark`)\n')
    expect(out).toMatch(/\nthe audit chain is consistent, not proved\n$/)
    expect(code).toBe(11)
    const { out: json } = await run(['verify', '--state-dir', dir, '--no-mark', '--json'])
    expect(JSON.parse(json)).toMatchObject({ ok: true, verdict: 'consistent', checkpoints: 0 })
  })

  it('verifies the evidence of each decision with the keys of the co-signers', async () => {
    const { dir } = await state()
    const { publicKeyPem } = await testKey('cosigner')
    const file = join(dir, 'vault.pem')
    writeFileSync(file, publicKeyPem, { mode: 0o644 })
    const { code, out } = await run(['verify', '--state-dir', dir, '--cosigner-keys', file])
    expect(out).toContain(
      'problem: record 2: evidence is no request of a co-signer whose key is given: ',
    )
    expect(out).toContain('\n0 requests are signed by their co-signers\n')
    expect(code).toBe(10)
  })

  it('refuses co-signer keys that cannot be used', async () => {
    const { dir } = await state()
    const { code, out, err } = await run(['verify', '--state-dir', dir, '--cosigner-keys', 'none'])
    expect(err).toContain('`none`: there is no such file')
    expect({ code, out }).toEqual({ code: 2, out: '' })
  })

  it.each(['seq', 'fingerprint'])('ends with 10 on a %s beyond 2^53', async (column) => {
    const { dir, db } = await state()
    const database = openSqlite(db)
    database.exec(`UPDATE chain SET ${column} = 1152921504606846977 WHERE seq = 5`)
    database.close()
    expect(await run(['verify', '--state-dir', dir])).toMatchObject({ code: 10 })
  })

  it('proves a copy elsewhere with keys and a log of checkpoints', async () => {
    const { dir, db, checkpoint } = await state()
    rmSync(markPath(db))
    const log = join(dir, 'log')
    writeFileSync(log, `{"msg":"checkpoint","jws":"${checkpoint}"}\n{"msg":"other"}\n`)
    const args = ['verify', '--db', db, '--keys', join(dir, 'keys'), '--checkpoint', log]
    expect((await run(args)).out).toContain('problem: the high-water mark is missing')
    const { code, out } = await run([...args, '--no-mark'])
    expect(out).toContain('2 checkpoints hold')
    expect(code).toBe(0)
  })

  it.each([
    [
      'no store',
      (dir: string) => rmSync(join(dir, 'decisions.db')),
      2,
      'there is no decision store',
    ],
    [
      'a file that is no database',
      (dir: string) => writeFileSync(join(dir, 'decisions.db'), 'x'.repeat(9_000)),
      10,
      'is not a database',
    ],
  ])('says what is wrong with %s', async (_, spoil, expected, message) => {
    const { dir } = await state()
    spoil(dir)
    const { code, err } = await run(['verify', '--state-dir', dir])
    expect(err).toMatch(/^error: .+\n(?:hint: .+\n)?$/)
    expect(err).toContain(message)
    expect(code).toBe(expected)
  })

  it.each([
    ['cannot be read', undefined],
    ['holds no checkpoint', 'nothing'],
  ])('refuses a checkpoint file that %s', async (message, contents) => {
    const { dir } = await state()
    const file = join(dir, 'log')
    if (contents !== undefined) writeFileSync(file, contents)
    const { code, err } = await run(['verify', '--state-dir', dir, '--checkpoint', file])
    expect(err).toContain(message)
    expect(code).toBe(2)
  })
})

async function exported(...args: string[]) {
  const { dir } = await state()
  const { code, out } = await run(['export', '--state-dir', dir, ...args])
  expect(code).toBe(0)
  const lines = out.split('\n').slice(0, -1)
  return { out, records: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('audit export', () => {
  it('leaves out tokens, addresses, free text and names', async () => {
    const { out, records } = await exported()
    expect(records.map(({ seq, kind }) => [seq, kind])).toEqual([
      [1, 'created'],
      [2, 'decision'],
      [3, 'decision'],
      [4, 'operator'],
      [5, 'checkpoint'],
    ])
    for (const word of [SECRET, 'alice', 'small amount', 'token.of'])
      expect(out).not.toContain(word)
    expect(records[2]).toMatchObject({
      action: 'REJECT',
      rule: 'large',
      requestId: 'request-2',
      rawTx: 'mismatch',
      reasonSha256: sha256(SECRET),
      tokenSha256: sha256(`token ${SECRET}`),
    })
    expect(records[1]).toMatchObject({
      charged: [{ limit: 'daily', keySha256: sha256(`destination=${SECRET}`) }],
    })
  })

  it('with evidence can be verified by anybody', async () => {
    const { records } = await exported('--with-evidence')
    let before = '0'.repeat(64)
    for (const { seq, body, token, prev, hash } of records) {
      expect(prev).toBe(before)
      expect(recordHash(Number(seq), String(prev), String(body))).toBe(hash)
      const { tokenSha256 } = JSON.parse(String(body)) as { tokenSha256?: string }
      if (tokenSha256 !== undefined) expect(sha256(String(token))).toBe(tokenSha256)
      before = String(hash)
    }
    expect(records).toHaveLength(5)
  })

  it.each([
    [
      ['--from-seq', '4'],
      [4, 5],
    ],
    [
      ['--since', '2026-11-22'],
      [3, 4, 5],
    ],
    [
      ['--until', '2026-11-21T08:00:00.001Z'],
      [1, 2],
    ],
    [['--since', '2026-11-22T08:00:00+01:00', '--from-seq', '5'], [5]],
    [['--since', '2030-01-01'], []],
  ])('%j gives records %j', async (args, seqs) => {
    const { records } = await exported(...args)
    expect(records.map(({ seq }) => seq)).toEqual(seqs)
  })

  it.each([
    [['--from-seq', 'x'], '`x` is not a record number'],
    [['--since', 'yesterday'], '`yesterday` is not an ISO 8601 time with a time zone'],
    [['--until', '2026-11-22T08:00:00'], 'is not an ISO 8601 time with a time zone'],
  ])('refuses %j', async (args, message) => {
    const { dir } = await state()
    const { code, err, out } = await run(['export', '--state-dir', dir, ...args])
    expect(err).toContain(message)
    expect({ code, out }).toEqual({ code: 2, out: '' })
  })
})

describe('audit accept-store', () => {
  it('has nothing to do for a store that is not behind', async () => {
    const { dir } = await state()
    const { code, out } = await run(['accept-store', '--state-dir', dir, '--yes'])
    expect(out).toContain('nothing to accept')
    expect(code).toBe(0)
    expect((await run(['verify', '--state-dir', dir])).out).toContain('5 records')
  })

  it('asks for --yes, and then records who accepted what', async () => {
    const { dir, db } = await state()
    rmSync(markPath(db))
    const refused = await run(['accept-store', '--state-dir', dir])
    expect(refused.err).toContain('the store is not accepted: its high-water mark is missing')
    expect(refused.err).toContain('hint: ')
    expect(refused.code).toBe(2)
    const accepted = await run(['accept-store', '--state-dir', dir, '--yes', '--by', 'alice'])
    expect(accepted.out).toContain('accepted the store')
    expect(accepted.code).toBe(0)
    const { out } = await run(['export', '--state-dir', dir, '--from-seq', '6', '--with-evidence'])
    const { body } = JSON.parse(out) as { body: string }
    expect(JSON.parse(body)).toMatchObject({
      act: 'accept-store',
      by: 'alice',
      note: 'its high-water mark is missing',
    })
    // No checkpoint signs the new record yet.
    expect((await run(['verify', '--state-dir', dir])).code).toBe(11)
  })

  it('takes a store that is lost but for its mark as a new one, and says so', async () => {
    const { dir, db } = await state()
    rmSync(db)
    const refused = await run(['accept-store', '--state-dir', dir])
    expect(refused.err).toContain('it is not the store that was used before')
    expect(refused.code).toBe(2)
    const accepted = await run(['accept-store', '--state-dir', dir, '--yes', '--by', 'alice'])
    expect(accepted.out).toContain('although it is not the store that was used before')
    expect(accepted.code).toBe(0)
    expect((await run(['accept-store', '--state-dir', dir])).out).toContain('nothing to accept')
  })

  it('makes no store where none was', async () => {
    const dir = await temporaryDirectory()
    const { code, err } = await run(['accept-store', '--state-dir', dir, '--yes'])
    expect(err).toContain('there is no decision store')
    expect(code).toBe(2)
    expect(readdirSync(dir)).toEqual([])
  })
})

describe('a reader of the export', () => {
  // The whole chain was written at once: what a slow pipe did not take stood in memory.
  it('that is slow is waited for', async () => {
    const { dir } = await state()
    const stdout = new PassThrough({ highWaterMark: 16 })
    const command = run(['export', '--state-dir', dir], { stdout })
    let text = ''
    let most = 0
    for await (const chunk of stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      text += String(chunk)
      most = Math.max(most, stdout.writableLength)
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (text.split('\n').length === 6) break
    }
    await command
    const longest = Math.max(...text.split('\n').map((line) => line.length))
    expect(text.trim().split('\n')).toHaveLength(5)
    expect(most).toBeLessThanOrEqual(longest + 1)
    expect(stdout.listenerCount('close')).toBeLessThan(3)
  })

  it('that has gone does not keep the command from ending', async () => {
    const { dir } = await state()
    const stdout = new PassThrough({ highWaterMark: 1 })
    const command = run(['export', '--state-dir', dir], { stdout })
    stdout.on('error', () => undefined).destroy()
    expect((await command).code).toBe(0)
  })
})

it('an unexpected error is a bug with exit code 70, never 1', async () => {
  const { dir } = await state()
  const stdout = {
    write: () => {
      throw new TypeError('a bug')
    },
  }
  const { code, err } = await run(['export', '--state-dir', dir], { stdout })
  expect(code).toBe(70)
  expect(err).toMatch(/^error: this is a bug: a bug\n {6}at /)
})
