/** Configuration of the handler: an environment becomes one frozen value, or every problem at once. */
import { join } from 'node:path'
import type { AuthMode } from '../../common/admin-api.ts'
import type { AnswerAlgorithm } from '../../common/answer-algorithm.ts'
import type { Cidr, ConsoleUrl, ListenAddress } from './config-values.ts'
import { nearest, SettingProblem } from './config-values.ts'
import { SETTINGS } from './settings.ts'
import type { Setting, Values } from './settings.ts'
import { slotProblems, slotsOf } from './slots.ts'
import type { Slot } from './slots.ts'

const SOCKET_NAME = 'admin.sock'

/** What fits into a socket address on Linux and on the BSDs. */
const MAX_SOCKET_PATH = 103

/** Which certificate the listeners present. */
export type TlsConfig =
  | { readonly mode: 'self-signed' }
  | { readonly mode: 'files'; readonly certFile: string; readonly keyFile: string }
  | { readonly mode: 'off' }

/** Variables by name, e.g. `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The settings, checked one by one and against each other. Paths are as given, relative to the working directory. */
export interface Config {
  readonly stateDir: string
  readonly keysDir: string
  readonly slots: readonly Slot[]
  readonly auth: AuthMode
  readonly tls: TlsConfig
  /** What a new generation gets; in `certificate` mode nothing is signed, and one key is enough. */
  readonly newAnswerKey: {
    readonly algorithm: AnswerAlgorithm
    readonly oneKey: boolean
    readonly signer: string
  }
  /** Of generations that are retired: those in keystores are destroyed too. */
  readonly destroyAnswerKeys: boolean
  /** Undefined in `certificate` mode only. */
  readonly cosignerKeys: string | undefined
  /** Undefined when everyone may connect. */
  readonly allowedCidrs: readonly Cidr[] | undefined
  readonly policyFile: string
  /** Undefined when no policy is watched. */
  readonly shadowPolicyFile: string | undefined
  /** Undefined when nobody is told. */
  readonly eventsFile: string | undefined
  readonly storePath: string
  readonly adminSocket: string
  readonly opsListen: ListenAddress
  /** Undefined when there is no page. */
  readonly consoleUrl: ConsoleUrl | undefined
  /** Undefined when silence is no alarm. */
  readonly silenceAlarmMs: number | undefined
  readonly deadlineMs: number
  /** How long the co-signer asks again after a first RETRY. */
  readonly cosignerRetryMs: number
  readonly maxBodyBytes: number
  readonly passphraseFile: string | undefined
  readonly logLevel: string
}

/** What could be read although something else is wrong, so that a check can look at it all the same. */
export type KnownPaths = Partial<
  Pick<Config, 'stateDir' | 'cosignerKeys' | 'policyFile' | 'passphraseFile'>
>

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[]; readonly known: KnownPaths }

/** Reads the `HANDLER_*` variables of an environment. Never throws; all problems come at once. */
export function parseConfig(env: Environment): ParsedConfig {
  const problems = unknownNames(env)
  const values = readValues(env, problems)
  problems.push(...crossProblems(values))
  if (problems.length > 0) return { ok: false, problems, known: knownPaths(values) }
  const config = assemble(values)
  return { ok: true, config, warnings: [...warningsOf(config), ...linkNotice(env)] }
}

/** The paths that lie in the state directory unless a setting says otherwise. */
export function placesIn(
  stateDir: string,
  store: string | undefined,
  adminSocket: string | undefined,
) {
  return {
    keysDir: join(stateDir, 'keys'),
    storePath: store ?? join(stateDir, 'decisions.db'),
    adminSocket: adminSocket ?? join(stateDir, SOCKET_NAME),
  }
}

/** Typing mistakes would be silent otherwise. */
export function unknownNames(env: Environment): string[] {
  const known: string[] = Object.values(SETTINGS).map(({ name }) => name)
  return Object.keys(env)
    .filter((name) => name.startsWith('HANDLER_') && !known.includes(name))
    .filter((name) => !isServiceLink(name, env))
    .map((name) => {
      const near = nearest(name, known)
      return `\`${name}\`: no such setting${near === undefined ? '' : `, did you mean \`${near}\``}`
    })
}

/** Names under which an orchestrator tells every pod of a Service called `handler` or `handler-…`. */
const LINK =
  /_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/

/** True for such a name, if the one of its family that holds a URL is there: else it is a misspelt setting. */
function isServiceLink(name: string, env: Environment): boolean {
  const service = name.replace(LINK, '')
  return service !== name && /^(?:tcp|udp|sctp):\/\//.test(env[`${service}_PORT`] ?? '')
}

function linkNotice(env: Environment): string[] {
  const links = Object.keys(env).filter(
    (name) => name.startsWith('HANDLER_') && isServiceLink(name, env),
  )
  if (links.length === 0) return []
  return [`ignored, set for a Service of the orchestrator: ${links.join(', ')}`]
}

function readValues(env: Environment, problems: string[]): Values {
  return Object.fromEntries(
    Object.entries(SETTINGS).map(([key, entry]) => [
      key,
      readSetting<unknown>(entry, env[entry.name], entry.name, problems),
    ]),
  ) as Values
}

/** The value of a text, else of the default; a wrong one is a problem of what `source` names. */
export function readSetting<T>(
  { fallback, parse }: Setting<T>,
  given: string | undefined,
  source: string,
  problems: string[],
): T | undefined {
  const text = given ?? fallback
  if (text === undefined) return undefined
  try {
    if (text === '') throw new SettingProblem('is empty, give a value or do not set it')
    return parse(text)
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error
    problems.push(`\`${source}\`: ${error.message}`)
    return undefined
  }
}

/** The rules between settings; those that failed to parse are undefined here and say nothing more. */
function crossProblems(values: Values): string[] {
  const problems: string[] = []
  const { auth, tls, cosignerKeys, allowedCidrs, tlsCertFile, tlsKeyFile } = values
  if (auth === 'certificate') {
    if (values.answerSigner !== undefined && values.answerSigner !== 'file') {
      problems.push(
        '`HANDLER_ANSWER_SIGNER`: not used with `HANDLER_AUTH=certificate`, answers are not signed',
      )
    }
    if (values.answerAlgorithm === 'ES256') {
      problems.push(
        '`HANDLER_ANSWER_ALGORITHM`: not used with `HANDLER_AUTH=certificate`, answers are not signed',
      )
    }
    if (allowedCidrs === undefined) {
      problems.push('`HANDLER_ALLOWED_CIDRS`: required, callers are not authenticated in this mode')
    }
    if (cosignerKeys !== undefined) {
      problems.push('`HANDLER_COSIGNER_KEYS`: not used with `HANDLER_AUTH=certificate`, unset it')
    }
  } else if (auth !== undefined && cosignerKeys === undefined) {
    problems.push('`HANDLER_COSIGNER_KEYS`: required, a PEM public key or a directory of them')
  }
  for (const [name, value] of [
    ['HANDLER_TLS_CERT_FILE', tlsCertFile],
    ['HANDLER_TLS_KEY_FILE', tlsKeyFile],
  ]) {
    if (tls === 'files' && value === undefined) {
      problems.push(`\`${name}\`: required with \`HANDLER_TLS=files\``)
    }
    if (tls !== undefined && tls !== 'files' && value !== undefined) {
      problems.push(`\`${name}\`: not used with \`HANDLER_TLS=${tls}\`, unset it`)
    }
  }
  const { adminSocket, stateDir = '' } = values
  // Longer paths are cut off silently when the socket is opened, elsewhere than meant.
  if (Buffer.byteLength(adminSocket ?? join(stateDir, SOCKET_NAME)) > MAX_SOCKET_PATH) {
    problems.push(`\`HANDLER_ADMIN_SOCKET\`: the path is longer than ${MAX_SOCKET_PATH} bytes`)
  }
  return [...problems, ...slotProblems(values)]
}

function assemble(values: Values): Config {
  const stateDir = present(values.stateDir)
  return deepFreeze({
    stateDir,
    ...placesIn(stateDir, values.store, values.adminSocket),
    slots: slotsOf(present(values.publicUrls), values.listen),
    auth: present(values.auth),
    tls: tlsOf(values),
    newAnswerKey: {
      algorithm: present(values.answerAlgorithm),
      oneKey: values.auth === 'certificate',
      signer: present(values.answerSigner),
    },
    destroyAnswerKeys: values.retiredAnswerKeys === 'destroy',
    cosignerKeys: values.cosignerKeys,
    allowedCidrs: values.allowedCidrs,
    policyFile: present(values.policyFile),
    shadowPolicyFile: values.shadowPolicyFile,
    eventsFile: values.eventsFile,
    opsListen: present(values.opsListen),
    consoleUrl: values.consoleUrl,
    deadlineMs: present(values.deadlineMs),
    cosignerRetryMs: present(values.cosignerRetryMinutes) * 60_000,
    maxBodyBytes: present(values.maxBodyBytes),
    passphraseFile: values.passphraseFile,
    silenceAlarmMs: values.silenceAlarm,
    logLevel: present(values.logLevel),
  })
}

function tlsOf({ tls, tlsCertFile, tlsKeyFile }: Values): TlsConfig {
  if (tls !== 'files') return { mode: present(tls) }
  return { mode: 'files', certFile: present(tlsCertFile), keyFile: present(tlsKeyFile) }
}

function knownPaths({ stateDir, cosignerKeys, policyFile, passphraseFile }: Values): KnownPaths {
  return {
    ...(stateDir === undefined ? {} : { stateDir }),
    ...(cosignerKeys === undefined ? {} : { cosignerKeys }),
    ...(policyFile === undefined ? {} : { policyFile }),
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
  }
}

/** Settings that are legal, and deserve a question. */
function warningsOf({ auth, tls, allowedCidrs }: Config): string[] {
  const warnings: string[] = []
  if (auth === 'public-key' && tls.mode === 'self-signed') {
    warnings.push(
      'with `HANDLER_AUTH=public-key` a co-signer expects a certificate of a trusted CA',
    )
  }
  if (auth !== 'public-key' && tls.mode === 'off') {
    warnings.push('the certificate to pin is the one of the proxy that terminates TLS')
  }
  if (tls.mode === 'off' && allowedCidrs !== undefined) {
    warnings.push(
      '`HANDLER_ALLOWED_CIDRS` is compared with the proxy, which must check its callers',
    )
  }
  return warnings
}

/** INVARIANT: only called for settings that have a fallback or whose absence is a problem. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a checked setting has no value')
  return value
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}
