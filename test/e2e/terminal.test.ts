/**
 * Text from requests never reaches a terminal raw, in any command of the handler: requests that are full of what terminals
 * act on are approved, refused, held, put off and recorded, and every command that could show them is run.
 */
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { describe, expect, it, jest } from '@jest/globals'
import type { HoldList } from '../../common/admin-api.ts'
import { runCli } from '../../handler/cli.ts'
import type { CommandIo } from '../../handler/commands/command-io.ts'
import { actingIn, HOSTILE } from '../fixtures/hostile-text.ts'
import { startTestHandler, transfer } from '../fixtures/handler.ts'

jest.setTimeout(60_000)

const POLICY = `version: 1
default: REJECT
limits: { daily: { window: 24h, count: 5, amount: "10", by: [asset, source, destination] } }
rules:
  - { id: small, when: { amount: { max: "1" } }, then: APPROVE, require: { limits: daily } }
  - id: held
    when: { amount: { max: "100" } }
    then: { action: RETRY, reason: a person is asked, hold: {} }
  - { id: late, when: { amount: { max: "1000" } }, then: { action: RETRY, reason: later } }
`
const SHADOW = 'version: 1\nrules: [{ id: all, when: { operation: any }, then: APPROVE }]\n'

/** Hostile in every text that the policy does not need; an id would be refused. */
function hostile(id: string, amount: string) {
  return transfer(id, amount, {
    sourceId: HOSTILE,
    sourceName: HOSTILE,
    note: HOSTILE,
    customerRefId: HOSTILE,
    destAddress: HOSTILE,
    [HOSTILE]: HOSTILE,
    extraParameters: {
      contractCallData: HOSTILE,
      rawMessageData: { messages: [{ content: HOSTILE, type: HOSTILE }] },
      [HOSTILE]: [HOSTILE],
    },
  })
}

describe('what requests say', () => {
  it('acts on no terminal, whichever command shows it', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    const requests = { small: '0.5', held: '50', late: '500', refused: '5000' }
    for (const [id, amount] of Object.entries(requests)) {
      expect((await handler.callback(hostile(id, amount))).status).toBe(200)
    }
    for (const name of ['requestId', 'txId', 'signerId']) {
      const { status } = await handler.callback({ ...hostile('id', '0.5'), [name]: HOSTILE })
      expect([200, 400]).toContain(status)
    }
    const file = join(handler.stateDir, 'request.json')
    const other = join(handler.stateDir, 'other.yaml')
    await writeFile(file, JSON.stringify(hostile('explained', '50')))
    await writeFile(other, SHADOW)
    const { out: list } = await handler.command('hold', 'list', '--json')
    const [{ id: hold } = { id: '' }] = (JSON.parse(list) as HoldList).holds
    expect(hold).toMatch(/^[0-9a-f]{16}$/)
    const log = handler.logs.map((each) => JSON.stringify(each)).join('\n')
    const env = {
      HANDLER_STATE_DIR: handler.stateDir,
      HANDLER_POLICY_FILE: join(handler.home, 'policy.yaml'),
    }

    const shown = new Map<string, number>()
    const check = async (argv: readonly string[], stdin?: string) => {
      const io = terminal(env, stdin)
      await runCli(argv, io, () => Promise.reject(new Error('nothing is to run')))
      const name = argv.filter((word) => /^[a-z-]+$/.test(word)).join(' ')
      expect({ name, acting: actingIn(io.printed(), true) }).toEqual({ name, acting: [] })
      shown.set(name, io.printed().length)
      return io.printed()
    }
    const both = async (...argv: string[]) => {
      await check([...argv, '--json'])
      return check(argv)
    }
    await both('hold', 'list')
    expect(await both('hold', 'show', hold)).toContain('error: forged')
    await check(['hold', 'request', hold])
    await both('limits', 'list')
    await both('freeze', 'status')
    await both('freeze', '--by', HOSTILE, '--reason', HOSTILE)
    await both('freeze', 'status')
    await both('unfreeze', '--by', HOSTILE, '--reason', HOSTILE)
    await both('limits', 'release', 'small', '--by', HOSTILE)
    await both('limits', 'release', `none${HOSTILE}`, '--by', HOSTILE)
    await both('hold', 'show', HOSTILE)
    await check(['hold', 'approve', hold, '--by', HOSTILE])
    await both('hold', 'reject', hold, '--by', HOSTILE, '--reason', HOSTILE)
    await both('policy', 'reload')
    await both('audit', 'verify')
    expect(await both('audit', 'show', 'late')).toContain('error: forged')
    await both('audit', 'show', HOSTILE)
    await check(['audit', 'export'])
    expect(await check(['audit', 'export', '--with-evidence'])).toContain('error: forged')
    await both('audit', 'accept-store')
    await both('policy', 'shadow-report')
    await both('policy', 'replay', '--policy', other)
    await both('policy', 'explain', '--policy', other, file)
    await check(['policy', 'explain', '-'], JSON.stringify(hostile('explained', '50')))
    await check(['policy', 'explain', '-'], HOSTILE)
    await check(['log'], log)
    const strange = HOSTILE.replaceAll('\n', '')
    await check(['log'], `${strange}${log}${strange}`)
    await check(['policy', 'check', HOSTILE])
    await check(
      ['policy', 'assets', 'import', '-'],
      JSON.stringify([{ id: HOSTILE, type: HOSTILE }]),
    )
    await check(['approval', 'sign', '-', '--key', HOSTILE], HOSTILE)
    expect([...shown].filter(([, length]) => length === 0)).toEqual([])
    const tried = (command: string) =>
      [...shown.keys()].some((name) => name === command || name.startsWith(`${command} `))
    expect((await leaves()).filter((command) => !tried(command))).toEqual(QUIET)
  })
})

/** Commands that neither a request nor the API says anything to. */
const QUIET = [
  'approver enrol',
  'check',
  'completion',
  'policy readings',
  'policy schema',
  'run',
  'statement keygen',
  'statement sign',
]

/** Every command that has none below it, from the help. */
async function leaves(path: readonly string[] = []): Promise<readonly string[]> {
  const io = terminal({})
  await runCli([...path, '--help'], io, () => Promise.reject(new Error('nothing is to run')))
  const list = io.printed().split('\nCommands:\n')[1] ?? ''
  const names = [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name)
  const below = names.filter((name) => name !== 'help').map((name) => leaves([...path, name]))
  const found = (await Promise.all(below)).flat()
  return found.length === 0 ? [path.join(' ')] : found.toSorted()
}

/** A terminal of 100 columns on both streams, whose questions are answered with yes. */
function terminal(env: CommandIo['env'], stdin = ''): CommandIo & { printed(): string } {
  let printed = ''
  const stream = {
    isTTY: true,
    columns: 100,
    write: (text: string) => {
      printed += text
      return true
    },
  }
  return {
    env,
    stdin: (async function* pieces() {
      yield Buffer.from(stdin)
    })(),
    ask: async (question) => {
      printed += question
      return true
    },
    stdout: stream,
    stderr: stream,
    clock: { now: () => new Date(), monotonicMs: () => performance.now() },
    exitCode: 0,
    printed: () => printed,
  }
}
