/** Events of a handler that runs: who is told what, by targets that take, refuse, hang and come back. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { systemClock } from '../../common/clock.ts'
import type { Clock } from '../../common/clock.ts'
import type { HoldList } from '../../common/admin-api.ts'
import { eventReceiver, SECRET } from '../fixtures/event-receiver.ts'
import type { Receiver } from '../fixtures/event-receiver.ts'
import { claimsOf, newHome, startTestHandler, transfer, until } from '../fixtures/handler.ts'
import type { TestHandler } from '../fixtures/handler.ts'
import { movedClock } from '../fixtures/moved-clock.ts'

const POLICY = `version: 1
default: REJECT
rules:
  - id: small
    when: { endpoint: tx_sign_request, amount: { max: "1" } }
    then: APPROVE
  - id: huge
    when: { endpoint: tx_sign_request, amount: { min: "100" } }
    then: { action: RETRY, reason: two people are asked, hold: { approvals: 2, expires: 2h } }
`

async function handlerThatTells(
  targets: object[],
  directory?: string,
  clock: Clock = systemClock,
): Promise<TestHandler> {
  const home = directory ?? (await newHome())
  const file = join(home, 'events.yaml')
  await writeFile(join(home, 'secret'), SECRET, { mode: 0o600 })
  await writeFile(file, JSON.stringify({ version: 1, targets }), { mode: 0o644 })
  const env = { HANDLER_EVENTS_FILE: file }
  return startTestHandler({ policy: POLICY, directory: home, env, clock })
}

const target = (receiver: Receiver, changes: object = {}) => ({
  name: 'ops',
  url: receiver.url,
  secretFile: 'secret',
  ...changes,
})

const types = (receiver: Receiver) => receiver.taken.map(({ type }) => type)

async function holdOf(handler: TestHandler): Promise<string> {
  const { out } = await handler.command('hold', 'list', '--json')
  return (JSON.parse(out) as HoldList).holds[0]?.id ?? ''
}

async function isIntact(handler: TestHandler): Promise<void> {
  await handler.stop()
  const { exitCode, out } = await handler.command('audit', 'verify')
  expect([exitCode, out]).toEqual([0, expect.stringContaining('the audit chain is intact')])
}

describe('the life of a hold', () => {
  it('is told in its order, signed, with little by default and all where the target asks for it', async () => {
    const [ops, chat] = [await eventReceiver(), await eventReceiver()]
    const handler = await handlerThatTells([
      target(ops),
      {
        name: 'chat',
        url: chat.url,
        details: 'full',
        events: ['hold.*'],
        body: { type: '{{type}}', text: '{{text}}' },
      },
    ])
    await handler.callback(transfer('a', '500'))
    const id = await holdOf(handler)
    await handler.callback(transfer('a', '500'))
    await handler.approveHold(id, '--by', 'alice', '--note', 'said alice')
    await handler.approveHold(id, '--by', 'bob', '--note', 'said bob')
    await handler.command('hold', 'reject', id, '--by', 'carol', '--note', 'said carol')
    await handler.command('freeze', '--reason', 'incident 7', '--by', 'dora')
    await handler.command('unfreeze', '--by', 'dora')
    await until(() => ops.taken.length >= 6 && chat.taken.length >= 4)
    const holds = ['hold.opened', 'hold.approved', 'hold.released', 'hold.refused']
    expect(types(ops).filter((type) => type.startsWith('hold.'))).toEqual(holds)
    expect(types(ops).filter((type) => type.startsWith('freeze.'))).toEqual([
      'freeze.began',
      'freeze.ended',
    ])
    expect(ops.received.every(({ genuine }) => genuine)).toBe(true)
    expect(new Set(ops.received.map((event) => event.id)).size).toBe(6)
    expect(ops.taken[0]?.data).toMatchObject({ hold: id, requestId: 'a', approvalsWanted: 2 })
    const approved = ops.taken.find(({ type }) => type === 'hold.approved')
    expect(approved?.data).toMatchObject({ hold: id, by: 'alice', approvals: 1 })
    const said = ops.received.map(({ body }) => body).join()
    expect(said).not.toMatch(/said |incident|TRANSFER|VAULT/)
    expect(types(chat)).toEqual(holds)
    expect(JSON.parse(chat.taken[0]?.body ?? '')).toMatchObject({
      text: expect.stringMatching(/waits for 2 people: hold .*: TRANSFER 500 ETH_TEST/) as unknown,
    })
    expect(JSON.parse(chat.taken[1]?.body ?? '')).toMatchObject({
      text: expect.stringMatching(/alice approved hold .*: 1 of 2: said alice$/) as unknown,
    })
    const metrics = (await handler.ops('/metrics')).body
    expect(metrics).toContain('countersign_events_total{target="ops",outcome="delivered"} 6')
    expect(metrics).toContain('countersign_events_waiting{target="ops"} 0')
    await isIntact(handler)
  })
})

describe('a target', () => {
  it('that hangs, or answers 500, delays no answer, no other target and not the end', async () => {
    const [good, hanging, failing] = [
      await eventReceiver(),
      await eventReceiver(),
      await eventReceiver(),
    ]
    hanging.answer = () => undefined
    failing.answer = (response) => response.writeHead(500).end()
    const handler = await handlerThatTells([
      target(good),
      target(hanging, { name: 'hanging', timeout: '30s' }),
      target(failing, { name: 'failing' }),
    ])
    for (let n = 0; n < 10; n += 1) await handler.callback(transfer(`h${n}`, '500'))
    await until(() => good.taken.length === 10 && hanging.received.length === 4)
    expect(claimsOf((await handler.callback(transfer('small', '1'))).body)['action']).toBe(
      'APPROVE',
    )
    expect(failing.received.length).toBeGreaterThan(0)
    expect(failing.taken).toEqual([])
    const warned = handler.logs.filter(
      ({ msg }) => msg === 'an event was not delivered, it is tried again',
    )
    expect(warned.map((line) => [line['target'], line['detail']])).toEqual([
      ['failing', 'answered 500'],
    ])
    // Neither address nor secret is anywhere in the log, at the level `trace`.
    expect(JSON.stringify(handler.logs)).not.toContain('/hook')
    expect(JSON.stringify(handler.logs)).not.toContain(SECRET.slice(6, 30))
    await handler.stopInTime()
  })

  it('that redirects is not followed', async () => {
    const [first, second] = [await eventReceiver(), await eventReceiver()]
    first.answer = (response) => response.writeHead(307, { Location: second.url }).end()
    const handler = await handlerThatTells([target(first)])
    await handler.callback(transfer('a', '500'))
    await until(() => first.received.length >= 2)
    expect(second.received).toEqual([])
  })

  it('is told after a restart of the handler what it missed, and nothing twice that it took', async () => {
    const ops = await eventReceiver()
    const handler = await handlerThatTells([target(ops)])
    await handler.callback(transfer('a', '500'))
    await until(() => ops.taken.length === 1)
    await ops.stop()
    await handler.callback(transfer('b', '500'))
    await until(() => handler.logs.some(({ msg }) => String(msg).startsWith('an event was not')))
    await handler.stop()
    await ops.restart()
    const next = await handlerThatTells([target(ops)], handler.home)
    await until(() => ops.taken.length === 2)
    expect(ops.taken.map(({ data }) => data['requestId'])).toEqual(['a', 'b'])
    await next.stop()
    const cursor = JSON.parse(
      await readFile(join(handler.stateDir, 'events', 'ops.json'), 'utf8'),
    ) as object
    expect(cursor).toMatchObject({ version: 1, done: [] })
  })

  it('that is new hears nothing of before', async () => {
    const handler = await startTestHandler({ policy: POLICY })
    await handler.callback(transfer('before', '500'))
    await handler.stop()
    const ops = await eventReceiver()
    const next = await handlerThatTells([target(ops)], handler.home)
    await next.callback(transfer('after', '500'))
    await until(() => ops.taken.length === 1)
    expect(ops.taken[0]?.data['requestId']).toBe('after')
  })
})

describe('an alarm', () => {
  it('about a verified request is told from its decision; a forgery makes no record', async () => {
    const ops = await eventReceiver()
    const handler = await handlerThatTells([target(ops, { events: ['alarm.*'] })])
    await handler.callback(transfer('a', '1'))
    await handler.callback(transfer('a', '0.9'))
    for (let n = 0; n < 20; n += 1) await handler.post('/g1/v2/tx_sign_request', 'a.b.c')
    await until(() => ops.taken.length === 1)
    expect(ops.taken[0]).toMatchObject({ type: 'alarm.conflict', data: { action: 'REJECT' } })
    const { out } = await handler.command('audit', 'export')
    const kinds = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind)
    expect(kinds.filter((kind) => kind !== 'checkpoint')).toEqual([
      'created',
      'decision',
      'decision',
    ])
  })

  it('of a function that fails is a record, which the audit knows', async () => {
    const ops = await eventReceiver()
    const home = await newHome()
    await writeFile(join(home, 'secret'), SECRET, { mode: 0o600 })
    const file = join(home, 'events.yaml')
    await writeFile(file, JSON.stringify({ version: 1, targets: [target(ops)] }))
    const handler = await startTestHandler({
      policy: POLICY,
      directory: home,
      env: { HANDLER_EVENTS_FILE: file },
      decider: () => Promise.reject(new Error('boom')),
    })
    await handler.callback(transfer('a', '1'))
    await until(() => ops.taken.length === 1)
    expect(ops.taken[0]).toMatchObject({ type: 'alarm.policy-error', data: { requestId: 'a' } })
    await isIntact(handler)
  })

  it('that was only counted when the handler ends is a record, too', async () => {
    const handler = await startTestHandler({
      policy: POLICY,
      decider: () => Promise.reject(new Error('boom')),
    })
    for (const id of ['a', 'b', 'c']) await handler.callback(transfer(id, '1'))
    await handler.stop()
    const { out } = await handler.command('audit', 'export')
    const records = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; requestId?: string; more?: number })
    const alarms = records.filter(({ kind }) => kind === 'alarm')
    expect(alarms.map(({ requestId, more }) => [requestId, more])).toEqual([
      ['a', 0],
      ['c', 1],
    ])
  })
})

describe('what lasts', () => {
  it('is told once: a hold that ends soon, a policy that is refused, callers without a key', async () => {
    const ops = await eventReceiver()
    const clock = movedClock()
    const handler = await handlerThatTells([target(ops)], undefined, clock)
    await handler.callback(transfer('a', '500'))
    for (let n = 0; n < 5; n += 1) await handler.post('/g1/v2/tx_sign_request', 'a.b.c')
    await writeFile(join(handler.home, 'policy.yaml'), 'no policy')
    await handler.command('policy', 'reload')
    // Ten minutes before the co-signer asks for the last time.
    clock.advance(50 * 60_000)
    await until(() => ops.taken.length >= 4)
    expect(types(ops).toSorted()).toEqual([
      'callbacks.refused',
      'hold.expiring',
      'hold.opened',
      'policy.refused',
    ])
    expect(ops.taken.map(({ data }) => String(data['text'])).join()).toContain(
      'deliveries were refused: ERR_TOKEN_MALFORMED 5',
    )
  })
})

describe('check', () => {
  it('names what is wrong with the targets, and who is told', async () => {
    const ops = await eventReceiver()
    const handler = await handlerThatTells([target(ops)])
    const good = await handler.command('check', '--running')
    expect(good.out).toContain('events      told to `ops`')
    await writeFile(join(handler.home, 'events.yaml'), '{"version":2}')
    const bad = await handler.command('check', '--running')
    expect([bad.exitCode, bad.out]).toEqual([2, expect.stringMatching(/problem events .*version/)])
  })
})
