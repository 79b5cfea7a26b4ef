/** The registry on a real disk with a clock that the test moves: no drain is ever shorter than it was promised. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicKey } from 'node:crypto'
import { afterAll, describe, expect, it } from '@jest/globals'
import { compactVerify } from 'jose'
import { certificateFacts, kidOf } from '../../../certs/inspect.ts'
import { checkpointKey } from '../../../handler/generations/checkpoint-key.ts'
import { signToken } from '../../../handler/protocol/token.ts'
import { parseConfig } from '../../../handler/config/config.ts'
import { readRegistryFile } from '../../../handler/generations/generation-file.ts'
import {
  HITS_SAVED_EVERY_MS,
  KEY_KEPT_MS,
  openRegistry,
} from '../../../handler/generations/registry.ts'
import type { Registry } from '../../../handler/generations/registry.ts'
import { createKeyring, loadEntry } from '../../../handler/generations/keyring.ts'
import type { Keyring } from '../../../handler/generations/keyring.ts'
import { listGenerations } from '../../../certs/store.ts'
import { KeystoreError } from '../../../handler/generations/signers/keystore.ts'
import type { Keystore } from '../../../handler/generations/signers/keystore.ts'
import type { Signer } from '../../../handler/protocol/signer.ts'
import type { StageRequest } from '../../../common/admin-api.ts'
import { testEcKey, testKey } from '../../fixtures/keys.ts'
import { createKeystores } from '../../../handler/generations/signers/keystores.ts'
import type { Keystores } from '../../../handler/generations/signers/keystores.ts'
import type { NewAnswerKey } from '../../../handler/generations/staging.ts'
import { reconcile } from '../../../handler/generations/reconcile.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'
import type { SettableClock } from '../../fixtures/settable-clock.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

const HOUR = 3_600_000
const PAIRING = 'cosigner/user'

interface Opened {
  readonly registry: Registry
  readonly keyring: Keyring
  readonly events: string[]
}

function slotsOf(urls: string) {
  const parsed = parseConfig({ HANDLER_COSIGNER_KEYS: 'x', HANDLER_PUBLIC_URL: urls })
  if (!parsed.ok) throw new Error(parsed.problems.join())
  return parsed.config.slots
}

const TWO = slotsOf('https://a.example:1,https://a.example:2')

async function openAt(
  stateDir: string,
  clock: SettableClock,
  options: {
    slots?: typeof TWO
    exclusive?: boolean
    passphrase?: string
    newAnswerKey?: NewAnswerKey
    keystores?: Keystores
    destroyAnswerKeys?: boolean
    failed?: (error: unknown) => void
  } = {},
): Promise<Opened> {
  const { slots = TWO, exclusive = true, passphrase } = options
  const { newAnswerKey = { algorithm: 'RS256', oneKey: true, signer: 'file' } } = options
  const { keystores = createKeystores({}), destroyAnswerKeys = true } = options
  const keysDir = join(stateDir, 'keys')
  const access = { keysDir, passphrase, keystores }
  const numbers = await listGenerations(keysDir)
  const entries = await Promise.all(numbers.map((n) => loadEntry(access, n)))
  const stored = await readRegistryFile(join(stateDir, 'generations.json'))
  const { file, problems } = reconcile(stored, entries, slots, clock.now())
  expect(problems).toEqual([])
  const keyring = createKeyring(access, entries)
  const events: string[] = []
  const registry = await openRegistry({
    stateDir,
    access,
    slots,
    slotsAreExclusive: exclusive,
    newAnswerKey,
    destroyAnswerKeys,
    failed: options.failed ?? never,
    keyring,
    clock,
    file,
    servedCertificate: () => undefined,
    changed: (event, generation) => events.push(`${generation} ${event}`),
  })
  return { registry, keyring, events }
}

function never(): never {
  throw new Error('there is no such generation')
}

function lives(registry: Registry): Record<number, string> {
  return Object.fromEntries(registry.infos().map(({ generation, state }) => [generation, state]))
}

let made: Promise<string> | undefined

/** A state directory with generations 1 and 2, made once: key pairs take their time. */
async function withTwoGenerations(): Promise<string> {
  made ??= (async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'countersign-generations-'))
    const { registry } = await openAt(stateDir, settableClock())
    await registry.stage(1, {})
    await registry.setNeeds(PAIRING, { live: 1, pending: null, drainMs: 2 * HOUR })
    await registry.stage(2, {})
    return stateDir
  })()
  const stateDir = join(await temporaryDirectory(), 'state')
  await cp(await made, stateDir, { recursive: true })
  return stateDir
}

afterAll(async () => {
  if (made !== undefined) await rm(await made, { recursive: true, force: true })
})

/** Generation 2 live, generation 1 draining for two hours. */
async function rotated(): Promise<Opened & { stateDir: string; clock: SettableClock }> {
  const stateDir = await withTwoGenerations()
  const clock = settableClock()
  const opened = await openAt(stateDir, clock)
  const { registry } = opened
  await registry.setNeeds(PAIRING, { live: 1, pending: 2, drainMs: 2 * HOUR })
  await registry.setNeeds(PAIRING, { live: 2, pending: null, drainMs: 2 * HOUR })
  return { ...opened, stateDir, clock }
}

describe('staging', () => {
  it('gives the first generation slot A, and the next the slot that is free', async () => {
    const { registry, events } = await rotated()
    expect(registry.infos().map(({ slot, url }) => [slot, url])).toEqual([
      ['A', 'https://a.example:1/g1'],
      ['B', 'https://a.example:2/g2'],
    ])
    expect(events).toEqual(['2 generation live', '1 generation draining'])
  })

  it('makes a certificate for 397 days, which begins an hour early for clocks that are behind', async () => {
    const { keyring, clock } = await rotated()
    for (const { certificatePem } of keyring.entries()) {
      const { notBefore, notAfter } = certificateFacts(certificatePem)
      const nowMs = clock.now().getTime()
      const hours = [notBefore, notAfter].map((each) => (each.getTime() - nowMs) / 3_600_000)
      expect(hours.map(Math.round)).toEqual([-1, 397 * 24])
    }
  })

  it('returns what is there, and refuses a number that is not the next', async () => {
    const { registry } = await rotated()
    const again = await registry.stage(2, { slot: 'A' })
    expect([again.generation, again.slot]).toEqual([2, 'B'])
    await expect(registry.stage(4, {})).rejects.toMatchObject({ code: 'ERR_GENERATION_NUMBER' })
  })

  it('waits for a free slot, and says so', async () => {
    const { registry } = await rotated()
    await expect(registry.stage(3, {})).rejects.toMatchObject({ code: 'ERR_SLOT_BUSY' })
    await expect(registry.stage(3, { slot: 'A' })).rejects.toMatchObject({ code: 'ERR_SLOT_BUSY' })
    await expect(registry.stage(3, { slot: 'C' })).rejects.toMatchObject({
      code: 'ERR_BAD_REQUEST',
    })
    const shared = await registry.stage(3, { slot: 'A', share: true })
    expect([shared.generation, shared.slot]).toEqual([3, 'A'])
  })

  it('asks for a second public URL when there is one slot only', async () => {
    const slots = slotsOf('https://a.example')
    const { registry } = await openAt(await temporaryDirectory(), settableClock(), { slots })
    await registry.stage(1, {})
    await registry.setNeeds(PAIRING, { live: 1, pending: null, drainMs: 0 })
    await expect(registry.stage(2, {})).rejects.toThrow('a second public URL is needed')
  })

  it('shares slots when certificates are not the generations own', async () => {
    const slots = slotsOf('https://a.example')
    const options = { slots, exclusive: false }
    const { registry } = await openAt(await temporaryDirectory(), settableClock(), options)
    await registry.stage(1, {})
    await registry.setNeeds(PAIRING, { live: 1, pending: null, drainMs: 0 })
    expect((await registry.stage(2, {})).slot).toBe('A')
  })

  it('renews a certificate with the same key, in the same slot when that is asked', async () => {
    const { registry } = await rotated()
    const renewed = await registry.stage(3, { renewOf: 2, slot: 'B' })
    const [, second] = registry.infos()
    expect([renewed.kid === second?.kid, renewed.pin === second?.pin]).toEqual([true, true])
    expect(renewed.fingerprint).not.toBe(second?.fingerprint)
    await expect(registry.stage(4, { renewOf: 9 })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  it('adopts what an interrupted staging left on disk', async () => {
    const { stateDir, clock, registry } = await rotated()
    const before = registry.infos().length
    await registry.stage(3, { renewOf: 2, slot: 'B' })
    const file = join(stateDir, 'generations.json')
    const text = await readFile(file, 'utf8')
    const parsed = JSON.parse(text) as { generations: unknown[] }
    await writeFile(
      file,
      JSON.stringify({ ...parsed, generations: parsed.generations.slice(0, 2) }),
    )
    const { registry: after } = await openAt(stateDir, clock)
    expect([before, after.infos().length, after.stateOf(3)]).toEqual([2, 3, 'staged'])
  })
})

/** The TLS key and the answer key of a generation are two, unless one is asked for. */
describe('keys', () => {
  const TWO_KEYS: NewAnswerKey = { algorithm: 'RS256', oneKey: false, signer: 'file' }

  it('are two: the certificate shows one, the answers are signed with the other', async () => {
    const stateDir = await temporaryDirectory()
    const options = { newAnswerKey: TWO_KEYS, passphrase: 'a long passphrase' }
    const { registry, keyring } = await openAt(stateDir, settableClock(), options)
    const first = await registry.stage(1, {})
    expect(first).toMatchObject({ algorithm: 'RS256', oneKey: false, signer: 'file' })
    expect(first.kid).not.toBe(kidOf(certificateFacts(first.certificatePem).publicKey))
    const second = await registry.stage(2, { algorithm: 'ES256' })
    expect(second).toMatchObject({ algorithm: 'ES256', oneKey: false })
    const files = ['g1', 'g2'].flatMap((g) => ['private.pem', 'tls.pem'].map((f) => [g, f]))
    for (const parts of files) {
      const text = await readFile(join(stateDir, 'keys', ...(parts as [string, string])), 'utf8')
      expect(text).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    }
    const token = await signToken(keyring.get(2)?.signer ?? never(), { a: 1 })
    const { protectedHeader } = await compactVerify(token, createPublicKey(second.publicKeyPem))
    expect(protectedHeader.alg).toBe('ES256')
    // What is on disk is what is served after a restart.
    const { registry: after } = await openAt(stateDir, settableClock(), options)
    expect(after.infos().map(({ kid, pin }) => [kid, pin])).toEqual([
      [first.kid, first.pin],
      [second.kid, second.pin],
    ])
  })

  it('are kept by a renewal, both of them', async () => {
    const { registry } = await openAt(await temporaryDirectory(), settableClock(), {
      newAnswerKey: { algorithm: 'ES256', oneKey: false, signer: 'file' },
    })
    const first = await registry.stage(1, {})
    const renewed = await registry.stage(2, { renewOf: 1, slot: 'A' })
    const { kid, pin, algorithm } = first
    expect(renewed).toMatchObject({ kid, pin, algorithm: 'ES256', oneKey: false })
    expect([algorithm, renewed.fingerprint === first.fingerprint]).toEqual(['ES256', false])
    await expect(registry.stage(3, { renewOf: 1, algorithm: 'RS256' })).rejects.toThrow(
      'a renewal keeps its keys',
    )
    await expect(registry.stage(3, { renewOf: 1, oneKey: true })).rejects.toThrow(
      'a renewal keeps its keys',
    )
  })

  it('are one RSA key when that is asked for, whatever new generations get', async () => {
    const { registry } = await openAt(await temporaryDirectory(), settableClock(), {
      newAnswerKey: { algorithm: 'ES256', oneKey: false, signer: 'file' },
    })
    await expect(registry.stage(1, { oneKey: true, algorithm: 'ES256' })).rejects.toMatchObject({
      code: 'ERR_BAD_REQUEST',
    })
    const { kid, certificatePem, ...rest } = await registry.stage(1, { oneKey: true })
    expect(rest).toMatchObject({ algorithm: 'RS256', oneKey: true })
    expect(kid).toBe(kidOf(certificateFacts(certificatePem).publicKey))
  })
})

/** Keys in memory, with nothing of a real place but its manners. */
function memoryKeystore() {
  const keys = new Map<string, Signer>()
  const destroyed: string[] = []
  const place = { isAway: false }
  const keystore: Keystore = {
    check: () => undefined,
    create: async (where, label, algorithm) => {
      if (place.isAway) throw new KeystoreError('the place is away')
      const { signer } = algorithm === 'ES256' ? await testEcKey() : await testKey('stored')
      keys.set(`${where}/${label}`, signer)
      return { name: `${where}/${label}`, publicKey: signer.publicKey }
    },
    sign: async (name, _algorithm, bytes) => keys.get(name)?.sign(bytes) ?? never(),
    destroy: async (name) => {
      if (place.isAway) throw new KeystoreError('the place is away')
      destroyed.push(name)
    },
    close: async () => undefined,
  }
  return { keystores: createKeystores({ mem: async () => keystore }), destroyed, place }
}

describe('an answer key in a keystore', () => {
  const newAnswerKey: NewAnswerKey = { algorithm: 'ES256', oneKey: false, signer: 'mem:a' }

  /** Generation 1 retired, generation 2 with a key of its own or that of generation 1. */
  async function retired(request: StageRequest, destroyAnswerKeys = true) {
    const { keystores, destroyed, place } = memoryKeystore()
    const clock = settableClock()
    const errors: unknown[] = []
    const options = {
      newAnswerKey,
      keystores,
      destroyAnswerKeys,
      failed: (error: unknown) => errors.push(error),
    }
    const stateDir = await temporaryDirectory()
    const { registry, keyring } = await openAt(stateDir, clock, options)
    await registry.stage(1, {})
    await registry.setNeeds(PAIRING, { live: 1, pending: null, drainMs: 0 })
    await registry.stage(2, request)
    await registry.setNeeds(PAIRING, { live: 2, pending: null, drainMs: 0 })
    await registry.tick()
    const aWeekLater = async () => {
      clock.advance(KEY_KEPT_MS)
      await registry.tick()
    }
    return { registry, keyring, clock, destroyed, place, errors, aWeekLater, stateDir }
  }

  it('is made there, and destroyed a week after its generation has retired', async () => {
    const { registry, keyring, destroyed, aWeekLater, stateDir } = await retired({})
    expect(registry.infos().map(({ signer, algorithm }) => [signer, algorithm])).toEqual([
      ['mem:a/countersign-g1', 'ES256'],
      ['mem:a/countersign-g2', 'ES256'],
    ])
    await expect(readFile(join(stateDir, 'keys/g1/private.pem'))).rejects.toThrow('ENOENT')
    await aWeekLater()
    expect(destroyed).toEqual(['mem:a/countersign-g1'])
    expect([keyring.get(1)?.signer, keyring.get(2)?.signer?.algorithm]).toEqual([
      undefined,
      'ES256',
    ])
  })

  it('stays while a renewal signs with it, and where it is to be kept', async () => {
    const renewed = await retired({ renewOf: 1, slot: 'A' })
    await renewed.aWeekLater()
    const [first, second] = renewed.registry.infos()
    expect([renewed.destroyed, first?.kid]).toEqual([[], second?.kid])
    const kept = await retired({}, false)
    await kept.aWeekLater()
    expect([kept.destroyed, kept.keyring.get(1)?.signer]).toEqual([[], undefined])
  })

  it('that cannot be destroyed is told once an hour, and destroyed when the place is back', async () => {
    const { destroyed, place, errors, aWeekLater, registry, clock } = await retired({})
    place.isAway = true
    await aWeekLater()
    await registry.tick()
    expect([destroyed.length, errors.length]).toEqual([0, 1])
    place.isAway = false
    clock.advance(HOUR)
    await registry.tick()
    expect(destroyed).toEqual(['mem:a/countersign-g1'])
  })

  it('that cannot be made leaves nothing behind', async () => {
    const { keystores, place } = memoryKeystore()
    const stateDir = await temporaryDirectory()
    const { registry } = await openAt(stateDir, settableClock(), { newAnswerKey, keystores })
    place.isAway = true
    await expect(registry.stage(1, {})).rejects.toMatchObject({ code: 'ERR_ANSWER_KEY' })
    place.isAway = false
    expect((await registry.stage(1, {})).signer).toBe('mem:a/countersign-g1')
    const other = { ...newAnswerKey, signer: 'disk:a' }
    const opened = await openAt(await temporaryDirectory(), settableClock(), {
      newAnswerKey: other,
      keystores,
    })
    await expect(opened.registry.stage(1, {})).rejects.toThrow('known are mem')
  })
})

describe('the key that signs checkpoints', () => {
  it('is that of the live generation; before the first pairing that of the newest', async () => {
    const { registry, keyring } = await openAt(await withTwoGenerations(), settableClock())
    const generation = () => checkpointKey(registry.state(), keyring)?.generation
    const needs = (live: number | null, pending: number | null) =>
      registry.setNeeds(PAIRING, { live, pending, drainMs: HOUR })
    const seen = [generation()]
    await needs(1, 2)
    seen.push(generation())
    await needs(null, 2)
    seen.push(generation())
    await needs(2, null)
    seen.push(generation())
    await registry.setNeeds(PAIRING, undefined)
    seen.push(generation())
    expect(seen).toEqual([1, 1, 2, 2, 2])
    expect(
      checkpointKey(
        { generations: [], pairings: {} },
        createKeyring({ keysDir: '', passphrase: undefined, keystores: createKeystores({}) }, []),
      ),
    ).toBe(undefined)
  })
})

describe('needs', () => {
  it('of an unknown or retired generation are refused', async () => {
    const { registry, clock } = await rotated()
    const missing = { live: 7, pending: null, drainMs: 0 }
    await expect(registry.setNeeds(PAIRING, missing)).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
    })
    clock.advance(2 * HOUR)
    await registry.tick()
    const retired = { live: 1, pending: null, drainMs: 0 }
    await expect(registry.setNeeds(PAIRING, retired)).rejects.toMatchObject({
      code: 'ERR_GENERATION_RETIRED',
    })
    await expect(registry.stage(1, {})).rejects.toMatchObject({ code: 'ERR_GENERATION_RETIRED' })
    await expect(registry.stage(3, { renewOf: 1 })).rejects.toMatchObject({
      code: 'ERR_GENERATION_RETIRED',
    })
  })
})

describe('a drain', () => {
  it('ends once the generation has been quiet for all of its time, and not before', async () => {
    const { registry, clock } = await rotated()
    clock.advance(2 * HOUR - 1)
    await registry.tick()
    expect(lives(registry)).toEqual({ 1: 'draining', 2: 'live' })
    clock.advance(1)
    await registry.tick()
    expect(lives(registry)).toEqual({ 1: 'retired', 2: 'live' })
  })

  it('begins again with every call, shed ones included', async () => {
    const { registry, clock } = await rotated()
    clock.advance(HOUR)
    registry.hits.hit(1, 'user')
    clock.advance(HOUR)
    registry.hits.touch(1)
    clock.advance(2 * HOUR - 1)
    await registry.tick()
    expect(lives(registry)).toEqual({ 1: 'draining', 2: 'live' })
  })

  it('is not shortened by a wall clock that jumps', async () => {
    const { registry, clock } = await rotated()
    clock.setWall(new Date('2036-01-01T00:00:00Z'))
    await registry.tick()
    expect(lives(registry)).toEqual({ 1: 'draining', 2: 'live' })
  })

  it('goes on after an orderly stop, without counting the time in between', async () => {
    const { registry, clock, stateDir } = await rotated()
    clock.advance(HOUR)
    await registry.close()
    clock.advance(10 * HOUR)
    const { registry: after } = await openAt(stateDir, clock)
    await after.tick()
    expect(lives(after)).toEqual({ 1: 'draining', 2: 'live' })
    clock.advance(HOUR)
    await after.tick()
    expect(lives(after)).toEqual({ 1: 'retired', 2: 'live' })
  })

  it('begins again after a crash, when the last calls may not have been written down', async () => {
    const { registry, clock, stateDir } = await rotated()
    clock.advance(HOUR)
    await registry.close()
    // The second start uses up what the orderly stop wrote; it then crashes.
    await openAt(stateDir, clock)
    clock.advance(HOUR)
    const { registry: after } = await openAt(stateDir, clock)
    await after.tick()
    expect(lives(after)).toEqual({ 1: 'draining', 2: 'live' })
    clock.advance(2 * HOUR)
    await after.tick()
    expect(lives(after)).toEqual({ 1: 'retired', 2: 'live' })
  })

  it('stops when somebody needs the generation again', async () => {
    const { registry, clock } = await rotated()
    await registry.setNeeds('other/user', { live: 1, pending: null, drainMs: HOUR })
    clock.advance(10 * HOUR)
    await registry.tick()
    expect(lives(registry)).toEqual({ 1: 'live', 2: 'live' })
  })
})

/** Two slots, one live and one draining: in an emergency nothing could be rotated for two hours. */
describe('a drain that is ended early', () => {
  it('retires a generation that nobody needs, and never one that is needed', async () => {
    const stateDir = await withTwoGenerations()
    const clock = settableClock()
    const { registry, events } = await openAt(stateDir, clock)
    await registry.setNeeds(PAIRING, { live: 1, pending: null, drainMs: 1_000 })
    await registry.setNeeds(PAIRING, { live: 2, pending: null, drainMs: 1_000 })
    const early = { unlessCalled: false }
    await expect(registry.retire(2, early)).rejects.toMatchObject({ code: 'ERR_GENERATION_NEEDED' })
    await expect(registry.retire(9, early)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    expect(await registry.retire(1, early)).toMatchObject({ state: 'retired' })
    expect(await registry.retire(1, early)).toMatchObject({ state: 'retired' })
    expect(events.filter((event) => event === '1 generation retired')).toHaveLength(1)
  })

  it('spares one that was called, when that is asked for', async () => {
    const stateDir = await withTwoGenerations()
    const { registry } = await openAt(stateDir, settableClock())
    await registry.setNeeds(PAIRING, { live: 1, pending: 2, drainMs: 1_000 })
    registry.hits.hit(2, 'signer')
    await registry.setNeeds(PAIRING, { live: 1, pending: null, drainMs: 1_000 })
    await expect(registry.retire(2, { unlessCalled: true })).rejects.toMatchObject({
      code: 'ERR_GENERATION_NEEDED',
    })
    expect(lives(registry)).toEqual({ 1: 'live', 2: 'draining' })
  })
})

describe('after retirement', () => {
  it('the private key goes a week later, the public files and the number stay', async () => {
    const { registry, keyring, clock, stateDir } = await rotated()
    clock.advance(2 * HOUR)
    await registry.tick()
    clock.advance(KEY_KEPT_MS - 1)
    await registry.tick()
    expect(keyring.get(1)?.signer).toBeDefined()
    clock.advance(1)
    await registry.tick()
    expect(keyring.get(1)?.signer).toBeUndefined()
    const { registry: after } = await openAt(stateDir, clock)
    expect(lives(after)).toEqual({ 1: 'retired', 2: 'live' })
    expect((await after.stage(3, {})).slot).toBe('A')
  })
})

describe('hits', () => {
  it('are counted per generation and signer, and survive a restart', async () => {
    const { registry, clock, stateDir } = await rotated()
    registry.hits.hit(2, 'user')
    registry.hits.hit(2, undefined)
    clock.advance(HITS_SAVED_EVERY_MS - 1)
    await registry.tick()
    const stored = await readRegistryFile(join(stateDir, 'generations.json'))
    expect(stored?.hits['2']).toBeUndefined()
    clock.advance(1)
    await registry.tick()
    const { registry: after } = await openAt(stateDir, clock)
    const lastAt = '2026-11-01T12:00:00.000Z'
    expect(after.infos()[1]?.hits).toEqual({
      total: 2,
      lastAt,
      bySigner: { user: { total: 1, lastAt } },
    })
  })

  it('of more signers than a co-signer has are counted in the total only', async () => {
    const { registry } = await rotated()
    for (let index = 0; index < 300; index += 1) registry.hits.hit(2, `signer-${index}`)
    registry.hits.hit(2, '__proto__')
    const { total, bySigner } = registry.hits.of(2)
    expect([total, Object.keys(bySigner).length]).toEqual([301, 256])
  })
})

describe('what keeps a registry from opening', () => {
  it('is a damaged file', async () => {
    const { stateDir } = await rotated()
    const file = join(stateDir, 'generations.json')
    for (const text of ['', '{', '{"version":2}', '[]']) {
      await writeFile(file, text)
      await expect(readRegistryFile(file)).rejects.toThrow('is damaged or of another version')
    }
    await rm(file)
    await mkdir(file)
    await expect(readRegistryFile(file)).rejects.toMatchObject({ code: 'EISDIR' })
  })

  it.each(['', 'AB', 'xA', 'Ax', 'a', '\nA', '1'])('is a slot that is none: %j', async (slot) => {
    const { stateDir } = await rotated()
    const file = join(stateDir, 'generations.json')
    const written = await readFile(file, 'utf8')
    await writeFile(file, written.replace('"slot": "A"', `"slot": ${JSON.stringify(slot)}`))
    expect(await readFile(file, 'utf8')).not.toBe(written)
    await expect(readRegistryFile(file)).rejects.toThrow('is damaged or of another version')
  })

  it('is a generation without files, without key or without slot', async () => {
    const { registry, stateDir, clock, keyring } = await rotated()
    const file = await readRegistryFile(join(stateDir, 'generations.json'))
    const problems = (entries: readonly ReturnType<Keyring['entries']>[number][], slots = TWO) =>
      reconcile(file, entries, slots, clock.now()).problems
    expect(problems([])).toEqual([
      'generation 1 is known, but its files are missing',
      'generation 2 is known, but its files are missing',
    ])
    const bare = keyring.entries().map((entry) => ({ ...entry, signer: undefined }))
    expect(problems(bare)).toEqual([
      'the private key of generation 1 is missing',
      'the private key of generation 2 is missing',
    ])
    expect(problems(keyring.entries(), TWO.slice(0, 1))).toEqual([
      'generation 2 is in slot B, which has no public URL',
    ])
    expect(registry.infos()).toHaveLength(2)
  })

  it('is not a lost file: generations are served again, those without a key are retired', async () => {
    const { keyring, clock } = await rotated()
    const [first, second] = keyring.entries()
    if (first === undefined || second === undefined) throw new Error('two are wanted')
    const bare = { ...first, signer: undefined }
    const { file, problems } = reconcile(undefined, [bare, second], TWO, clock.now())
    expect([problems, file.state.generations.map(({ retiredAt }) => retiredAt)]).toEqual([
      [],
      [clock.now().toISOString(), undefined],
    ])
  })
})
