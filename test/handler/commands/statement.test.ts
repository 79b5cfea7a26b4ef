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
  const written = { stdout: '', stderr: '' }
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
  return written
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

  it('keygen does not overwrite, and other faults stay what they are', async () => {
    const directory = await temporaryDirectory()
    const key = join(directory, 'key.pem')
    await run('statement', 'keygen', '--out', key)
    await expect(run('statement', 'keygen', '--out', key)).rejects.toThrow('is not overwritten')
    const nowhere = join(directory, 'missing', 'key.pem')
    await expect(run('statement', 'keygen', '--out', nowhere)).rejects.toThrow('ENOENT')
  })

  it('a key that others can read, and a duration that is none: refused', async () => {
    const directory = await temporaryDirectory()
    const key = join(directory, 'key.pem')
    await writeFile(key, 'x', { mode: 0o644 })
    await expect(run('statement', 'sign', '--key', key, ...TRANSFER)).rejects.toThrow(
      'can be read by other users',
    )
    await expect(
      run('statement', 'sign', '--key', key, ...TRANSFER, '--expires-in', '1w'),
    ).rejects.toThrow('`1w` is not a duration')
    await expect(
      run('statement', 'sign', '--key', key, ...TRANSFER, '--expires-in', '1y1'),
    ).rejects.toThrow('is not a duration')
  })
})
