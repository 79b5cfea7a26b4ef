import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startEmulator } from '../fixtures/emulator.ts'
import type { EmulatorFixture } from '../fixtures/emulator.ts'
import { until } from '../fixtures/until.ts'
import { send } from './client.ts'
import { answering, claimsOf, startHandler } from './handler.ts'
import type { TinyHandler } from './handler.ts'

let emulator: EmulatorFixture
let handler: TinyHandler
beforeEach(async () => {
  emulator = await startEmulator({ autoApproveMs: 0, seed: 5 })
  await emulator.chaos({ COMPLETION_DELAY_MS: 0, KEEP_ALIVE: true })
})
afterEach(async () => {
  await emulator.stop()
  await handler.close()
})

interface Counts {
  readonly running: boolean
  readonly sent: number
  readonly skipped: number
  readonly inFlight: number
  readonly answered: { readonly total: number; readonly byAction: Record<string, number> }
  readonly failed: { readonly total: number; readonly byKind: Record<string, number> }
  readonly byUrl: Record<string, unknown>
  readonly latencyMs: Record<string, number> | null
  readonly failures: unknown[]
}

async function pair(url = handler.url): Promise<void> {
  const path = `/cosigners/${emulator.cosignerId}/api_keys/${emulator.apiKey}`
  const cert = handler.certificatePem
  const callbackHandler = { url, publicKey: handler.key.publicKeyPem, cert }
  expect((await send(emulator, 'PUT', path, { callbackHandler })).status).toBe(202)
}

const counts = () => emulator.control<Counts>('GET', '/traffic')

async function finished(): Promise<Counts> {
  for (let at = 0; at < 1_200; at += 1) {
    const now = await counts()
    if (!now.running) return now
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
  }
  throw new Error('the traffic did not end')
}

describe('traffic', () => {
  it('sends the mix in turn at its rate, ends by itself, and counts what came of it', async () => {
    handler = await startHandler({
      answer: (request, response) => {
        const { type } = claimsOf(request.body)
        return answering({ action: type === undefined ? 'APPROVE' : 'REJECT' })(request, response)
      },
    })
    await pair()
    const startedAt = performance.now()
    await emulator.control('POST', '/traffic', {
      ratePerSecond: 100,
      count: 60,
      mix: [{ sample: 'eth-transfer', weight: 2 }, { sample: 'add-user' }],
    })
    await expect(
      emulator.control('POST', '/traffic', { ratePerSecond: 1, count: 1 }),
    ).rejects.toThrow('409')
    const end = await finished()
    expect(performance.now() - startedAt).toBeGreaterThan(550)
    expect(end).toMatchObject({
      sent: 60,
      skipped: 0,
      inFlight: 0,
      answered: { total: 60, byAction: { APPROVE: 40, REJECT: 20 } },
      failed: { total: 0, byKind: {} },
      byUrl: { [handler.url]: { answered: 60, failed: 0 } },
      latencyMs: { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
      failures: [],
    })
    const ids = handler.received.map(({ body }) => claimsOf(body)['requestId'])
    expect(new Set(ids).size).toBe(60)
  })

  it('counts failures by kind and keeps the first of them', async () => {
    handler = await startHandler({ answer: (_, response) => void response.writeHead(503).end() })
    await pair()
    await emulator.control('POST', '/traffic', { ratePerSecond: 200, count: 30 })
    const end = await finished()
    expect(end).toMatchObject({
      answered: { total: 0 },
      failed: { total: 30, byKind: { STATUS: 30 } },
      latencyMs: null,
    })
    expect(end.failures).toHaveLength(20)
  })

  it('follows the pairing from one url to the next', async () => {
    handler = await startHandler()
    await pair()
    const second = handler.url.replace('/g1', '/g2')
    await emulator.control('POST', '/traffic', { ratePerSecond: 10, seconds: 100 })
    const called = async (url: string) => Object.keys((await counts()).byUrl).includes(url)
    await until(() => called(handler.url))
    await pair(second)
    await until(() => called(second))
    const end = await emulator.control<Counts>('DELETE', '/traffic')
    expect(end).toMatchObject({ failed: { total: 0 } })
    expect(new Set(Object.keys(end.byUrl))).toEqual(new Set([handler.url, second]))
  })

  it('stops when told, after the answers that are due', async () => {
    handler = await startHandler()
    await pair()
    await emulator.control('POST', '/traffic', { ratePerSecond: 50, seconds: 3600 })
    const end = await emulator.control<Counts>('DELETE', '/traffic')
    expect([end.running, end.inFlight]).toEqual([false, 0])
    expect(end.sent).toBeLessThan(50 * 3_600)
    expect(end.answered.total).toBe(end.sent)
  })

  it('does not pile up behind a handler that hangs: what exceeds the bound is skipped', async () => {
    handler = await startHandler({ answer: () => undefined })
    await pair()
    await emulator.chaos({ CALLBACK_DEADLINE_MS: 300 })
    const plan = { ratePerSecond: 500, count: 40, maxInFlight: 5 }
    await emulator.control('POST', '/traffic', plan)
    const end = await finished()
    expect(end.sent + end.skipped).toBe(40)
    expect(end).toMatchObject({ failed: { total: end.sent, byKind: { TIMEOUT: end.sent } } })
    expect(end.skipped).toBeGreaterThan(0)
  })

  it('counts a missing handler as what it is', async () => {
    handler = await startHandler()
    const path = `/cosigners/${emulator.cosignerId}/api_keys/${emulator.apiKey}`
    await send(emulator, 'PUT', path, {})
    await emulator.control('POST', '/traffic', { ratePerSecond: 100, count: 3 })
    const end = await finished()
    expect(end.answered.byAction).toEqual({ 'APPROVE without a handler': 3 })
    expect(end.byUrl).toEqual({ 'no handler': { answered: 3, failed: 0 } })
  })

  it('is not started by halves', async () => {
    handler = await startHandler()
    await expect(emulator.control('GET', '/traffic')).rejects.toThrow('404')
    await expect(emulator.control('DELETE', '/traffic')).rejects.toThrow('404')
    for (const plan of [
      { ratePerSecond: 10 },
      { ratePerSecond: 10, count: 1, seconds: 1 },
      { ratePerSecond: 0, count: 1 },
      { ratePerSecond: 10, count: 1, mix: [{ payload: {} }] },
    ]) {
      await expect(emulator.control('POST', '/traffic', plan)).rejects.toThrow('400')
    }
  })

  it('ends with the emulator, even while the handler hangs', async () => {
    handler = await startHandler({ answer: () => undefined })
    await pair()
    // Longer than this test may take: who waits for the callbacks under way is seen.
    await emulator.chaos({ CALLBACK_DEADLINE_MS: 120_000 })
    await emulator.control('POST', '/traffic', { ratePerSecond: 100, seconds: 60 })
    await expect(emulator.stop()).resolves.toBeUndefined()
  }, 60_000)
})
