/**
 * The bootstrapper in a box: the emulated custody API as plain functions, a handler in memory, a clock that only moves
 * when somebody sleeps, real files. `dieAt` kills the run at its n-th contact with the outside, before or after it.
 */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { cp, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CompactSign } from 'jose'
import { selfSignedCertificate } from '../../certs/generate.ts'
import { kidOf, pinOf } from '../../certs/inspect.ts'
import type {
  AuthMode,
  GenerationInfo,
  GenerationState,
  HandlerStatus,
  PairingNeeds,
} from '../../common/admin-api.ts'
import {
  type HttpRequest,
  type HttpResponse,
  type Transport,
  TransportError,
} from '../../bootstrap/api/transport.ts'
import { type HandlerAdmin, HandlerRefusal } from '../../bootstrap/handler-socket.ts'
import { openJournal } from '../../bootstrap/journal.ts'
import { parseCli } from '../../bootstrap/cli.ts'
import { run } from '../../bootstrap/run.ts'
import type { Runtime } from '../../bootstrap/runtime.ts'
import { userDirectory } from '../../bootstrap/state-paths.ts'
import { createUserKey } from '../../bootstrap/user-files.ts'
import { createChaos } from '../../emulator/chaos.ts'
import { answerCustodyApi } from '../../emulator/custody-api.ts'
import { CALM, type Knobs } from '../../emulator/knobs.ts'
import { type ApiUser, createState, type EmulatorState } from '../../emulator/state.ts'
import { testKey } from '../fixtures/keys.ts'
import { onceInRun } from '../fixtures/once-in-run.ts'

export const COSIGNER = '44fcead0-7053-4831-a53a-df7fb90d440f'
export const CALLER = '0b9e1f6e-6c0a-4b8e-9f6a-0d3f5a1c2b3d'
export const USER = '7d2f8a51-3f52-4b21-9a41-d3c1f0a6a7b8'
export const PAIRING = `${COSIGNER}/${USER}`

/** Kills the run: thrown at the chosen contact and at every one after it. */
export class Killed extends Error {}

interface Made {
  readonly info: Omit<GenerationInfo, 'state' | 'drain'>
  drainSince: string | undefined
  retired: boolean
}

export interface World {
  /** What `doctor` has said to the handler, by pairing. */
  readonly told: Map<string, string | null>
  readonly stateDir: string
  readonly emulator: EmulatorState
  readonly handler: {
    auth: AuthMode
    tls: HandlerStatus['tls']
    slots: string[]
    ready: boolean
    problems: string[]
    reachable: boolean
    asksPeople: boolean
    readonly generations: Map<number, Made>
    readonly needs: Record<string, PairingNeeds>
    stage(generation: number, slot?: string): Promise<GenerationInfo>
    status(): HandlerStatus
  }
  /** What the network probe sees instead of the truth. */
  seen: { pin?: string; status?: number; error?: string }
  /** Calls of the custody API so far, as `METHOD path`. */
  readonly calls: string[]
  /** Every write with its body and idempotency key. */
  readonly writes: { method: string; path: string; body: string; key: string | undefined }[]
  stdout: string
  stderr: string
  nowMs: number
  /** Contacts with the outside in the last run. */
  contacts: number
  dieAt: number | undefined
  /** Runs instead of the emulator when it returns something. */
  intercept: (request: HttpRequest) => ReturnType<Transport> | undefined
  /** Has the last word on what the emulator answered. */
  rewrite: (request: HttpRequest, response: HttpResponse) => HttpResponse
  onSleep: (ms: number) => void
  answer: boolean | undefined
  abort: AbortController
  clean(): void
  /** Runs a command line. */
  run(...argv: string[]): Promise<number>
  /** The result on stdout, parsed. */
  json(): Record<string, unknown>
  /** Calms the emulator or turns knobs. */
  knobs(knobs: Partial<Knobs>): void
  /** An API user that exists already. */
  withUser(id?: string): World
}

export interface WorldOptions {
  readonly seed?: number
  readonly autoApproveMs?: number | null
  readonly auth?: AuthMode
  readonly slots?: readonly string[]
}

/** A calm world in which every request is approved after two seconds. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const stateDir = mkdtempSync(join(tmpdir(), 'countersign-boot-'))
  const callerKey = await testKey('api caller')
  const secretKeyPath = join(stateDir, 'caller.key')
  writeFileSync(secretKeyPath, callerKey.privateKeyPem, { mode: 0o600 })
  const emulator = createState(
    createChaos(options.seed ?? 1),
    [user(CALLER, 'bootstrapper', 'NON_SIGNING_ADMIN', callerKey.publicKeyPem)],
    [{ id: COSIGNER, name: 'test co-signer', type: 'SGX', machines: [] }],
  )
  emulator.autoApproveMs =
    options.autoApproveMs === null ? undefined : (options.autoApproveMs ?? 2_000)
  const signer = await testKey('api signer')
  let dead = false
  const touch = () => {
    if (dead) throw new Killed('dead')
    world.contacts += 1
    if (world.contacts !== world.dieAt) return
    dead = true
    throw new Killed(`killed at contact ${world.contacts}`)
  }
  /** Two chances to die: before the effect, and after it but before anybody knows. */
  const contact = async <T>(effect: () => T | Promise<T>): Promise<T> => {
    touch()
    const result = await effect()
    touch()
    return result
  }
  const handler = createHandler(options, () => world.nowMs)
  const clock = { now: () => new Date(world.nowMs), monotonicMs: () => world.nowMs }
  const admin: HandlerAdmin = {
    status: () => contact(() => reachable(handler).status()),
    stage: (generation, request) =>
      contact(() => reachable(handler).stage(generation, request.slot, request)),
    retire: (generation, { unlessCalled }) =>
      contact(() => reachable(handler).retire(generation, unlessCalled)),
    selfTest: (generation, { nonce }) =>
      contact(async () => ({ token: await selfTest(generation, nonce) })),
    declare: (cosignerId, apiKeyId, needs) =>
      contact(() => reachable(handler).declare(`${cosignerId}/${apiKeyId}`, needs)),
    tellDrift: (cosignerId, apiKeyId, drift) =>
      contact(() => {
        world.told.set(`${cosignerId}/${apiKeyId}`, drift)
        return reachable(handler).status()
      }),
    forget: (cosignerId, apiKeyId) =>
      contact(() => reachable(handler).declare(`${cosignerId}/${apiKeyId}`, undefined)),
  }
  const transport: Transport = (request) => contact(() => exchange(request))
  const exchange: Transport = async (request) => {
    const { method, url, headers, body = '' } = request
    const target = url.pathname + url.search
    world.calls.push(`${method} ${target}`)
    if (method !== 'GET') {
      world.writes.push({ method, path: target, body, key: headers['idempotency-key'] })
    }
    const instead = world.intercept(request)
    if (instead !== undefined) return instead
    const reply = answerCustodyApi(
      { method, target, headers: { ...headers }, body: Buffer.from(body) },
      emulator,
      clock.now(),
    )
    world.nowMs += 20
    if (reply.fate === 'drop') throw new TransportError('socket hang up', true)
    const response = { status: reply.status, headers: { ...reply.headers }, body: reply.body }
    return world.rewrite(request, response)
  }
  let serial = 0
  const world: World = {
    stateDir,
    told: new Map(),
    emulator,
    handler,
    seen: {},
    calls: [],
    writes: [],
    stdout: '',
    stderr: '',
    nowMs: Date.parse('2026-11-02T09:00:00Z'),
    contacts: 0,
    dieAt: undefined,
    intercept: () => undefined,
    rewrite: (_request, response) => response,
    onSleep: () => undefined,
    answer: undefined,
    abort: new AbortController(),
    clean: () => rmSync(stateDir, { recursive: true, force: true }),
    async run(...argv) {
      world.stdout = ''
      world.stderr = ''
      world.contacts = 0
      dead = false
      world.abort = new AbortController()
      const runtime: Runtime = {
        argv: [...argv, '--state-dir', stateDir],
        env: {
          FIREBLOCKS_API_KEY: CALLER,
          FIREBLOCKS_SECRET_KEY_PATH: secretKeyPath,
          FIREBLOCKS_BASE_PATH: 'http://127.0.0.1:9070/v1',
        },
        stdout: { write: (text) => (world.stdout += text) },
        stderr: { write: (text) => (world.stderr += text) },
        ask: world.answer === undefined ? undefined : () => Promise.resolve(world.answer === true),
        clock,
        sleep: async (ms, signal) => {
          world.onSleep(ms)
          if (signal?.aborted !== true) world.nowMs += ms
        },
        random: () => 0.5,
        uuid: () => `00000000-0000-4000-8000-${String((serial += 1)).padStart(12, '0')}`,
        transport,
        look: (url) =>
          contact(() => {
            if (world.seen.error !== undefined) throw new Error(world.seen.error)
            const generation = Number(/\/g(\d+)\//.exec(url.pathname)?.[1])
            const pin = world.seen.pin ?? handler.generations.get(generation)?.info.pin
            return { pin, distrust: 'self-signed', status: world.seen.status ?? 401 }
          }),
        connectHandler: () => admin,
        openJournal: async (path, subject, deps) => {
          const journal = await openJournal(path, subject, deps)
          const append: typeof journal.append = (op, data) =>
            contact(() => journal.append(op, data))
          const note: typeof journal.note = (op) => contact(() => journal.note(op))
          return { ...journal, append, note }
        },
        signal: world.abort.signal,
      }
      const parsed = parseCli(runtime.argv, (text) => (world.stdout += text))
      return 'exit' in parsed && parsed.exit === 0 ? 0 : run(parsed, runtime)
    },
    json: () => JSON.parse(world.stdout) as Record<string, unknown>,
    knobs: (knobs) => {
      emulator.chaos.knobs = { ...CALM, ...knobs }
    },
    withUser: (id = USER) => {
      emulator.users.set(id, user(id, 'signer', 'SIGNER', signer.publicKeyPem))
      return world
    },
  }
  await handler.stage(1)
  return world

  async function selfTest(generation: number, nonce: string): Promise<string> {
    reachable(handler)
    const key = await testKey(handler.keyNames.get(generation) ?? '')
    return new CompactSign(Buffer.from(JSON.stringify({ nonce, generation })))
      .setProtectedHeader({ alg: 'RS256', typ: 'countersign-self-test' })
      .sign(key.privateKey)
  }
}

function user(id: string, name: string, role: string, publicKeyPem: string): ApiUser {
  return { id, name, role, status: 'READY', publicKey: createPublicKey(publicKeyPem) }
}

function reachable<T extends { reachable: boolean }>(handler: T): T {
  if (!handler.reachable) throw new HandlerRefusal('ECONNREFUSED', 'nobody listens')
  return handler
}

function waitsForPeople(): HandlerRefusal {
  return new HandlerRefusal('ERR_ACT_WAITING', 'waits for people: 0 of 1 have approved')
}

const certificates = new Map<string, string>()

function createHandler(options: WorldOptions, nowMs: () => number) {
  const auth: AuthMode = options.auth ?? 'hybrid'
  const generations = new Map<number, Made>()
  const keyNames = new Map<number, string>()
  const needs: Record<string, PairingNeeds> = {}
  const stateOf = (generation: number): GenerationState => {
    const made = generations.get(generation)
    if (made?.retired === true) return 'retired'
    const needed = Object.values(needs).some(
      ({ live, pending }) => live === generation || pending === generation,
    )
    if (needed) return 'live'
    return made?.drainSince === undefined ? 'staged' : 'draining'
  }
  const infoOf = (generation: number): GenerationInfo => {
    const made = generations.get(generation)
    if (made === undefined) throw new HandlerRefusal('ERR_NOT_FOUND', `no generation ${generation}`)
    const drain =
      made.drainSince === undefined ? {} : { drain: { since: made.drainSince, quietMs: 7_200_000 } }
    return { ...made.info, state: stateOf(generation), ...drain }
  }
  const handler = {
    auth,
    tls: 'self-signed' as HandlerStatus['tls'],
    slots: [...(options.slots ?? ['https://handler.test:8443', 'https://handler.test:8444'])],
    ready: true,
    problems: [] as string[],
    reachable: true,
    /** Its policy asks people for pairings and generations, and they have not approved. */
    asksPeople: false,
    generations,
    keyNames,
    needs,
    async stage(
      generation: number,
      slot?: string,
      request: { renewOf?: number; share?: true } = {},
    ): Promise<GenerationInfo> {
      if (generations.has(generation)) return infoOf(generation)
      if (handler.asksPeople) throw waitsForPeople()
      const letters = handler.slots.map((_, index) => String.fromCodePoint(65 + index))
      const busy = (letter: string) =>
        handler.tls === 'self-signed' &&
        handler.auth !== 'public-key' &&
        Array.from(generations.values()).some(
          ({ info }) =>
            info.slot === letter && ['live', 'draining'].includes(stateOf(info.generation)),
        )
      const chosen = slot ?? letters.find((letter) => !busy(letter))
      const mayTake = request.share === true || request.renewOf !== undefined
      if (chosen === undefined || (busy(chosen) && !mayTake)) {
        throw new HandlerRefusal('ERR_SLOT_BUSY', 'every slot is used')
      }
      const keyName =
        request.renewOf === undefined
          ? `generation ${generation}`
          : (keyNames.get(request.renewOf) ?? '')
      const key = await testKey(keyName)
      keyNames.set(generation, keyName)
      const certificatePem =
        certificates.get(`${generation} ${keyName}`) ??
        selfSignedCertificate({
          privateKeyPem: key.privateKeyPem,
          names: ['handler.test'],
          notBefore: new Date('2026-11-01T00:00:00Z'),
          notAfter: new Date('2027-12-03T00:00:00Z'),
        })
      certificates.set(`${generation} ${keyName}`, certificatePem)
      const certificate = new X509Certificate(certificatePem)
      generations.set(generation, {
        retired: false,
        drainSince: undefined,
        info: {
          generation,
          slot: chosen,
          url: `${handler.slots[letters.indexOf(chosen)]}/g${generation}`,
          publicKeyPem: key.publicKeyPem,
          certificatePem,
          kid: kidOf(key.publicKey),
          algorithm: 'RS256',
          oneKey: true,
          signer: 'file',
          fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
          pin: pinOf(key.publicKey),
          notBefore: new Date(certificate.validFrom).toISOString(),
          notAfter: new Date(certificate.validTo).toISOString(),
          createdAt: '2026-11-02T09:00:00.000Z',
          hits: { total: 0, lastAt: null, bySigner: {} },
        },
      })
      return infoOf(generation)
    },
    declare(pairing: string, wanted: PairingNeeds | undefined): HandlerStatus {
      if (handler.asksPeople && (needs[pairing] === undefined || wanted === undefined)) {
        throw waitsForPeople()
      }
      for (const generation of [wanted?.live, wanted?.pending]) {
        if (typeof generation !== 'number') continue
        if (stateOf(generation) === 'retired') {
          throw new HandlerRefusal('ERR_GENERATION_RETIRED', 'retired')
        }
      }
      const before = new Set(Array.from(generations.keys()).filter((n) => stateOf(n) === 'live'))
      if (wanted === undefined) delete needs[pairing]
      else needs[pairing] = wanted
      for (const [generation, made] of generations) {
        if (stateOf(generation) === 'live') made.drainSince = undefined
        else if (before.has(generation)) made.drainSince = new Date(nowMs()).toISOString()
      }
      return handler.status()
    },
    retire(generation: number, unlessCalled: boolean): GenerationInfo {
      const made = generations.get(generation)
      const state = stateOf(generation)
      if (made === undefined || (state !== 'draining' && state !== 'retired')) {
        throw new HandlerRefusal('ERR_GENERATION_NEEDED', `generation ${generation} is ${state}`)
      }
      if (unlessCalled && made.info.hits.total > 0) {
        throw new HandlerRefusal(
          'ERR_GENERATION_NEEDED',
          `generation ${generation} has been called`,
        )
      }
      made.retired = true
      return infoOf(generation)
    },
    status: (): HandlerStatus => ({
      version: 1,
      product: 'countersign 0.1.0',
      auth: handler.auth,
      tls: handler.tls,
      slots: handler.slots.map((publicUrl, index) => ({
        slot: String.fromCodePoint(65 + index),
        publicUrl,
        listen: `0.0.0.0:${8443 + index}`,
      })),
      generations: Array.from(generations.keys(), infoOf),
      pairings: { ...needs },
      policyDigest: 'sha256:abc',
      ready: handler.ready,
      problems: handler.problems,
      now: new Date(nowMs()).toISOString(),
    }),
  }
  return handler
}

/** Puts an API user's key in place; RSA-4096 is slow, so one is made once in a run and copied. */
export async function placeUserKey(world: World, name = 'countersign'): Promise<void> {
  const made = await onceInRun('API user', async (directory) => {
    await createUserKey(directory, 'test')
  })
  const to = join(userDirectory(world.stateDir, name), 'key')
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await cp(join(made, 'key'), to, { recursive: true })
}
