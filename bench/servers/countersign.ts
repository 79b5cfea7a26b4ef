/** Starts the built handler as it ships, in a state directory of its own, with nothing changed but its settings. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import type { AnswerAlgorithm } from '../../common/answer-algorithm.ts'
import { generateKeyPair } from '../../certs/generate.ts'
import { policyYaml } from '../policies.ts'
import { freePorts, start } from '../processes.ts'
import type { Cores } from '../processes.ts'
import type { World } from '../world.ts'
import { running, untilReady } from './start.ts'
import type { Server } from './start.ts'

/** What distinguishes one measured handler from another. */
export interface Variant {
  readonly cores?: Cores
  readonly rules?: number
  /** The approving rule spends of a rolling limit. */
  readonly limits?: boolean
  /** Keys of co-signers, the one that signs our requests among them, last in the alphabet. */
  readonly cosignerKeys?: number
  readonly generations?: number
  readonly deadlineMs?: number
  /** Ports of this machine to which it sends every event. */
  readonly targets?: readonly number[]
  readonly algorithm?: AnswerAlgorithm
  /** A state directory that exists already: keys, and perhaps a history. */
  readonly stateDir?: string
  readonly nodeOptions?: readonly string[]
}

export interface CountersignServer extends Server {
  readonly stateDir: string
  /** Base URL of `/metrics`. */
  readonly opsUrl: string
}

/** Starts the handler and, when asked for, stages further generations. */
export async function startCountersign(
  world: World,
  variant: Variant = {},
): Promise<CountersignServer> {
  const {
    cores = 'any',
    rules = 100,
    limits = false,
    generations = 1,
    deadlineMs = 25_000,
    algorithm = 'RS256',
    targets = [],
  } = variant
  const directory = await world.makeDirectory('countersign')
  const stateDir = variant.stateDir ?? join(directory, 'state')
  const policyFile = join(directory, 'policy.yaml')
  await writeFile(policyFile, policyYaml({ rules, limits }))
  const eventsFile = join(directory, 'events.yaml')
  await writeFile(eventsFile, targetsYaml(targets), { mode: 0o600 })
  // Every generation gets a slot of its own: a slot presents one certificate at a time.
  const [ops = 0, ...ports] = await freePorts(1 + Math.max(2, generations))
  const [first = 0] = ports
  const logFile = join(directory, 'log')
  const beganAt = performance.now()
  const child = start('handler/main.js', {
    cores,
    logFile,
    nodeOptions: variant.nodeOptions ?? [],
    env: {
      NODE_ENV: 'production',
      HANDLER_STATE_DIR: stateDir,
      HANDLER_PUBLIC_URL: ports.map((port) => `https://localhost:${port}`).join(','),
      HANDLER_LISTEN: ports.map((port) => `127.0.0.1:${port}`).join(','),
      HANDLER_OPS_LISTEN: `127.0.0.1:${ops}`,
      HANDLER_COSIGNER_KEYS: await cosignerKeys(world, directory, variant.cosignerKeys ?? 1),
      HANDLER_POLICY_FILE: policyFile,
      HANDLER_DEADLINE_MS: String(deadlineMs),
      HANDLER_ANSWER_ALGORITHM: algorithm,
      ...(targets.length === 0 ? {} : { HANDLER_EVENTS_FILE: eventsFile }),
    },
  })
  await untilReady(child, logFile)
  const certificatePem = await readFile(join(stateDir, 'keys', 'g1', 'cert.pem'), 'utf8')
  const answerKeyPem = await readFile(join(stateDir, 'keys', 'g1', 'public.pem'), 'utf8')
  const target = { port: first, path: '/g1/v2/tx_sign_request', certificatePem, answerKeyPem }
  const server = running(child, target, beganAt)
  for (let n = 2; n <= generations; n += 1) await stage(join(stateDir, 'admin.sock'), n)
  return { ...server, stateDir, opsUrl: `http://127.0.0.1:${ops}` }
}

/** Reads one sample of `/metrics`; NaN when there is none of that name. */
export async function metric(server: CountersignServer, name: string): Promise<number> {
  const response = await fetch(`${server.opsUrl}/metrics`)
  const line = (await response.text()).split('\n').find((text) => text.startsWith(`${name} `))
  return Number(line?.split(' ')[1] ?? Number.NaN)
}

function targetsYaml(ports: readonly number[]): string {
  const targets = ports.map(
    (port) =>
      `  - { name: t${port}, url: 'http://127.0.0.1:${port}/', body: { text: '{{text}}' } }\n`,
  )
  return `version: 1\ntargets:\n${targets.join('')}`
}

async function cosignerKeys(world: World, directory: string, count: number): Promise<string> {
  const keys = join(directory, 'cosigners')
  await mkdir(keys, { mode: 0o700 })
  await writeFile(join(keys, 'z.pem'), world.cosignerPublicKeyPem)
  for (let i = 1; i < count; i += 1) {
    const { publicKeyPem } = await generateKeyPair(2048)
    await writeFile(join(keys, `other-${i}.pem`), publicKeyPem)
  }
  return keys
}

/** Asks for generation n, in the slot of that number, over the admin socket. */
async function stage(socketPath: string, n: number): Promise<void> {
  const message = request({ socketPath, path: `/v1/generations/${n}`, method: 'PUT' })
  message.setHeader('Content-Type', 'application/json')
  message.end(JSON.stringify({ slot: String.fromCodePoint(64 + n) }))
  const [response] = (await once(message, 'response')) as [{ statusCode?: number; resume(): void }]
  response.resume()
  if (response.statusCode !== 200 && response.statusCode !== 201) {
    throw new Error(`generation ${n} was not staged: status ${response.statusCode}`)
  }
}
