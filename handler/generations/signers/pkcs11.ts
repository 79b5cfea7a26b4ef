/** Answer keys in PKCS#11 tokens: one process for each token, which the handler asks, watches and replaces. */
import { type ChildProcess, fork } from 'node:child_process'
import { createPublicKey, randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Clock } from '../../../common/clock.ts'
import { compiledModule } from '../../../common/thread.ts'
import { type Keystore, KeystoreError } from './keystore.ts'
import {
  type FromProcess,
  PIN_CODES,
  type TokenAccess,
  type TokenRequest,
} from './pkcs11-messages.ts'
import { parsePkcs11Uri, pkcs11KeyName, type Pkcs11Uri } from './pkcs11-uri.ts'

/** Sessions of a token, and threads of its process: a network HSM works on several signatures at once. */
const SESSIONS = 16

/** A process that has said nothing for so long while it was asked is hung. */
const SILENT_MS = 10_000

/** Time between two starts of a process that ends. */
const RESTART_MS = 1_000

/** Longest time to make or destroy a key: RSA keys take some tokens many seconds. */
const MANAGE_MS = 60_000

export interface Pkcs11Deps {
  readonly clock: Clock
  /** Of the processes: modules read settings of their own from it. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Opens no token before it is asked for one. */
export function createPkcs11Keystore(deps: Pkcs11Deps): Keystore {
  const tokens = new Map<string, TokenProcess>()
  const tokenOf = (uri: Pkcs11Uri): TokenProcess => {
    const { modulePath, token, serial, pinFile } = uri
    const access = { modulePath, token, pinFile, ...(serial === undefined ? {} : { serial }) }
    const name = JSON.stringify(access)
    const known = tokens.get(name) ?? createTokenProcess({ ...access, sessions: SESSIONS }, deps)
    tokens.set(name, known)
    return known
  }
  const keyOf = (name: string) => {
    const uri = parsePkcs11Uri(name)
    const { id, object } = uri
    if (id === undefined) throw new KeystoreError('the PKCS#11 URI names no key: `id` is missing')
    return { token: tokenOf(uri), key: { id, ...(object === undefined ? {} : { object }) } }
  }
  return {
    check: (where) => void parseToken(where),
    async create(where, label, algorithm) {
      const uri = parseToken(where)
      const key = { id: randomBytes(16), object: label }
      const signal = AbortSignal.timeout(MANAGE_MS)
      const der = await tokenOf(uri).ask({ do: 'create', key, algorithm }, signal)
      if (der === undefined) throw new KeystoreError('the token gave no public key')
      const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
      return { name: pkcs11KeyName(uri, label, key.id), publicKey }
    },
    async sign(name, algorithm, bytes, signal) {
      const { token, key } = keyOf(name)
      const signature = await token.ask({ do: 'sign', key, algorithm, bytes }, signal)
      if (signature === undefined) throw new KeystoreError('the token gave no signature')
      return signature
    },
    async destroy(name) {
      const { token, key } = keyOf(name)
      await token.ask({ do: 'destroy', key }, AbortSignal.timeout(MANAGE_MS))
    },
    async close() {
      await Promise.all([...tokens.values()].map((each) => each.close()))
      tokens.clear()
    },
  }
}

/** The URI of a token, as the setting has it. */
function parseToken(where: string): Pkcs11Uri {
  const uri = parsePkcs11Uri(where)
  if (uri.id === undefined && uri.object === undefined) return uri
  throw new KeystoreError('name the token alone: the key is made and named by the handler')
}

interface TokenProcess {
  readonly ask: (request: TokenRequest, signal: AbortSignal) => Promise<Buffer | undefined>
  readonly close: () => Promise<void>
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<void>
  readonly waiting: Map<number, (answer: FromProcess | Error) => void>
  heardMs: number
}

function createTokenProcess(access: TokenAccess, { clock, env }: Pkcs11Deps): TokenProcess {
  let running: Running | undefined
  let startedMs = Number.NEGATIVE_INFINITY
  let number = 0
  let closed = false
  /** The file as it was when the token refused its PIN: trying again would lock the token. */
  let refusedPin: string | undefined

  const start = (): Running => {
    if (closed) throw new KeystoreError('the token is closed')
    const now = clock.monotonicMs()
    if (now - startedMs < RESTART_MS) throw new KeystoreError('the process of the token has ended')
    startedMs = now
    const child = fork(compiledModule(import.meta.url, 'pkcs11-process.js'), [], {
      env: { ...env, UV_THREADPOOL_SIZE: String(SESSIONS) },
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const waiting: Running['waiting'] = new Map()
    const ended = new Promise<void>((resolve) => {
      const end = () => {
        if (running?.child === child) running = undefined
        for (const settle of waiting.values()) {
          settle(new KeystoreError('the process of the token has ended'))
        }
        resolve()
      }
      child.once('exit', end)
      child.once('error', end)
    })
    const started: Running = { child, ended, waiting, heardMs: now }
    child.on('message', (message: FromProcess) => {
      started.heardMs = clock.monotonicMs()
      waiting.get(message.number)?.(message)
    })
    // Nothing waits for this process when the handler ends.
    child.unref()
    child.channel?.unref()
    child.send({ access }, () => undefined)
    return started
  }

  const exchange = (request: TokenRequest, signal: AbortSignal): Promise<FromProcess> => {
    const at = (running ??= start())
    const mine = (number += 1)
    return new Promise<FromProcess>((resolve, reject) => {
      const settle = (answer: FromProcess | Error) => {
        at.waiting.delete(mine)
        signal.removeEventListener('abort', abort)
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
      const abort = () => {
        settle(new KeystoreError('the token did not answer in time'))
        if (clock.monotonicMs() - at.heardMs >= SILENT_MS) at.child.kill('SIGKILL')
      }
      if (at.waiting.size === 0) at.heardMs = Math.max(at.heardMs, clock.monotonicMs())
      at.waiting.set(mine, settle)
      signal.addEventListener('abort', abort, { once: true })
      at.child.send({ number: mine, request }, (error) => {
        if (error !== null) settle(new KeystoreError('the process of the token has ended'))
      })
    })
  }

  return {
    async ask(request, signal) {
      if (refusedPin !== undefined) {
        if (refusedPin === (await stampOf(access.pinFile))) {
          throw new KeystoreError(
            'the token has refused the PIN; it is tried again when its file changes',
          )
        }
        refusedPin = undefined
      }
      const answer = await exchange(request, signal)
      if ('code' in answer) {
        if (PIN_CODES.includes(answer.code)) refusedPin = await stampOf(access.pinFile)
        throw new KeystoreError(`token \`${access.token}\`: ${answer.message}`)
      }
      return answer.result === undefined ? undefined : Buffer.from(answer.result)
    },
    async close() {
      closed = true
      const at = running
      if (at === undefined) return
      at.child.disconnect()
      const kill = setTimeout(() => at.child.kill('SIGKILL'), 1_000)
      await at.ended
      clearTimeout(kill)
    },
  }
}

async function stampOf(file: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(file).catch(() => ({ mtimeMs: 0, size: 0, ino: 0 }))
  return `${mtimeMs} ${size} ${ino}`
}
