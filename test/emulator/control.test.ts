import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { request } from 'node:http'
import { startEmulator } from '../fixtures/emulator.ts'
import type { EmulatorFixture } from '../fixtures/emulator.ts'
import { send } from './client.ts'

let emulator: EmulatorFixture
let ahead: number
beforeEach(async () => {
  ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead), monotonicMs: () => performance.now() }
  emulator = await startEmulator({ clock, seed: 3 })
})
afterEach(() => emulator.stop())

/** Asks for a pairing of the caller's own key; gives the path of its status. */
async function askForPairing(): Promise<string> {
  const path = `/cosigners/${emulator.cosignerId}/api_keys/${emulator.apiKey}`
  const sent = await call('PUT', path, {})
  return (sent.headers.get('location') ?? '').slice('/v1'.length)
}

function call(method: string, path: string, body?: unknown) {
  return send(emulator, method, path, body, { nowMs: Date.now() + ahead })
}

async function statusOf(path: string): Promise<unknown> {
  const sent = await call('GET', path)
  return sent.status === 200 ? (sent.body as { status: string }).status : sent.status
}

const url = (name: string) => ({ callbackHandler: { url: `https://localhost:1/${name}` } })

const pairing = () => emulator.inner.pairings.values().next().value

describe('an approval', () => {
  it.each([
    ['reject', 'REJECTED'],
    ['cancel', 'CANCELLED'],
    ['expire', 404],
  ] as const)('%s ends as %s and changes nothing', async (decision, expected) => {
    const path = await askForPairing()
    await emulator.decide(decision)
    expect(await statusOf(path)).toBe(expected)
    ahead += 3_600_000
    expect(await statusOf(path)).toBe(expected)
    expect(pairing()).toBeUndefined()
  })

  it('waits for ever when nobody says anything', async () => {
    const path = await askForPairing()
    ahead += 365 * 24 * 3_600_000
    expect(await statusOf(path)).toBe('WAITING_FOR_APPROVAL')
  })

  it('is decided once', async () => {
    await askForPairing()
    const { id } = await emulator.decide('approve')
    await expect(emulator.decide('reject', id)).rejects.toThrow('409')
    await expect(emulator.decide('approve', '1')).rejects.toThrow('404')
    await expect(emulator.control('POST', `/approvals/${id}`, { decision: 'hm' })).rejects.toThrow(
      '400',
    )
  })

  it('decides by itself when told so, also those that wait already', async () => {
    const first = await askForPairing()
    await emulator.control('POST', '/auto-approve', { after_ms: 5000 })
    const second = await askForPairing()
    expect([await statusOf(first), await statusOf(second)]).toEqual([
      'WAITING_FOR_APPROVAL',
      'WAITING_FOR_APPROVAL',
    ])
    ahead += 6000
    expect([await statusOf(first), await statusOf(second)]).toEqual(['COMPLETED', 'COMPLETED'])
    await emulator.control('POST', '/auto-approve', { after_ms: null })
    const third = await askForPairing()
    ahead += 60_000
    expect(await statusOf(third)).toBe('WAITING_FOR_APPROVAL')
  })

  it('can be slow and end in any way, drawn from the seed', async () => {
    await emulator.chaos({ APPROVAL_DELAY_S: [0, 15], APPROVAL_OUTCOME: 'mixed' })
    const paths: string[] = []
    for (let at = 0; at < 12; at += 1) paths.push(await askForPairing())
    ahead += 20_000
    const ends = await Promise.all(paths.map(statusOf))
    expect(new Set(ends)).toEqual(
      new Set(['CANCELLED', 'COMPLETED', 'REJECTED', 'WAITING_FOR_APPROVAL']),
    )
  })

  it.each([
    [10_000, 'before'],
    [-10_000, 'after'],
    [0, 'at'],
  ])(
    'with a skew of %i ms is completed %s the switch, and never before people agreed',
    async (skew) => {
      await emulator.chaos({ SWITCH_SKEW_MS: skew })
      await askForPairing()
      const decidedAt = Date.now()
      await emulator.decide('approve')
      const completedAt = pairing()?.shown[0]?.at ?? 0
      const switchedAt = pairing()?.used.map(([change]) => change?.at ?? 0)
      expect(switchedAt).toEqual([completedAt + skew, completedAt + skew])
      expect(Math.min(completedAt, ...(switchedAt ?? []))).toBeGreaterThanOrEqual(decidedAt)
    },
  )

  it('lets each machine switch at its own time', async () => {
    await emulator.chaos({ SWITCH_SKEW_MS: [-10_000, 10_000] })
    await askForPairing()
    await emulator.decide('approve')
    const [first, second] = pairing()?.used.map(([change]) => change?.at) ?? []
    expect(first).not.toBe(second)
  })

  it('approved late still takes effect, and the later switch wins whatever the order', async () => {
    const path = `/cosigners/${emulator.cosignerId}/api_keys/${emulator.apiKey}`
    await askForPairing()
    await emulator.decide('approve')
    ahead += 1000
    await call('PATCH', path, url('g2'))
    const [, abandoned] = await emulator.approvals()
    await call('PATCH', path, url('g3'))
    await emulator.decide('approve')
    ahead += 1000
    expect((await call('GET', path)).body).toMatchObject(url('g3'))
    await emulator.decide('approve', abandoned?.id)
    ahead += 1000
    expect((await call('GET', path)).body).toMatchObject(url('g2'))
  })
})

/** What 40 requests to an emulator of one seed meet. */
async function story(): Promise<string[]> {
  const other = await startEmulator({ seed: 99 })
  const seen: unknown[] = []
  await other.chaos({ HTTP_5XX_PCT: 20, HTTP_429_PCT: 20, LOST_REPLY_PCT: 20 })
  for (let at = 0; at < 40; at += 1) {
    const sent = await send(other, 'GET', '/cosigners').catch(() => undefined)
    seen.push([sent?.status, sent?.headers.get('x-request-id'), sent?.headers.get('retry-after')])
  }
  await other.stop()
  return seen.map((entry) => JSON.stringify(entry).replace(/\w{3}, .* GMT/, 'a date'))
}

describe('chaos', () => {
  it('shows its seed and refuses knobs that do not exist', async () => {
    expect(await emulator.control('GET', '/chaos')).toMatchObject({
      seed: 3,
      knobs: { LOST_REPLY_PCT: 0 },
    })
    await expect(emulator.chaos({ NOISE: 1 })).rejects.toThrow('unknown knob `NOISE`')
    await expect(emulator.control('POST', '/chaos', [1])).rejects.toThrow('400')
  })

  it('of one seed gives the same answers to the same requests', async () => {
    const first = await story()
    expect(await story()).toEqual(first)
    expect(new Set(first.map((entry) => entry.slice(1, 4))).size).toBeGreaterThan(2)
  })

  it.each([
    ['seconds', /^1$/],
    ['date', / GMT$/],
    ['absent', null],
  ] as const)('answers 429 with Retry-After: %s', async (form, expected) => {
    await emulator.chaos({ HTTP_429_PCT: 100, HTTP_429_RETRY_AFTER: form })
    const { status, headers } = await call('GET', '/cosigners')
    expect(status).toBe(429)
    if (expected === null) expect(headers.get('retry-after')).toBeNull()
    else expect(headers.get('retry-after')).toMatch(expected)
  })

  it('answers 5xx as JSON in the shape of the operation, as HTML and as nothing', async () => {
    await emulator.chaos({ HTTP_5XX_PCT: 100 })
    const bodies: string[] = []
    for (let at = 0; at < 24; at += 1) {
      const path = at % 2 === 0 ? '/cosigners' : '/management/api_users'
      const { status, text } = await call('GET', path)
      expect(status).toBeGreaterThanOrEqual(500)
      bodies.push(text)
    }
    const kinds = bodies.map((text) => (text === '' ? 'empty' : text.slice(0, 9)))
    expect(new Set(kinds)).toEqual(new Set(['<html><he', 'empty', '{"error":', '{"message']))
  })

  it('loses the answer, or Location, after the work is done', async () => {
    await emulator.chaos({ LOST_REPLY_PCT: 100 })
    await expect(askForPairing()).rejects.toThrow('fetch failed')
    await emulator.chaos({ LOST_REPLY_PCT: 0, LOCATION_MISSING_PCT: 100 })
    expect(await askForPairing()).toBe('')
    expect(await emulator.approvals()).toHaveLength(2)
  })

  it('adds unknown members and, while a request is open, unknown statuses', async () => {
    await emulator.chaos({ UNKNOWN_FIELDS_PCT: 100, UNKNOWN_STATUS_PCT: 100 })
    const path = await askForPairing()
    expect((await call('GET', path)).body).toEqual({
      x_undocumented: expect.anything(),
      status: 'PENDING_EXECUTION',
      type: 'PAIR_API_KEY',
    })
    await emulator.decide('reject')
    expect(await statusOf(path)).toBe('REJECTED')
  })
})

describe('the control API', () => {
  it('shows the whole state without any key material', async () => {
    await askForPairing()
    await emulator.decide('approve')
    ahead += 1000
    const state = await emulator.control<Record<string, unknown>>('GET', '/state')
    expect(state).toMatchObject({
      seed: 3,
      users: [{ name: 'bootstrapper', role: 'NON_SIGNING_ADMIN' }],
      cosigners: [{ machines: ['cosigner-1-a', 'cosigner-1-b'] }],
      pairings: [{ shown: 'no handler', used: ['no handler', 'no handler'] }],
      requests: [{ type: 'PAIR_API_KEY', status: 'COMPLETED' }],
      audit: [{ method: 'PUT', status: 202 }],
    })
    expect(JSON.stringify(state)).not.toContain('PRIVATE')
  })

  it('says what it does not have', async () => {
    await expect(emulator.control('GET', '/nothing')).rejects.toThrow('404')
    await expect(emulator.control('POST', '/state')).rejects.toThrow('405')
    const response = await fetch(`${emulator.controlUrl}/chaos`, { method: 'POST', body: '{' })
    expect(response.status).toBe(400)
  })

  it('is refused to a browser page that rebound its name to this address', async () => {
    const { hostname, port } = new URL(emulator.controlUrl)
    const status = await new Promise((resolve, reject) => {
      const sent = request(
        { hostname, port, path: '/control/state', headers: { host: `evil.example:${port}` } },
        (response) => resolve(response.resume().statusCode),
      )
      sent.on('error', reject)
      sent.end()
    })
    expect(status).toBe(403)
  })
})
