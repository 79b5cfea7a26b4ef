/**
 * The answer key on its way to the co-signer and back: handler, bootstrapper and emulator together. Two keys by default,
 * ES256 when it is asked for and the co-signer knows it, one key as the way back, and no callback lost on the way.
 */
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { setTimeout as pause } from 'node:timers/promises'
import { parseCli } from '../../bootstrap/cli.ts'
import { certificateFacts, kidOf } from '../../certs/inspect.ts'
import type { HandlerStatus } from '../../common/admin-api.ts'
import { systemSleep } from '../../common/clock.ts'
import { runBootstrap } from '../fixtures/bootstrap.ts'
import { startEmulator } from '../fixtures/emulator.ts'
import type { EmulatorFixture } from '../fixtures/emulator.ts'
import { startTestHandler, transfer, until } from '../fixtures/handler.ts'
import type { TestHandler } from '../fixtures/handler.ts'
import { softHsm, softHsmLacks } from '../fixtures/soft-hsm.ts'
import { testEcKey, testKey } from '../fixtures/keys.ts'
import { type KmsMood, kmsService } from '../fixtures/kms-service.ts'

const USER = '7d2f8a51-3f52-4b21-9a41-d3c1f0a6a7b8'

interface Ran {
  readonly exit: number
  readonly facts: Record<string, unknown>
  readonly stderr: string
}

interface Scene {
  readonly emulator: EmulatorFixture
  readonly handler: TestHandler
  /** Runs the bootstrapper for the one pairing. */
  readonly bootstrap: (...argv: string[]) => Promise<Ran>
  readonly status: () => Promise<HandlerStatus>
  /** How one callback ended: its action, or the kind of its failure. */
  readonly callback: () => Promise<string | undefined>
}

const emulators: EmulatorFixture[] = []
afterEach(async () => {
  await Promise.all(emulators.splice(0).map((emulator) => emulator.stop()))
})

async function scene(env: Record<string, string> = {}): Promise<Scene> {
  const emulator = await startEmulator({ autoApproveMs: 0 })
  emulators.push(emulator)
  const { publicKey } = await testKey('api user')
  emulator.inner.users.set(USER, {
    id: USER,
    name: 'signer',
    role: 'SIGNER',
    status: 'READY',
    publicKey,
  })
  const handler = await startTestHandler({
    env: { HANDLER_COSIGNER_KEYS: emulator.cosignerPublicKeyPath, ...env },
  })
  return {
    emulator,
    handler,
    async bootstrap(...argv) {
      let said = ''
      const [command = '', ...flags] = argv
      const ids = ['--cosigner-id', emulator.cosignerId, '--api-key-id', USER]
      const parsed = parseCli(
        [command, ...ids, '--state-dir', handler.stateDir, '--json', ...flags],
        (text) => (said += text),
      )
      if ('exit' in parsed) throw new Error(`${JSON.stringify(parsed)} ${said}`)
      const { exit, stdout, stderr } = await runBootstrap(parsed, emulator, {
        sleep: (ms, signal) => systemSleep(Math.min(ms, 50), signal),
      })
      const facts = stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>)
      return { exit, facts, stderr }
    },
    status: async () => (await handler.admin('GET', '/v1/status')).json as HandlerStatus,
    async callback() {
      const sent = { sample: 'eth-transfer', set: { requestId: randomUUID(), txId: randomUUID() } }
      const seen = await emulator.control<{ action?: string; error?: { kind: string } }>(
        'POST',
        '/callbacks',
        sent,
      )
      return seen.action ?? seen.error?.kind
    },
  }
}

const rotateTo = (...flags: string[]) => ['rotate', '--yes', '--retire-now', ...flags]

/** A place of keys that is set in `env` signs, is rotated under traffic, and is missed once it `goes`. */
async function signsIsRotatedAndMissed(place: {
  readonly env: Record<string, string>
  /** What the name of the key of generation n begins with. */
  readonly names: (generation: number) => unknown
  readonly goes: () => Promise<void>
}): Promise<void> {
  const { env, names, goes } = place
  const { emulator, handler, bootstrap, status, callback } = await scene(env)
  expect((await bootstrap('pair')).exit).toBe(0)
  expect(await callback()).toBe('REJECT')
  await emulator.control('POST', '/traffic', { ratePerSecond: 5, seconds: 120 })
  const rotated = await bootstrap(...rotateTo('--algorithm', 'ES256'))
  expect([rotated.exit, rotated.facts]).toMatchObject([0, { generation: 2, algorithm: 'ES256' }])
  await pause(200)
  const counts = await emulator.control<{ failed: unknown }>('DELETE', '/traffic')
  expect(counts.failed).toEqual({ total: 0, byKind: {} })
  const signers = (await status()).generations.map(({ signer }) => signer.split('?')[0])
  expect(signers).toEqual([1, 2].map(names))
  await goes()
  expect(await callback()).toBe('STATUS')
  // What was found is kept for a second.
  await until(async () => (await handler.ops('/readyz')).body.includes('signing for generation 2'))
  await handler.stop()
  await expect(startTestHandler({ directory: handler.home, env })).rejects.toThrow(
    'generation 2 cannot sign',
  )
}

const describeToken = softHsmLacks() === undefined ? describe : describe.skip

describeToken('an answer key in a PKCS#11 token', () => {
  it('signs, is rotated under traffic, and is missed when the token is gone', async () => {
    const token = await softHsm()
    await signsIsRotatedAndMissed({
      env: { ...token.env, HANDLER_ANSWER_SIGNER: token.uri },
      names: (n) => expect.stringContaining(`object=countersign-g${n};`),
      goes: () => token.remove(),
    })
  })
})

describe('an answer key in AWS KMS', () => {
  it('signs, is rotated under traffic, and is missed when it is disabled', async () => {
    const service = await kmsService()
    await signsIsRotatedAndMissed({
      env: { HANDLER_ANSWER_SIGNER: service.where },
      names: (n) => `kms:${[...service.keys.keys()][n - 1]}`,
      async goes() {
        for (const key of service.keys.values()) key.state = 'Disabled'
      },
    })
  })

  it('is answered for in time whatever becomes of it, never with another key, and by itself again', async () => {
    const service = await kmsService()
    const { bootstrap, callback, handler } = await scene({
      HANDLER_ANSWER_SIGNER: service.where,
      HANDLER_ANSWER_ALGORITHM: 'ES256',
    })
    await bootstrap('pair')
    const [key] = service.keys.values()
    if (key === undefined) throw new Error('no key')
    const { privateKey } = key
    service.mood = () => ({ afterMs: 600 })
    expect(await callback()).toBe('REJECT')
    const moods: readonly (readonly [KmsMood, string])[] = [
      [{ error: 'ThrottlingException' }, 'too many requests'],
      [{ error: 'AccessDeniedException' }, 'denies access'],
      [{ status: 500 }, 'answered 500'],
      [{ silent: true }, 'no answer within 1000 ms'],
    ]
    for (const [mood, words] of moods) {
      service.mood = () => mood
      const begun = Date.now()
      expect([words, await callback()]).toEqual([words, 'STATUS'])
      // The co-signer waits 30 s.
      expect(Date.now() - begun).toBeLessThan(10_000)
      await until(async () => (await handler.ops('/readyz')).body.includes(words))
    }
    service.mood = () => undefined
    key.privateKey = (await testEcKey()).privateKey
    expect(await callback()).toBe('STATUS')
    key.privateKey = privateKey
    expect(await callback()).toBe('REJECT')
    await until(async () => (await handler.ops('/readyz')).status === 200)
  })

  // A crowd that waited for a silent keystore held every turn: other generations were answered after 22 s, or not at all.
  it('that has fallen silent under a crowd keeps no generation with another key waiting', async () => {
    const service = await kmsService()
    const env = { HANDLER_DEADLINE_MS: '2500' }
    const first = await startTestHandler({ env: { ...env, HANDLER_ANSWER_SIGNER: service.where } })
    await first.stop()
    const handler = await startTestHandler({ directory: first.home, env })
    expect((await handler.admin('PUT', '/v1/generations/2', {})).status).toBe(200)
    service.mood = () => ({ silent: true })
    const ask = async (generation: number) =>
      (await handler.callback(transfer(randomUUID(), '1'), { generation })).status
    const crowd = Promise.all(Array.from({ length: 100 }, () => ask(1)))
    await until(() => service.calls.length > 20)
    expect(await ask(2)).toBe(200)
    expect(new Set(await crowd)).toEqual(new Set([503]))
  })
})

describe('the answer key', () => {
  it('is another than the certificate’s, turns to ES256 under traffic, and back', async () => {
    const { emulator, handler, bootstrap, status, callback } = await scene()
    const paired = await bootstrap('pair')
    expect([paired.exit, paired.facts]).toMatchObject([
      0,
      { generation: 1, algorithm: 'RS256', oneKey: false },
    ])
    expect(paired.stderr).toContain('the vendor documents nowhere')
    const [first] = (await status()).generations
    expect(first?.kid).toBe(kidOf(first?.publicKeyPem ?? ''))
    expect(first?.kid).not.toBe(kidOf(certificateFacts(first?.certificatePem ?? '').publicKey))
    expect(await callback()).toBe('REJECT')

    await emulator.control('POST', '/traffic', { ratePerSecond: 5, seconds: 120 })
    const rotated = await bootstrap(...rotateTo('--algorithm', 'ES256'))
    expect([rotated.exit, rotated.facts]).toMatchObject([
      0,
      { generation: 2, algorithm: 'ES256', oneKey: false },
    ])
    expect(rotated.stderr).not.toContain('the vendor documents nowhere')
    await pause(200)
    const counts = await emulator.control<{ failed: unknown; byUrl: Record<string, object> }>(
      'DELETE',
      '/traffic',
    )
    expect(counts.failed).toEqual({ total: 0, byKind: {} })
    expect(await callback()).toBe('REJECT')
    const seen = await bootstrap('doctor')
    expect([seen.exit, JSON.stringify(seen.facts)]).toEqual([
      0,
      expect.stringContaining('generation 2: URL, key and certificate are as served (ES256'),
    ])

    const back = await bootstrap(...rotateTo('--algorithm', 'RS256'))
    expect([back.exit, back.facts]).toMatchObject([0, { generation: 3, algorithm: 'RS256' }])
    expect(await callback()).toBe('REJECT')
    const one = await bootstrap(...rotateTo('--one-key'))
    expect([one.exit, one.facts]).toMatchObject([0, { generation: 4, oneKey: true }])
    expect(await callback()).toBe('REJECT')
    // As a pairing of 0.1.0 moves: that the next has two keys is said again.
    const two = await bootstrap(...rotateTo())
    expect([two.exit, two.facts]).toMatchObject([0, { algorithm: 'RS256', oneKey: false }])
    expect([two.stderr, await callback()]).toEqual([
      expect.stringContaining('the vendor documents nowhere'),
      'REJECT',
    ])
    const renewed = await bootstrap(...rotateTo('--renew-certificate'))
    expect([renewed.exit, renewed.facts['generation']]).toEqual([0, 6])
    expect(await callback()).toBe('REJECT')
    const [old, fresh] = (await status()).generations.slice(-2)
    expect([fresh?.kid, fresh?.pin]).toEqual([old?.kid, old?.pin])
    await handler.stop()
    // The chain was signed by RSA, by P-256 and by RSA again.
    const { out, exitCode } = await handler.command('audit', 'verify', '--json')
    expect([exitCode, JSON.parse(out)]).toMatchObject([0, { problems: [], verdict: 'intact' }])
  })

  it('is never ES256 for a co-signer that is too old or unknown, unless that is forced', async () => {
    const { emulator, bootstrap, status, callback } = await scene()
    await bootstrap('pair')
    for (const [version, reason] of [
      ['2026.07.20 (July 2026)', 'is older than 2026.08.19'],
      ['', 'is unknown'],
    ] as const) {
      await emulator.chaos({ COSIGNER_VERSION: version })
      const refused = await bootstrap(...rotateTo('--algorithm', 'ES256'))
      expect([refused.exit, refused.stderr]).toEqual([2, expect.stringContaining(reason)])
    }
    expect((await status()).generations).toHaveLength(1)
    expect(await callback()).toBe('REJECT')
    // Forced, it is as bad as it was said to be; the way back is the same command.
    const forced = await bootstrap(...rotateTo('--algorithm', 'ES256', '--force-algorithm'))
    expect([forced.exit, await callback()]).toEqual([0, 'SIGNATURE'])
    const doctor = await bootstrap('doctor')
    expect(`${JSON.stringify(doctor.facts)}${doctor.stderr}`).toContain('unknown')
    const back = await bootstrap(...rotateTo('--algorithm', 'RS256'))
    expect([back.exit, await callback()]).toEqual([0, 'REJECT'])
  })

  it('is what the handler is set to, unless the pairing asks for something else', async () => {
    const { bootstrap, callback, emulator, status } = await scene({
      HANDLER_ANSWER_ALGORITHM: 'ES256',
    })
    await emulator.chaos({ COSIGNER_VERSION: '2026.07.20' })
    expect((await bootstrap('pair')).exit).toBe(2)
    const asked = await bootstrap('pair', '--one-key')
    expect([asked.exit, asked.facts, await callback()]).toMatchObject([
      0,
      { generation: 2, algorithm: 'RS256', oneKey: true },
      'REJECT',
    ])
    expect((await status()).answerAlgorithm).toBe('ES256')
    expect((await bootstrap('pair', '--algorithm', 'ES256')).exit).toBe(2)
    await emulator.chaos({ COSIGNER_VERSION: '2026.08.19' })
    const rotated = await bootstrap(...rotateTo())
    expect([rotated.exit, rotated.facts, await callback()]).toMatchObject([
      0,
      { algorithm: 'ES256' },
      'REJECT',
    ])
  })
})
