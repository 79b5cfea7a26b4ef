/** The outer world as parameters, and the session that a configuration makes of it. */
import { createPrivateKey } from 'node:crypto'
import type { AuthMode } from '../common/admin-api.ts'
import { readPrivateFile } from '../common/atomic-file.ts'
import type { Clock, Sleep } from '../common/clock.ts'
import { errnoOf, messageOf } from '../common/errors.ts'
import { rsaPrivateKey } from '../certs/inspect.ts'
import { type ApiClient, createApiClient } from './api/client.ts'
import type { Transport } from './api/transport.ts'
import type { Config, Environment } from './config.ts'
import { BootstrapError } from './errors.ts'
import type { HandlerAdmin } from './handler-socket.ts'
import type { OpenJournal } from './journal.ts'
import { listPairings, listUsers, type PairingIds, userDirectory } from './state-paths.ts'
import type { Look } from './probe.ts'
import type { OutputStream, Reporter } from './report.ts'
import type { Session } from './session.ts'
import { readUserMemory } from './user-files.ts'

/** Everything that differs between the command line and a test. */
export interface Runtime {
  /** Without node and script. */
  readonly argv: readonly string[]
  readonly env: Environment
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** Asks a yes-or-no question; undefined when stdin or stderr is not a terminal. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined
  readonly clock: Clock
  readonly sleep: Sleep
  readonly random: () => number
  readonly uuid: () => string
  readonly transport: Transport
  readonly look: Look
  readonly connectHandler: (socketPath: string) => HandlerAdmin
  readonly openJournal: OpenJournal
  /** Aborted by the first signal, with its name as the reason. */
  readonly signal: AbortSignal
}

/** A session that also knows its configuration and can sign as another user. */
export interface Run extends Session {
  readonly config: Config
  readonly runtime: Runtime
  readonly clientOf: (apiKey: string, privateKeyPem: string) => ApiClient
  /** Id of this run in the journals. */
  readonly runId: string
}

/** Loads the caller's key and puts the session together. */
export async function openRun(config: Config, runtime: Runtime, reporter: Reporter): Promise<Run> {
  const { clock, sleep, random, uuid, transport, signal } = runtime
  const deadlineMs = clock.monotonicMs() + config.waitMs
  const clientOf = (apiKey: string, privateKeyPem: string) =>
    createApiClient({
      basePath: config.basePath,
      apiKey,
      privateKey: createPrivateKey(privateKeyPem),
      transport,
      clock,
      sleep,
      random,
      uuid,
      signal,
      deadlineMs,
      onRetry: (reason, waitMs) => {
        reporter.progress(`${reason}; again in ${Math.round(waitMs / 100) / 10} s`)
      },
    })
  return {
    config,
    runtime,
    clientOf,
    runId: uuid(),
    api: clientOf(config.apiKey, await loadCallerKey(config.secretKeyPath)),
    family: config.family,
    handler: runtime.connectHandler(config.handlerSocket),
    look: runtime.look,
    probeVia: config.probeVia,
    clock,
    sleep,
    random,
    uuid,
    reporter,
    signal,
    deadlineMs,
  }
}

/**
 * The caller's private key: a private file with an RSA key, PKCS#8 or PKCS#1, of at least 2048
 * bits.
 */
async function loadCallerKey(path: string): Promise<string> {
  try {
    const pem = await readPrivateFile(path)
    rsaPrivateKey(pem)
    return pem
  } catch (cause) {
    const why = errnoOf(cause) === 'ENOENT' ? 'there is no such file' : messageOf(cause)
    throw new BootstrapError('ERR_CONFIG', `\`--secret-key-path\` \`${path}\`: ${why}`, {
      cause,
      hint: 'give the RSA private key of the API user that calls, readable by this user only',
    })
  }
}

/** The pairing that a command is about: the ids given, else the only one in the state directory. */
export async function resolveIds({ config, reporter }: Run): Promise<PairingIds> {
  const { stateDir, cosignerId: cosigner, apiKeyId: apiKey } = config
  if (cosigner !== undefined && apiKey !== undefined) {
    return { cosignerId: cosigner, apiKeyId: apiKey }
  }
  const known = (await listPairings(stateDir)).filter(
    (ids) =>
      (cosigner ?? ids.cosignerId) === ids.cosignerId && (apiKey ?? ids.apiKeyId) === ids.apiKeyId,
  )
  const users = apiKey === undefined ? await knownUserIds(stateDir) : [apiKey]
  const [only, second] =
    known.length > 0 || cosigner === undefined
      ? known
      : users.map((apiKeyId) => ({ cosignerId: cosigner, apiKeyId }))
  if (only !== undefined && second === undefined) {
    reporter.story(`co-signer ${only.cosignerId}, API user ${only.apiKeyId}`)
    return only
  }
  throw new BootstrapError(
    'ERR_CONFIG',
    only === undefined ? 'no pairing is known here' : 'more than one pairing is known here',
    {
      details: known.map((ids) => `--cosigner-id ${ids.cosignerId} --api-key-id ${ids.apiKeyId}`),
      hint:
        second === undefined
          ? 'give `--cosigner-id` and `--api-key-id`'
          : 'give `--cosigner-id` and `--api-key-id`; `forget` drops one that is not needed',
    },
  )
}

async function knownUserIds(stateDir: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await listUsers(stateDir)) {
    const { userId } = await readUserMemory(userDirectory(stateDir, name))
    if (userId !== null) found.push(userId)
  }
  return found
}

/** The handler's mode, which an explicit `--auth` must match. */
export function agreedAuth({ config }: Pick<Run, 'config'>, handler: AuthMode): AuthMode {
  if (config.auth === undefined || config.auth === handler) return handler
  throw new BootstrapError(
    'ERR_CONFIG',
    `\`--auth ${config.auth}\` was asked for, the handler runs in \`${handler}\``,
    { hint: `set \`HANDLER_AUTH=${config.auth}\` for the handler, or leave \`--auth\` out` },
  )
}
