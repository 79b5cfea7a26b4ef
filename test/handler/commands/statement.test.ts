import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { Command } from 'commander'
import { registerStatementCommands } from '../../../handler/commands/statement.ts'
import { contentDigest } from '../../../handler/policy/rawtx/messages.ts'
import { parseStatement, statementBytes } from '../../../handler/policy/statement-text.ts'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { jsonValue } from '../../fixtures/tx-request.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

/** Runs a command in this process; commander throws instead of exiting. */
async function run(...argv: string[]) {
  const written = { stdout: '', stderr: '', code: 0 }
  const io = {
    env: {},
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
    clock: { now: () => new Date('2026-11-21T12:00:00Z'), monotonicMs: () => 0 },
    exitCode: 0,
  }
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined })
  registerStatementCommands(program, io)
  await program.parseAsync(argv, { from: 'user' })
  return { ...written, code: io.exitCode }
}

const TRANSFER = [
  '--external-tx-id=order-17',
  '--asset=ETH',
  '--amount=0.01',
  '--source=VAULT:0',
  '--destination=VAULT:1',
]

describe('statement', () => {
  it('keygen, then sign: members for extraParameters that the printed key verifies', async () => {
    const key = join(await temporaryDirectory(), 'initiator.pem')
    const { stdout: publicKey, stderr } = await run('statement', 'keygen', '--out', key)
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    expect(stderr).toBe(`private key written to ${key}\n`)
    expect((await stat(key)).mode & 0o777).toBe(0o600)

    const { stdout } = await run('statement', 'sign', '--key', key, ...TRANSFER)
    const printed = JSON.parse(stdout) as { statement: object; statementSignature: string }
    const statement = parseStatement(jsonValue(printed.statement))
    expect(statement).toEqual({
      externalTxId: 'order-17',
      operation: 'TRANSFER',
      asset: 'ETH',
      amount: '0.01',
      source: 'VAULT:0',
      destination: 'VAULT:1',
      expiry: '2026-11-21T13:00:00.000Z',
    })
    const bytes = typeof statement === 'string' ? Buffer.alloc(0) : statementBytes(statement)
    const signature = Buffer.from(printed.statementSignature, 'base64')
    expect(createSignatureVerifier()(publicKey, bytes, signature)).toBe(true)
  })

  it('sign: call data from a file, contents, and a lifetime', async () => {
    const directory = await temporaryDirectory()
    const key = join(directory, 'key.pem')
    await run('statement', 'keygen', '--out', key)
    await writeFile(join(directory, 'call.txt'), '0xdeadbeef\n')
    const flags = [
      `--contract-call-data-file=${join(directory, 'call.txt')}`,
      '--operation=RAW',
      '--expires-in=2d',
      '--destination-address=0x00',
    ]
    const contents = ['--content', 'aa', 'bb']
    const { stdout } = await run(
      'statement',
      'sign',
      '--key',
      key,
      ...TRANSFER,
      ...flags,
      ...contents,
    )
    expect(JSON.parse(stdout)).toMatchObject({
      statement: {
        operation: 'RAW',
        contractCallData: '0xdeadbeef',
        destinationAddress: '0x00',
        contentDigest: contentDigest(['aa', 'bb']),
        expiry: '2026-11-23T12:00:00.000Z',
      },
    })
  })

  // Each of these was a stack trace of Node.js and exit code 1.
  it('an expected failure is one line, a hint where there is one, and exit code 2', async () => {
    const directory = await temporaryDirectory()
    const key = join(directory, 'key.pem')
    await run('statement', 'keygen', '--out', key)
    expect(await run('statement', 'keygen', '--out', key)).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: \`${key}\` exists and is not overwritten\n`,
    })
    const nowhere = join(directory, 'missing', 'key.pem')
    expect(await run('statement', 'keygen', '--out', nowhere)).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: \`${nowhere}\` cannot be written (ENOENT)\n`,
    })
    const open = join(directory, 'open.pem')
    await writeFile(open, 'x', { mode: 0o644 })
    for (const [file, message] of [
      [open, 'can be read by other users (mode 0644)\nhint: chmod 600'],
      [nowhere, 'cannot be read (ENOENT)'],
    ] as const) {
      const { code, stdout, stderr } = await run('statement', 'sign', '--key', file, ...TRANSFER)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`error: \`${file}\` ${message}`)
    }
  })

  it.each(['1w', '1y1', '0s'])('`%s` is not a duration', async (duration) => {
    const key = join(await temporaryDirectory(), 'key.pem')
    await run('statement', 'keygen', '--out', key)
    const flags = ['--key', key, ...TRANSFER, '--expires-in', duration]
    expect(await run('statement', 'sign', ...flags)).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: \`${duration}\` is not a duration\nhint: e.g. 90s, 30m, 12h or 2d\n`,
    })
  })

  it('takes seconds, as every other duration does', async () => {
    const key = join(await temporaryDirectory(), 'key.pem')
    await run('statement', 'keygen', '--out', key)
    const flags = ['--key', key, ...TRANSFER, '--expires-in', '90s']
    const { stdout } = await run('statement', 'sign', ...flags)
    expect(JSON.parse(stdout)).toMatchObject({ statement: { expiry: '2026-11-21T12:01:30.000Z' } })
  })
})
