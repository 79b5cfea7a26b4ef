import { readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from '@jest/globals'
import { registerPolicyCommands } from '../../../handler/commands/policy.ts'
import { EMPTY } from '../../../handler/decisions/record.ts'
import { createChainTable } from '../../../handler/decisions/sqlite/chain-table.ts'
import { openDatabase } from '../../../handler/decisions/sqlite/database.ts'
import { createTail } from '../../../handler/decisions/chain.ts'
import type { DecisionContent } from '../../../handler/decisions/decision-fields.ts'
import { evmRawTx } from '../../fixtures/evm-bytes.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

const ROOT = join(import.meta.dirname, '../../..')
const EXAMPLES = join(ROOT, 'docs/examples/policies')
const SAMPLES = join(ROOT, 'test/fixtures/vectors/doc-eth-raw')

/** Runs one command in this process; its exit code and all that it printed. */
async function run(args: string[], options: { env?: Record<string, string>; stdin?: string } = {}) {
  let stdout = ''
  let stderr = ''
  const io = {
    env: options.env ?? {},
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    clock: { now: () => new Date('2026-11-20T12:00:00Z'), monotonicMs: () => 0 },
    exitCode: 0,
    ...(options.stdin === undefined ? {} : { stdin: bytesOf(options.stdin) }),
  }
  const program = new Command('countersign-handler').exitOverride()
  registerPolicyCommands(program, io)
  await program.parseAsync(['policy', ...args], { from: 'user' })
  return { code: io.exitCode, stdout, stderr }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text.slice(0, 3))
  yield Buffer.from(text.slice(3))
}

const POLICY = `version: 1
limits: { daily: { window: 24h, count: 3 } }
hooks: { screen: { url: "https://screen.example/", fallback: REJECT } }
rules:
  - { id: btc, when: { asset: BTC }, then: APPROVE }
  - id: eth
    when: { asset: ETH }
    then: APPROVE
    require: { limits: daily, hook: screen }
  - { id: late, when: { operation: TRANSFER }, then: { action: RETRY, hold: { approvals: 2 } } }
`

async function policyFile(text = POLICY): Promise<string> {
  const path = join(await temporaryDirectory(), 'policy.yaml')
  await writeFile(path, text)
  return path
}

describe('policy check', () => {
  it('passes every published example', async () => {
    const names = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.yaml'))
    expect(names).toHaveLength(5)
    for (const name of names) {
      const { code, stdout, stderr } = await run(['check', join(EXAMPLES, name)])
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
      expect(stdout).toMatch(/^ok: \d+ rules, [1-9]\d* tests passed, digest [0-9a-f]{64}\n$/)
    }
  })

  it('prints every problem with its place, and ends with 2', async () => {
    const path = await policyFile('version: 1\nruls: []\ndefault: NO\n')
    expect(await run(['check', path])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error: policy.yaml:2:1: unknown key `ruls`\n' +
        'error: policy.yaml:3:10: default: expected `REJECT`, `RETRY`, found `NO`\n',
    })
  })

  it('ends with 2 for a rule that cannot be reached, and with 0 for a warning', async () => {
    const rules = '[{ id: a, when: {}, then: REJECT }, { id: b, when: {}, then: RETRY }]'
    expect(await run(['check', await policyFile(`version: 1\nrules: ${rules}\n`)])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error: rule `b` is never reached: `a` matches all that it matches\n' +
        'warning: the policy has no tests\n',
    })
    const unused = await run([
      'check',
      await policyFile('version: 1\nlists: { a: { kind: texts, values: [x] } }'),
    ])
    expect(unused.code).toBe(0)
    expect(unused.stderr).toBe('warning: `lists.a` is not used\n')
  })

  it('checks the policy of the settings when no file is named', async () => {
    const path = await policyFile()
    const { code } = await run(['check'], { env: { HANDLER_POLICY_FILE: path } })
    expect(code).toBe(0)
    expect((await run(['check'])).stderr).toBe('error: policy.yaml:1:1: no such file\n')
  })

  it('speaks JSON', async () => {
    const good = await run(['check', await policyFile(), '--json'])
    expect(JSON.parse(good.stdout)).toEqual({
      ok: true,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      rules: 3,
      tests: 0,
      problems: [],
      advice: expect.arrayContaining([{ level: 'warning', message: 'the policy has no tests' }]),
    })
    const bad = await run(['check', await policyFile('version: 3'), '--json'])
    expect(bad.code).toBe(2)
    expect(JSON.parse(bad.stdout)).toMatchObject({ ok: false, problems: [{ line: 1, column: 10 }] })
  })
})

describe('policy explain', () => {
  const sample = join(SAMPLES, 'payload-9c794cee.json')

  it('names the deciding rule, its requirements, and why the others do not decide', async () => {
    const { code, stdout, stderr } = await run(['explain', sample, '--policy', await policyFile()])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(`APPROVE by \`eth\`: approved by policy
raw transaction: unproven: vault-address
extra signature: absent
address 1 (evm): \`0x5dc69b1fbb13bafd09af88a782f0f285772ad5f8\`
if limit \`daily\` has room ()
if hook \`screen\` allows it

  btc (APPROVE, every destination): no; asset is \`ETH\`, required \`BTC\`
  eth (APPROVE, every destination): certainly, decides
  late (RETRY, any destination): certainly, but comes later
`)
  })

  it('says when it is the policy that sets the stage', async () => {
    const signers = 'signers: { s-1: signing-only }'
    const rule = '{ id: a, when: { operation: TRANSFER, stage: signing }, then: APPROVE }'
    const policy = await policyFile(`version: 1\n${signers}\nrules: [${rule}]\n`)
    const asked = (signerId: string) =>
      run(['explain', '-', '--policy', policy], {
        stdin: JSON.stringify({ requestId: 'r', txId: 't', signerId, operation: 'TRANSFER' }),
      })
    const { stdout } = await asked('s-1')
    expect(stdout).toMatch(/^APPROVE by `a`.*\nstage: signing \(`signers` says so of `s-1`\)\n/)
    expect((await asked('s-2')).stdout).toMatch(/^REJECT by `default`.*\nraw transaction: absent\n/)
  })

  it('explains a token from standard input, and says that it is not verified', async () => {
    const token = readFileSync(join(SAMPLES, 'request-zero-signature.jwt'), 'utf8')
    const args = ['explain', '-', '--policy', await policyFile(), '--json']
    const { code, stdout, stderr } = await run(args, { stdin: `${token}\n` })
    expect(code).toBe(0)
    expect(stderr).toBe("warning: the token's signature was not verified\n")
    expect(JSON.parse(stdout)).toMatchObject({
      decision: { action: 'APPROVE', rule: 'eth' },
      limits: [{ limit: 'daily', key: '' }],
      hooks: ['screen'],
      singleUses: [],
    })
  })

  it('shows contradictions, holds and extra signatures to be used up', async () => {
    const request = join(await temporaryDirectory(), 'request.json')
    const own = await policyFile()
    const explain = async (payload: object, policy = own) => {
      await writeFile(request, JSON.stringify({ requestId: 'r', txId: 't', ...payload }))
      return (await run(['explain', request, '--policy', policy])).stdout
    }
    expect(await explain({ asset: 'ETH', destinations: [] })).toMatch(
      /^RETRY by `contradiction`.*\ncheck `no-destination` fails, answered RETRY: the transfer names no destination\n/,
    )
    expect(await explain({ asset: 'SOL' })).toMatch(/\nuntil released by 2 of your people\n/)
    const to = '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'
    const rawTx = evmRawTx({ to, amount: '1' })
    const signed = { destAddress: to, amountStr: '1', requestedAmountStr: '1', fee: '1', rawTx }
    const held = await policyFile(`version: 1
rules:
  - { id: held, when: { asset: ETH }, then: { action: RETRY, hold: {} } }
`)
    const source = { sourceType: 'VAULT', sourceId: '0' }
    expect(await explain({ asset: 'ETH', ...source, ...signed }, held)).toMatch(
      /\nuntil released by 1 of your people, now or at the approval stage\n/,
    )
  })

  it('takes the endpoint, the co-signer and the time from the command line', async () => {
    const policy = await policyFile(`version: 1
rules:
  - { id: r, when: { type: ADD_USER, cosigner: main, time: { zone: UTC, days: SUN } }, then: REJECT }
`)
    const stdin = '{"requestId":"r","type":"ADD_USER"}'
    const args = ['explain', '-', '--policy', policy, '--cosigner', 'main']
    const matched = await run([...args, '--now', '2026-11-22T12:00:00Z'], { stdin })
    expect(matched.stdout).toMatch(/^REJECT by `r`/)
    const today = await run(args, { stdin })
    expect(today.stdout).toMatch(/^REJECT by `default`[^]*time is `2026-11-20T12:00:00.000Z`/)
    const other = await run([...args, '--endpoint', 'tx_sign_request'], { stdin })
    expect(other.stderr).toBe(
      'error: the request is malformed and would be refused: MISSING txId\n',
    )
    const stray = '{"requestId":"r","type":"T","destinations":[]}'
    const unreadable = await run([...args, '--endpoint', 'config_change_sign_request'], {
      stdin: stray,
    })
    expect([unreadable.code, unreadable.stderr]).toEqual([
      2,
      'error: the request is unreadable and would be answered RETRY: a configuration change has `destinations`\n',
    ])
  })

  it.each([
    ['no request', ['-'], '[]', 'error: the request is neither a JSON object nor a token\nhint: '],
    ['duplicate names', ['-'], '{"a":1,"a":2}', 'error: the request is neither'],
    ['no standard input', ['-'], undefined, 'error: there is no standard input to read\n'],
    [
      'a missing file',
      ['nowhere.json'],
      undefined,
      'error: `nowhere.json` cannot be read (ENOENT)',
    ],
    ['an unknown endpoint', ['-', '--endpoint', 'x'], '{}', 'error: unknown endpoint `x`\n'],
    [
      'a time that is none',
      ['-', '--now', 'soon'],
      '{"requestId":"r","type":"T"}',
      'error: `soon` is not a time',
    ],
    [
      'a policy that is none',
      ['-', '--policy', 'none.yaml'],
      '{}',
      'error: none.yaml:1:1: no such file\n',
    ],
  ])('ends with 2 for %s', async (_name, args, stdin, message) => {
    const env = { HANDLER_POLICY_FILE: await policyFile() }
    const result = await run(['explain', ...args], stdin === undefined ? { env } : { env, stdin })
    expect(result.code).toBe(2)
    expect(result.stderr.slice(0, message.length)).toBe(message)
  })
})

describe('policy replay', () => {
  const content = (action: DecisionContent['action'], rule: string): DecisionContent => ({
    kind: 'decision',
    endpoint: 'tx_sign_request',
    requestId: 'r',
    signerId: '',
    stage: 'signing',
    digest: 'd',
    coreDigest: 'c',
    action,
    rule,
    reason: '',
    policyDigest: 'p',
    cosigner: 'main',
    generation: 1,
    owner: 't',
    deliveryId: 'x',
    tokenSha256: 's',
  })

  async function storeOf(...records: [string | undefined, DecisionContent][]): Promise<string> {
    const directory = await temporaryDirectory()
    const db = openDatabase(join(directory, 'decisions.db'))
    const tail = createTail(EMPTY, 1_700_000_000_000)
    tail.append({ kind: 'created', storeId: 'store' })
    for (const [token, record] of records) {
      tail.appendBody({ v: 1, time: tail.time, ...record }, token === undefined ? {} : { token })
    }
    createChainTable(db).append(tail.rows, tail.head())
    db.close()
    return directory
  }

  it('shows what another policy would decide differently', async () => {
    const payload = (id: string, asset: string) =>
      JSON.stringify({ requestId: id, txId: 't', operation: 'MINT', asset })
    const directory = await storeOf(
      [payload('r1', 'ETH'), content('APPROVE', 'eth')],
      [payload('r2', 'BTC'), content('REJECT', 'default')],
      [payload('r3', 'BTC'), content('APPROVE', 'old')],
      ['not a token', content('REJECT', 'malformed')],
    )
    const policy = await policyFile()
    const args = ['replay', '--policy', policy]
    const { code, stdout } = await run(args, { env: { HANDLER_STATE_DIR: directory } })
    expect(code).toBe(0)
    expect(stdout).toBe(`another action:
record  request  was             would be
3       r2       REJECT default  APPROVE btc

the same action by another rule:
record  request  was          would be
4       r3       APPROVE old  APPROVE btc

not readable: records 5

4 decisions: 1 the same, 1 by another rule, 1 with another action
`)
    const json = await run([...args, '--store', join(directory, 'decisions.db'), '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ total: 4, same: 1, unreadable: [5] })
  })

  it('reads a repeated RETRY with the evidence of the first', async () => {
    const payload = '{"requestId":"r1","txId":"t","operation":"MINT","asset":"BTC"}'
    const retry = content('RETRY', 'held')
    const directory = await storeOf([payload, retry], [undefined, { ...retry, evidenceIn: 2 }])
    const store = ['--store', join(directory, 'decisions.db')]
    const json = await run(['replay', '--policy', await policyFile(), ...store, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ total: 2, unreadable: [] })
  })

  it('ends with 2 without a store or with a bad policy', async () => {
    const directory = await temporaryDirectory()
    const store = ['--store', join(directory, 'none.db')]
    const missing = await run(['replay', '--policy', await policyFile(), ...store])
    expect(missing).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no decision store at[^]*\nhint: /),
    })
    const bad = await run(['replay', '--policy', await policyFile('version: 2'), ...store])
    expect(bad.code).toBe(2)
    const none = await run(['replay', '--policy', await policyFile()])
    expect(none.stderr).toMatch(/there is no decision store at `state\/decisions.db`/)
  })
})

describe('policy schema', () => {
  it('prints the schema that is in the repository', async () => {
    const { stdout } = await run(['schema'])
    expect(stdout).toBe(readFileSync(join(ROOT, 'schema/policy.schema.json'), 'utf8'))
  })
})

describe('policy assets import', () => {
  const answer = [
    {
      id: 'USDC',
      name: 'USD Coin',
      type: 'ERC20',
      nativeAsset: 'ETH',
      decimals: 7,
      contractAddress: '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48',
    },
    {
      id: 'MINE',
      name: 'Mine',
      type: 'ERC20',
      nativeAsset: 'ETH',
      decimals: 2,
      contractAddress: `0x${'12'.repeat(20)}`,
    },
    { id: 'FIAT', name: 'Dollars', type: 'FIAT' },
  ]

  it('writes a file that a policy can name, and says what contradicts the built-in assets', async () => {
    const { code, stdout, stderr } = await run(['assets', 'import', '-'], {
      stdin: JSON.stringify(answer),
    })
    expect(code).toBe(0)
    expect(stderr).toBe(
      'warning: `USDC`: `decimals` is `7`, built in is `6`\n2 assets, 1 left out: their chains are not known\n',
    )
    const path = await policyFile('version: 1\nassetsFile: assets.json\n')
    await writeFile(join(path, '..', 'assets.json'), stdout)
    const checked = await run(['check', path])
    expect(checked.code).toBe(0)
    expect(checked.stderr).toContain('`USDC` in `assets.json`: `decimals` is `7`, built in is `6`')
  })

  it('refuses what is no such answer', async () => {
    const { code, stderr } = await run(['assets', 'import', '-'], { stdin: '{"assets":{}}' })
    expect(code).toBe(2)
    expect(stderr).toContain('`-` is no answer of GET /supported_assets')
  })
})
