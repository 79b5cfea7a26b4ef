/**
 * Puts the two remote parties together: keys, state, one loopback server, and the file that says
 * where they are.
 */
import { createPrivateKey } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { writeFileAtomic } from '../common/atomic-file.ts'
import type { Clock, Sleep } from '../common/clock.ts'
import { listen } from '../common/http.ts'
import { createCosignerControl } from './cosigner-control.ts'
import { createChaos, drawUuid } from './chaos.ts'
import { answerControl, type ControlRoute, STATE_ROUTES } from './control.ts'
import { answerCustodyApi } from './custody-api.ts'
import { createHttpServer } from './http.ts'
import {
  callerOf,
  cosignersOf,
  makeRunKeys,
  runFiles,
  type RunKeys,
  writeRunFiles,
} from './key-files.ts'
import { CALM } from './knobs.ts'
import { createState, type EmulatorState } from './state.ts'
import { createTransport } from './transport.ts'
import type { ApiRequest, Reply } from './message.ts'

const CONTROL = '/control'

/** What a run is made of; everything that differs between tests and the command line. */
export interface EmulatorOptions {
  /** A loopback address; port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** Gets `emulator.json` and the keys; made with mode 0700 when missing. */
  readonly dir: string
  /** Gets the request keys of all machines; default: `cosigner-keys` in `dir`. */
  readonly cosignerKeysDir?: string | undefined
  /** Host names other than loopback that callbacks may go to, resolved by the system. */
  readonly handlerHosts?: readonly string[] | undefined
  /** Unsigned 32-bit number from which all chance is drawn. */
  readonly seed: number
  /** Keys to use; default: fresh ones, made now. */
  readonly keys?: RunKeys | undefined
  /** Approves every request by itself after so many milliseconds; undefined = waits for people. */
  readonly autoApproveMs?: number | undefined
  /** How many co-signers the workspace has. */
  readonly cosigners: number
  /**
   * PEM roots that the co-signer trusts instead of the public ones; given, it also checks every
   * chain.
   */
  readonly caPem?: string | undefined
  readonly clock: Clock
  readonly sleep: Sleep
  /** Told about bugs of the emulator itself. */
  readonly onBug: (message: string) => void
}

/** The contents of `emulator.json`. */
export interface EmulatorJson {
  readonly apiBasePath: string
  readonly apiKey: string
  readonly secretKeyPath: string
  readonly cosignerId: string
  readonly cosignerPublicKeyPath: string
  readonly controlUrl: string
  /** Request keys of all machines, one file each. */
  readonly cosignerPublicKeysDir: string
  readonly cosignerIds: readonly string[]
  readonly seed: number
}

/** An emulator that listens. */
export interface RunningEmulator {
  readonly json: EmulatorJson
  readonly state: EmulatorState
  /** Stops listening, ends what is running and removes `emulator.json`; safe to call twice. */
  stop(): Promise<void>
}

/** Makes fresh keys, listens, and then writes `emulator.json`. */
export async function startEmulator(options: EmulatorOptions): Promise<RunningEmulator> {
  const keys = options.keys ?? (await makeRunKeys(options.cosigners))
  const files = runFiles(options.dir, options.cosignerKeysDir)
  await writeRunFiles(files, keys)
  const chaos = createChaos(
    options.seed,
    options.caPem === undefined ? CALM : { ...CALM, TLS_CHAIN: 'verify' },
  )
  const caller = callerOf(keys, drawUuid(chaos, 'user'))
  const ids = Array.from({ length: options.cosigners }, () => drawUuid(chaos, 'cosigner'))
  const state = createState(chaos, [caller], cosignersOf(keys, ids))
  state.autoApproveMs = options.autoApproveMs
  const stopping = new AbortController()
  // One listener for each callback in flight.
  setMaxListeners(0, stopping.signal)

  const transport = createTransport(options.sleep, stopping.signal)
  const cosigners = createCosignerControl({
    state,
    clock: options.clock,
    sleep: options.sleep,
    transport,
    foreignKey: createPrivateKey(keys.caller.privateKeyPem),
    caPem: options.caPem,
    handlerHosts: new Set(options.handlerHosts),
    publicKeys: new Map(),
  })
  const routes = [...STATE_ROUTES, ...cosigners.routes]
  const server = createHttpServer({
    answer: (request) => answer(request, routes, state, options.clock.now()),
    sleep: options.sleep,
    signal: stopping.signal,
    onBug: options.onBug,
  })
  const origin = await originOf(server, options.listen)
  const json: EmulatorJson = {
    apiBasePath: `${origin}/v1`,
    apiKey: caller.id,
    secretKeyPath: files.secretKey,
    cosignerId: ids[0] ?? '',
    cosignerPublicKeyPath: files.cosignerPublicKey,
    controlUrl: `${origin}${CONTROL}`,
    cosignerPublicKeysDir: files.cosignerPublicKeysDir,
    cosignerIds: ids,
    seed: chaos.seed,
  }
  await writeFileAtomic(files.emulatorJson, `${JSON.stringify(json, null, 2)}\n`)
  return {
    json,
    state,
    async stop() {
      stopping.abort()
      await cosigners.stop()
      transport.close()
      await close(server)
      await rm(files.emulatorJson, { force: true })
    },
  }
}

function answer(
  request: ApiRequest,
  routes: readonly ControlRoute[],
  state: EmulatorState,
  now: Date,
): Reply | Promise<Reply> {
  if (!request.target.startsWith(`${CONTROL}/`)) return answerCustodyApi(request, state, now)
  return answerControl(request, request.target.slice(CONTROL.length), routes, state, now)
}

async function originOf(server: Server, where: EmulatorOptions['listen']): Promise<string> {
  await listen(server, where)
  return `http://${hostAndPort(server.address())}`
}

function hostAndPort(address: string | AddressInfo | null): string {
  if (address === null || typeof address === 'string') return String(address)
  const { family, address: host, port } = address
  return family === 'IPv6' ? `[${host}]:${port}` : `${host}:${port}`
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
