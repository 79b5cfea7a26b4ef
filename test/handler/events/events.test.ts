/** Events from records and conditions, their bodies, the file of targets, and alarms on their way into the chain. */
import { chmod, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { AlarmEvent } from '../../../handler/callback/ports.ts'
import type { FeedHold } from '../../../handler/decisions/feed.ts'
import type { Hold } from '../../../handler/decisions/operations.ts'
import type { RecordBody } from '../../../handler/decisions/record.ts'
import { createAlarms } from '../../../handler/events/alarms.ts'
import type { Alarm } from '../../../handler/events/alarms.ts'
import { EVENTS } from '../../../handler/events/catalogue.ts'
import { expiringEvents, noticeEvent, problemEvent } from '../../../handler/events/conditions.ts'
import { openCursor } from '../../../handler/events/cursor-file.ts'
import { eventOf } from '../../../handler/events/from-record.ts'
import { createRefusedCalls } from '../../../handler/events/refused-calls.ts'
import { PLACEHOLDERS, renderBody } from '../../../handler/events/render.ts'
import type { Template } from '../../../handler/events/render.ts'
import { readTargets } from '../../../handler/events/targets.ts'
import { CallbackError } from '../../../handler/protocol/errors.ts'
import { SECRET } from '../../fixtures/event-receiver.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

const CONTEXT = { storeId: '00112233-4455-6677-8899-aabbccddeeff', retryMs: 3_600_000 }
const TIME = '2026-11-27T12:00:00.000Z'
const NOW = new Date(TIME)
const HOLD: FeedHold = {
  id: 'h',
  terms: { approvals: 2, expiresMs: 86_400_000, onExpiry: 'RETRY' },
  summary: 'TRANSFER 5 ETH to 0xdEaD',
  openedAt: TIME,
  expiresAt: '2026-11-28T12:00:00.000Z',
  approvals: ['alice', 'bob'],
  approved: 2,
  keys: {},
  rejectedBy: undefined,
}

const act = (name: string, by = 'alice', subject = 'h') =>
  ({ v: 1, time: TIME, kind: 'operator', act: name, by, subject, note: 'a note' }) as RecordBody
const decision = (rule: string, differs?: string[]) =>
  ({
    v: 1,
    time: TIME,
    kind: 'decision',
    rule,
    action: 'REJECT',
    reason: 'why',
    requestId: 'r',
    signerId: 's',
    stage: 'signing',
    owner: 't',
    deliveryId: 'd',
    ...(differs === undefined ? {} : { differs }),
  }) as unknown as RecordBody
const HELD = {
  v: 1,
  time: TIME,
  kind: 'held',
  hold: 'h',
  endpoint: 'tx_sign_request',
  requestId: 'r',
  signerId: 's',
  stage: 'signing',
  digest: 'x',
  terms: HOLD.terms,
  summary: HOLD.summary,
} as RecordBody
const ALARM: RecordBody = {
  v: 1,
  time: TIME,
  kind: 'alarm',
  alarm: 'deadline',
  requestId: 'r',
  deliveryId: 'd',
  more: 2,
}
const told = (body: RecordBody, hold?: FeedHold) => eventOf({ seq: 7, body, hold }, CONTEXT)

describe('an event of a record', () => {
  it('of a new hold says who is needed, and until when', () => {
    expect(told(HELD, HOLD)).toEqual({
      id: 'evt_0011223344556677_7',
      type: 'hold.opened',
      time: TIME,
      key: 'h',
      text: 'request r (signing stage) waits for 2 people: hold h, until 2026-11-27T13:00:00.000Z',
      data: {
        hold: 'h',
        endpoint: 'tx_sign_request',
        requestId: 'r',
        signerId: 's',
        stage: 'signing',
        approvals: 0,
        approvalsWanted: 2,
        onExpiry: 'RETRY',
        expiresAt: '2026-11-28T12:00:00.000Z',
        until: '2026-11-27T13:00:00.000Z',
        seq: 7,
      },
      details: { summary: 'TRANSFER 5 ETH to 0xdEaD' },
    })
  })

  it.each([
    [act('hold-approve', 'alice'), HOLD, 'hold.approved', 'alice approved hold h: 1 of 2'],
    [act('hold-approve', 'bob'), HOLD, 'hold.released', 'bob approved hold h, which is released'],
    [act('hold-reject', 'bob'), HOLD, 'hold.refused', 'bob refused hold h'],
    [
      act('freeze', 'bob', 'REJECT'),
      undefined,
      'freeze.began',
      'bob froze the handler: new requests get REJECT',
    ],
    [
      act('freeze-again', 'bob', 'RETRY'),
      undefined,
      'freeze.began',
      'bob froze the handler: new requests get RETRY',
    ],
    [act('unfreeze'), undefined, 'freeze.ended', 'alice ended the freeze'],
    [
      act('release-charges', 'bob', 'tx'),
      undefined,
      'limits.released',
      'bob gave back what tx was charged',
    ],
    [act('accept-store'), undefined, 'store.accepted', 'alice accepted this decision store'],
    [
      decision('contradiction'),
      undefined,
      'alarm.contradiction',
      'request r is answered REJECT by the reserved rule contradiction',
    ],
    [
      decision('conflict'),
      undefined,
      'alarm.conflict',
      'request r is answered REJECT by the reserved rule conflict',
    ],
    [
      decision('small', ['amount', 'asset']),
      undefined,
      'alarm.stage-difference',
      'the stages of t differ in amount, asset',
    ],
    [ALARM, undefined, 'alarm.deadline', 'alarm deadline: request r, delivery d, and 2 more'],
  ])('%#: %s', (body, hold, type, text) => {
    expect(told(body, hold)).toMatchObject({ type, text, id: 'evt_0011223344556677_7', time: TIME })
    // What people wrote is told to those only who ask for it.
    expect(JSON.stringify({ ...told(body, hold), details: {} })).not.toMatch(/a note|why/)
  })

  it('of an act or an alarm that this version does not know is none', () => {
    expect(told(act('something-new'))).toBeUndefined()
    const alarm = {
      v: 1,
      time: TIME,
      kind: 'alarm',
      alarm: 'new',
      requestId: 'r',
      deliveryId: 'd',
      more: 0,
    }
    expect(told(alarm as RecordBody)).toBeUndefined()
    expect(told({ v: 1, time: TIME, kind: 'recovered', tornTail: false })).toBeUndefined()
  })
})

describe('what lasts', () => {
  it.each([
    ['certificate of generation 1: expires in 12d, run `rotate`', 'certificate.due'],
    ['policy: the file is refused and so on: address 0xdEaD', 'policy.refused'],
    ['shadow policy: the file is refused: 0xdEaD', 'policy.refused'],
    ['silence: no request for 3 h', 'silence'],
    ['drift of pairing a/b: the co-signer asks https://0xdEaD.test', 'drift'],
    ['hook: `screening` keeps failing', 'notice'],
  ])('%s', (line, type) => {
    const event = noticeEvent(line, NOW, CONTEXT)
    expect(event?.type).toBe(type)
    expect(JSON.stringify({ ...event, details: {} })).not.toContain('0xdEaD')
  })

  it('has the same id all day, another the next day, and another for another subject', () => {
    const at = (line: string, iso: string) => noticeEvent(line, new Date(iso), CONTEXT)?.id
    const id = at('certificate of generation 1: expires in 12d', '2026-11-27T00:00:00Z')
    expect(at('certificate of generation 1: expires in 11d', '2026-11-27T23:59:59Z')).toBe(id)
    expect(at('certificate of generation 1: expires in 11d', '2026-11-28T00:00:00Z')).not.toBe(id)
    expect(at('certificate of generation 2: expires in 12d', '2026-11-27T00:00:00Z')).not.toBe(id)
  })

  it('is no freeze, which has events of its own', () => {
    expect(noticeEvent('frozen: every new request gets RETRY', NOW, CONTEXT)).toBeUndefined()
  })

  it('is a problem of the store, or another one', () => {
    expect(problemEvent('store: the disk is full', NOW, CONTEXT).type).toBe('store.unavailable')
    expect(problemEvent('signing: no key', NOW, CONTEXT).type).toBe('not-ready')
  })

  it.each([
    ['44 min after an hour of patience began', 44, {}, 0],
    ['45 min', 46, {}, 1],
    ['when it is over', 60, {}, 0],
    ['of a hold of 20 min: at 14', 14, { expiresAt: '2026-11-27T12:20:00.000Z' }, 0],
    ['of a hold of 20 min: at 15', 15, { expiresAt: '2026-11-27T12:20:00.000Z' }, 1],
    ['of a hold that is released', 46, { state: 'released' as const }, 0],
  ])('a hold that ends soon: %s', (_name, minutes, changes, count) => {
    const hold: Hold = { ...HOLD, state: 'waiting', ...changes }
    const now = new Date(NOW.getTime() + minutes * 60_000)
    const events = expiringEvents([hold], now, CONTEXT)
    expect(events.map(({ type, key, id }) => [type, key, id])).toEqual(
      Array.from({ length: count }, () => [
        'hold.expiring',
        'h',
        'evt_0011223344556677_expiring_h',
      ]),
    )
  })
})

describe('deliveries that nobody has signed', () => {
  it('are told together, once in five minutes', () => {
    let nowMs = 0
    const refused = createRefusedCalls(CONTEXT, { now: () => NOW, monotonicMs: () => nowMs })
    const refuse = (error: Error) =>
      refused.refused({ deliveryId: 'd', endpoint: undefined, generation: 1, error })
    expect(refused.due()).toBeUndefined()
    for (let n = 0; n < 1_000; n += 1) refuse(new CallbackError('ERR_TOKEN_MALFORMED', 'x'))
    refuse(new CallbackError('ERR_PROBE', 'x'))
    refuse(new CallbackError('ERR_NOT_FOUND', 'x'))
    refuse(new Error('a bug'))
    expect(refused.due()?.text).toBe(
      'deliveries were refused: ERR_TOKEN_MALFORMED 1000, ERR_INTERNAL 1',
    )
    refuse(new CallbackError('ERR_TOKEN_MALFORMED', 'x'))
    nowMs = 299_999
    expect(refused.due()).toBeUndefined()
    nowMs = 300_000
    expect(refused.due()?.data).toEqual({ codes: 'ERR_TOKEN_MALFORMED 1' })
  })
})

describe('the body', () => {
  const event = eventOf({ seq: 7, body: act('hold-reject'), hold: HOLD }, CONTEXT)
  if (event === undefined) throw new Error('no event')
  const body = (template?: Template, full = false) =>
    JSON.parse(renderBody(event, { template, full, storeId: 'the-store' })) as unknown

  it('is that of Standard Webhooks, without what people wrote', () => {
    expect(body()).toEqual({
      type: 'hold.refused',
      timestamp: TIME,
      data: { store: 'the-store', text: 'alice refused hold h', hold: 'h', by: 'alice', seq: 7 },
    })
  })

  it('has what people wrote where the target asks for it', () => {
    expect(body(undefined, true)).toMatchObject({ data: { note: 'a note' } })
  })

  it('is the structure of the target, filled in', () => {
    const template = {
      text: '{{type}}: {{ text }} {{rule}}',
      blocks: [{ n: 1, ok: true, none: null, note: '{{note}}' }],
    }
    expect(body(template)).toEqual({
      text: 'hold.refused: alice refused hold h ',
      blocks: [{ n: 1, ok: true, none: null, note: '' }],
    })
    expect(body(template, true)).toMatchObject({
      text: 'hold.refused: alice refused hold h: a note ',
      blocks: [{ note: 'a note' }],
    })
  })

  it('cannot be taken for anything else, whatever the text', () => {
    const evil = '"},"x":"<!channel> <https://evil.example|Approve> @here *ok* `x` \u202e\n{{type}}'
    const made = { ...event, text: evil, details: {} }
    const text = renderBody(made, { template: { text: '{{text}}' }, full: false, storeId: 's' })
    expect(JSON.parse(text)).toEqual({
      text: `"},"x":"?!channel? ?https: //evil.example?Approve? ?here ?ok? ?x? ??{{type}}`,
    })
    const standard = renderBody(made, { template: undefined, full: false, storeId: 's' })
    expect(standard).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(standard)).toMatchObject({ data: { text: evil } })
  })
})

describe('the file of targets', () => {
  const TARGET = { name: 'ops', url: 'https://ops.example/hook', secretFile: 'ops.secret' }
  async function read(entries: unknown, files: Record<string, string> = {}) {
    const directory = await temporaryDirectory()
    const all = { 'ops.secret': `${SECRET}\n`, ...files }
    for (const [name, text] of Object.entries(all)) {
      await writeFile(join(directory, name), text, { mode: 0o600 })
    }
    const path = join(directory, 'events.yaml')
    const text =
      typeof entries === 'string' ? entries : JSON.stringify({ version: 1, targets: entries })
    await writeFile(path, text, { mode: 0o644 })
    const found = await readTargets(path)
    return {
      ...found,
      problems: found.problems.map((each) => each.replaceAll(directory, '…')),
      path,
    }
  }

  it('is read with its secrets; what is left out is the careful choice', async () => {
    const { targets, problems } = await read([TARGET])
    expect(problems).toEqual([])
    expect(targets).toMatchObject([
      { name: 'ops', full: false, timeoutMs: 10_000, template: undefined },
    ])
    expect(targets[0]?.events.size).toBe(Object.keys(EVENTS).length)
    expect(targets[0]?.secrets.map(String)).toEqual(['a secret of thirty-two bytes, yes'])
  })

  it('may name an address in a file, several secrets, a choice of events and a body', async () => {
    const chat = {
      name: 'chat',
      urlFile: 'chat.url',
      events: ['hold.*', 'silence'],
      details: 'full',
      timeout: '3s',
      body: { text: '{{text}}' },
    }
    const { targets, problems } = await read([{ ...TARGET, url: 'http://127.0.0.1:1/' }, chat], {
      'ops.secret': `${SECRET}\n${SECRET}\n`,
      'chat.url': 'https://chat.example/services/T0/secret\n',
    })
    expect(problems).toEqual([])
    expect(targets[0]?.secrets).toHaveLength(2)
    expect(targets[1]).toMatchObject({ full: true, timeoutMs: 3_000, secrets: [] })
    expect(targets[1]?.url.href).toBe('https://chat.example/services/T0/secret')
    expect([...(targets[1]?.events ?? [])]).toEqual([
      'hold.opened',
      'hold.approved',
      'hold.released',
      'hold.refused',
      'hold.expiring',
      'silence',
    ])
  })

  it.each([
    ['no text', '', /^`…\/events.yaml`: .*expected object/],
    ['no YAML', 'a: [', /^`…\/events.yaml`: line 1/],
    ['an alias', 'a: &a 1\nb: *a', /anchors|aliases/],
    ['no target', [], /targets/],
    ['an unknown member', [{ ...TARGET, secret: 'x' }], /secret/],
    ['two of one name', [TARGET, TARGET], /two targets have this name/],
    ['a name that is a path', [{ ...TARGET, name: '../x' }], /name: is not of the form/],
    ['no address', [{ ...TARGET, url: undefined }], /either `url` or `urlFile`/],
    ['two addresses', [{ ...TARGET, urlFile: 'ops.secret' }], /either `url` or `urlFile`/],
    ['http to elsewhere', [{ ...TARGET, url: 'http://ops.example/' }], /must be https/],
    [
      'http to what only looks local',
      [{ ...TARGET, url: 'http://127.0.0.1.evil.example/' }],
      /must be https/,
    ],
    ['another scheme', [{ ...TARGET, url: 'file:///etc/passwd' }], /its URL is none/],
    ['a password', [{ ...TARGET, url: 'https://a:b@ops.example/' }], /holds a password/],
    ['no secret', [{ ...TARGET, secretFile: undefined }], /`secretFile` is missing/],
    [
      'a secret that is not there',
      [{ ...TARGET, secretFile: 'none' }],
      /`…\/none`: there is no such file/,
    ],
    ['an event that is none', [{ ...TARGET, events: ['hold.open'] }], /`hold.open` is no event/],
    ['no event', [{ ...TARGET, events: [] }], /events/],
    ['a wait that is too long', [{ ...TARGET, timeout: '31s' }], /longer than 30s/],
    ['a wait that is none', [{ ...TARGET, timeout: '10' }], /no duration/],
    [
      'a placeholder that is none',
      [{ ...TARGET, body: { a: [{ b: '{{token}}' }] } }],
      /no placeholder is called `token`/,
    ],
  ])('refuses %s', async (_name, entries, problem) => {
    const { targets, problems } = await read(entries)
    expect(targets).toEqual([])
    expect(problems.join('\n')).toMatch(problem)
  })

  it.each(['', 'short', 'whsec_AAAA', `${SECRET}\nwhsec_*`, `whsec_${'A'.repeat(200)}`])(
    'refuses the secret %j, and does not show it',
    async (secret) => {
      const { problems } = await read([TARGET], { 'ops.secret': secret })
      expect(problems).toEqual([
        '`…/events.yaml`: `ops`: `secretFile`: each line must be `whsec_` and 24 to 64 bytes in Base64',
      ])
    },
  )

  it('refuses files that others could read or write', async () => {
    const { path } = await read([TARGET])
    await chmod(path, 0o666)
    expect((await readTargets(path)).problems[0]).toContain('can be written by other users')
    await chmod(path, 0o644)
    const secret = join(path, '..', 'ops.secret')
    await chmod(secret, 0o644)
    expect((await readTargets(path)).problems[0]).toContain('can be read by other users')
    await writeFile(`${secret}2`, SECRET, { mode: 0o600 })
    await symlink(`${secret}2`, join(path, '..', 'link'))
    await writeFile(path, (await readFile(path, 'utf8')).replace('ops.secret', 'link'))
    expect((await readTargets(path)).problems[0]).toContain('is a symbolic link')
    expect((await readTargets(`${path}.none`)).problems[0]).toContain('there is no such file')
  })
})

describe('the place in the chain', () => {
  it('is kept, and lost when it is of another store, ahead of the chain or no cursor', async () => {
    const directory = join(await temporaryDirectory(), 'events')
    const open = (storeId = 's', head = 9) => openCursor(directory, 'ops', storeId, head)
    const first = await open()
    expect(first).toMatchObject({ position: undefined, unusable: false })
    await first.save({ seq: 5, done: [7] })
    expect(await open()).toMatchObject({ position: { seq: 5, done: [7] }, unusable: false })
    expect(await open('other')).toMatchObject({ position: undefined, unusable: true })
    expect(await open('s', 4)).toMatchObject({ position: undefined, unusable: true })
    await writeFile(join(directory, 'ops.json'), '{')
    expect(await open()).toMatchObject({ position: undefined, unusable: true })
  })
})

describe('alarms', () => {
  function bench(record: (alarm: Alarm) => Promise<void> = () => Promise.resolve()) {
    const recorded: Alarm[] = []
    const unrecorded: Alarm[] = []
    const timers: (() => void)[] = []
    const hear = createAlarms(
      async (alarm) => {
        await record(alarm)
        recorded.push(alarm)
      },
      (alarm) => unrecorded.push(alarm),
      (_ms, run) => {
        timers.push(run)
        return () => undefined
      },
    )
    const alarm = (kind: AlarmEvent['kind'], requestId: string) =>
      hear({ kind, requestId, deliveryId: `d-${requestId}` })
    const second = () => timers.splice(0).forEach((run) => run())
    return { recorded, unrecorded, alarm, second }
  }

  it('are recorded at once, and then once a second with what came besides', async () => {
    const { recorded, alarm, second } = bench()
    for (let n = 1; n <= 100; n += 1) alarm('deadline', `r${n}`)
    alarm('policy-error', 'p')
    second()
    alarm('deadline', 'r101')
    second()
    second()
    alarm('deadline', 'r102')
    await Promise.resolve()
    expect(recorded).toEqual([
      { alarm: 'deadline', requestId: 'r1', deliveryId: 'd-r1', more: 0 },
      { alarm: 'policy-error', requestId: 'p', deliveryId: 'd-p', more: 0 },
      { alarm: 'deadline', requestId: 'r100', deliveryId: 'd-r100', more: 98 },
      { alarm: 'deadline', requestId: 'r101', deliveryId: 'd-r101', more: 0 },
      { alarm: 'deadline', requestId: 'r102', deliveryId: 'd-r102', more: 0 },
    ])
  })

  it('are not recorded again when a decision shows them, or when it is the store that fails', async () => {
    const { recorded, unrecorded, alarm } = bench()
    for (const kind of ['conflict', 'uncertain', 'stage-difference'] as const) alarm(kind, 'r')
    alarm('store-unavailable', 'r')
    await Promise.resolve()
    expect(recorded).toEqual([])
    expect(unrecorded.map(({ alarm: kind }) => kind)).toEqual(['store-unavailable'])
  })

  it('are told from memory when they cannot be recorded', async () => {
    const { recorded, unrecorded, alarm } = bench(() => Promise.reject(new Error('full')))
    alarm('policy-error', 'r')
    await new Promise((resolve) => setImmediate(resolve))
    expect(recorded).toEqual([])
    expect(unrecorded).toMatchObject([{ alarm: 'policy-error', requestId: 'r' }])
  })
})

describe('docs/events.md', () => {
  it('has every event, placeholder and member', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../docs/events.md'), 'utf8')
    const rows = new Map(
      Array.from(page.matchAll(/^\| `([\w.-]+)` +\| (.*?) +\|$/gm), ([, name = '', what = '']) => [
        name,
        what,
      ]),
    )
    for (const [type, meaning] of Object.entries(EVENTS)) {
      expect([type, rows.get(type)]).toEqual([
        type,
        expect.stringContaining(meaning.replace(/\.$/, '')),
      ])
    }
    for (const name of PLACEHOLDERS) expect(page).toContain(`\`{{${name}}}\``)
  })
})
