/** docs/runbooks/break-glass.md, step by step: page, target of events and one approver away; then too few of them. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import type { HandlerStatus, HoldList } from '../../common/admin-api.ts'
import { openReadOnly } from '../../handler/decisions/sqlite/database.ts'
import { SECRET } from '../fixtures/event-receiver.ts'
import { ed25519, spkiOf } from '../fixtures/approvers.ts'
import { claimsOf, startTestHandler, transfer } from '../fixtures/handler.ts'
import type { TestHandler } from '../fixtures/handler.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const PEOPLE = { ada: ed25519(), bob: ed25519(), cy: ed25519() }
const approvers = Object.entries(PEOPLE).map(
  ([name, pair]) => `  ${name}: { keys: [{ publicKey: "${spkiOf(pair)}" }] }`,
)
const POLICY = `version: 1
approvers:
${approvers.join('\n')}
groups: { treasury: [ada, bob, cy] }
acts: { unfreeze: { treasury: 2 }, policy: { treasury: 2 } }
rules:
  - id: large
    when: { asset: ETH_TEST }
    then: { action: RETRY, reason: treasury is asked, hold: { approvals: { treasury: 2 } } }
`

async function waiting(handler: TestHandler): Promise<string> {
  const { holds } = JSON.parse((await handler.command('hold', 'list', '--json')).out) as HoldList
  return holds.find(({ state }) => state === 'waiting')?.id ?? ''
}

async function digestOf(handler: TestHandler): Promise<string> {
  return ((await handler.admin('GET', '/v1/status')).json as HandlerStatus).policyDigest
}

it('is a matter of command lines, and of the host where too few people are left', async () => {
  const place = await temporaryDirectory()
  const [secret, targets] = [join(place, 'secret'), join(place, 'events.yaml')]
  await writeFile(secret, SECRET, { mode: 0o600 })
  // Nobody listens there.
  await writeFile(
    targets,
    `version: 1\ntargets:\n  - { name: pager, url: "http://127.0.0.1:9/", secretFile: "${secret}" }\n`,
  )
  const env = { HANDLER_EVENTS_FILE: targets }
  const handler = await startTestHandler({ policy: POLICY, env })
  const ask = async (at: TestHandler) =>
    claimsOf((await at.callback(transfer('a', '50'))).body)['action']
  const approve = async (at: TestHandler, id: string, name: keyof typeof PEOPLE) => {
    const [act, key, signature] = ['act', 'key', 'signature'].map((file) => join(place, file))
    await writeFile(act ?? '', (await at.command('hold', 'request', id)).out)
    const pem = PEOPLE[name].privateKey.export({ format: 'pem', type: 'pkcs8' })
    await writeFile(key ?? '', pem, { mode: 0o600 })
    const signed = await at.command('approval', 'sign', act ?? '', '--key', key ?? '', '--yes')
    await writeFile(signature ?? '', signed.out)
    const given = ['--approver', name, '--signature', signature ?? '']
    expect((await at.command('hold', 'approve', id, ...given)).exitCode).toBe(0)
  }

  // 1 and 2: stop, and look.
  expect(await ask(handler)).toBe('RETRY')
  const frozen = await handler.command('freeze', '--by', 'dora', '--reason', 'pager is dead')
  expect(frozen.exitCode).toBe(0)
  const id = await waiting(handler)
  expect((await handler.command('hold', 'show', id)).out).toMatch(/Digest (?:[0-9a-f]{4} ?){5}/)
  // 3: bob is away.
  await approve(handler, id, 'ada')
  await approve(handler, id, 'cy')
  expect((await handler.command('unfreeze', '--by', 'dora')).exitCode).toBe(1)
  const end = await waiting(handler)
  await approve(handler, end, 'cy')
  await approve(handler, end, 'ada')
  expect((await handler.command('unfreeze', '--by', 'dora')).exitCode).toBe(0)
  expect(await ask(handler)).toBe('APPROVE')
  // 4: his key is lost, and the others let a policy with another one in.
  const file = join(handler.home, 'policy.yaml')
  const renewed = POLICY.replace(spkiOf(PEOPLE.bob), spkiOf(ed25519()))
  await writeFile(file, renewed)
  await handler.command('policy', 'reload')
  const first = await digestOf(handler)
  const change = await waiting(handler)
  await approve(handler, change, 'ada')
  await approve(handler, change, 'cy')
  await handler.command('policy', 'reload')
  const second = await digestOf(handler)
  expect(second).not.toBe(first)
  // 5: only ada is left.
  const alone = renewed.replace('[ada, bob, cy]', '[ada]').replaceAll('treasury: 2', 'treasury: 1')
  await writeFile(file, alone)
  await handler.stop()
  const stays = await startTestHandler({ directory: handler.home, policy: alone, env })
  expect(await digestOf(stays)).toBe(second)
  await stays.stop()
  const pointer = join(handler.stateDir, 'policies', 'activated.json')
  expect(await readFile(pointer, 'utf8')).toContain(second)
  await rename(pointer, join(place, 'activated.json'))
  const broken = await startTestHandler({ directory: handler.home, policy: alone, env })
  const third = await digestOf(broken)
  expect(third).not.toBe(second)
  await broken.stop()
  const db = openReadOnly(join(handler.stateDir, 'decisions.db'))
  const bodies = db.prepare<[], string>('SELECT body FROM chain ORDER BY seq').pluck().all()
  db.close()
  const loads = bodies
    .map((text) => JSON.parse(text) as Readonly<Record<string, unknown>>)
    .filter(({ act }) => act === 'policy-load')
  expect(loads).toMatchObject([
    { subject: first, by: 'the file at the start' },
    { subject: second, before: first, by: 'ada, cy', release: change },
    { subject: third, by: 'the file at the start' },
  ])
  expect(loads[2]).not.toHaveProperty('release')
  expect(await broken.command('audit', 'verify', '--json')).toMatchObject({ exitCode: 0, err: '' })
}, 60_000)
