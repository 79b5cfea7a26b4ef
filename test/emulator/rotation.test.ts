/**
 * The story behind this file: an emulator whose switch nobody notices proves nothing. Here the same change of key is
 * made twice under traffic: with one URL per generation no callback fails, whatever the skew; with one URL and a
 * handler that switches when the API says COMPLETED, callbacks fail on either side of it.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmulator } from '../fixtures/emulator.ts'
import type { EmulatorFixture } from '../fixtures/emulator.ts'
import { testKey } from '../fixtures/keys.ts'
import { send } from './client.ts'
import type { Sent } from './client.ts'
import { answering, startHandler } from './handler.ts'
import type { TinyHandler } from './handler.ts'

/** Long enough for some callbacks on a machine that stands still for half a second. */
const SKEW_MS = 1_000

interface Counts {
  readonly sent: number
  readonly failed: { readonly total: number; readonly byKind: Record<string, number> }
  readonly byUrl: Record<string, { answered: number }>
}

let emulator: EmulatorFixture
const handlers: TinyHandler[] = []
beforeEach(async () => {
  emulator = await startEmulator({ autoApproveMs: 0, seed: 21 })
})
afterEach(async () => {
  await emulator.stop()
  await Promise.all(handlers.splice(0).map((handler) => handler.close()))
})

async function completed(sent: Sent): Promise<void> {
  expect(sent.status).toBe(202)
  const path = (sent.headers.get('location') ?? '').slice('/v1'.length)
  for (let at = 0; at < 3_000; at += 1) {
    const { body } = await send(emulator, 'GET', path)
    if ((body as { status: string }).status === 'COMPLETED') return
    await sleep(20)
  }
  throw new Error('the change was not completed')
}

/** Pairs, starts traffic, changes, and calls `onCompleted` as soon as the API says so; gives the final counts. */
async function rotate(
  skewMs: number,
  first: object,
  second: object,
  onCompleted: () => void,
): Promise<Counts> {
  const path = `/cosigners/${emulator.cosignerId}/api_keys/${emulator.apiKey}`
  await completed(await send(emulator, 'PUT', path, { callbackHandler: first }))
  await emulator.chaos({ SWITCH_SKEW_MS: skewMs })
  await emulator.control('POST', '/traffic', { ratePerSecond: 20, seconds: 60 })
  await sleep(300)
  await completed(await send(emulator, 'PATCH', path, { callbackHandler: second }))
  onCompleted()
  await sleep(SKEW_MS + 200)
  return emulator.control('DELETE', '/traffic')
}

async function start(keyName: string, answer?: Parameters<typeof startHandler>[0]) {
  const handler = await startHandler({ keyName, ...answer })
  handlers.push(handler)
  return handler
}

const paired = ({ url, key, certificatePem }: TinyHandler) => ({
  url,
  publicKey: key.publicKeyPem,
  cert: certificatePem,
})

describe.each([-SKEW_MS, SKEW_MS])('a switch %i ms after COMPLETED', (skew) => {
  it('fails no callback when each generation has its own url', async () => {
    const first = await start('handler', { path: '/g1' })
    const second = await start('second', { path: '/g2' })
    const counts = await rotate(skew, paired(first), paired(second), () => undefined)
    expect(counts.failed).toEqual({ total: 0, byKind: {} })
    expect(counts.byUrl[first.url]?.answered).toBeGreaterThan(0)
    expect(counts.byUrl[second.url]?.answered).toBeGreaterThan(0)
  })

  it('fails callbacks when one url changes its key on COMPLETED', async () => {
    let keyName = 'handler'
    const handler = await start('handler', {
      answer: (request, response) => answering({ action: 'APPROVE' }, keyName)(request, response),
    })
    const { publicKeyPem } = await testKey('second')
    const { url, key } = handler
    const counts = await rotate(
      skew,
      { url, publicKey: key.publicKeyPem },
      { url, publicKey: publicKeyPem },
      () => {
        keyName = 'second'
      },
    )
    expect(counts.failed.byKind['SIGNATURE']).toBeGreaterThan(0)
  })
})
