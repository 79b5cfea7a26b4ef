/** Turns flags and environment into one frozen configuration, or lists every problem at once. */
import { join } from 'node:path'
import type { AuthMode } from '../common/admin-api.ts'
import { ANSWER_ALGORITHMS } from '../common/answer-algorithm.ts'
import { proxyProblem } from './api/proxy.ts'
import { ID } from './api/ids.ts'
import type { ApiFamily } from './api/resources.ts'
import type { CommandName, Invocation } from './cli.ts'
import { BootstrapError } from './errors.ts'
import type { AnswerWish } from './memory.ts'
import { MAX_NAME_LENGTH } from './plan-user.ts'
import { durationMs } from '../common/duration.ts'

export interface Config {
  readonly command: CommandName
  readonly apiKey: string
  readonly secretKeyPath: string
  /** Without a slash at the end. */
  readonly basePath: string
  readonly family: ApiFamily
  readonly stateDir: string
  readonly handlerSocket: string
  readonly cosignerId: string | undefined
  readonly apiKeyId: string | undefined
  /** Undefined: the handler's. */
  readonly auth: AuthMode | undefined
  readonly waitMs: number
  readonly drainMs: number
  readonly watchMs: number | undefined
  /** Vault accounts to export; undefined: all. */
  readonly vaults: readonly string[] | undefined
  /** Assets to export; undefined: all. */
  readonly assets: readonly string[] | undefined
  readonly probeVia: { readonly host: string; readonly port?: number } | undefined
  readonly dryRun: boolean
  readonly json: boolean
  readonly yes: boolean
  readonly resubmit: boolean
  readonly abandon: boolean
  readonly replace: boolean
  readonly renewCertificate: boolean
  readonly acceptGap: boolean
  readonly keepKey: boolean
  readonly answer: AnswerWish
  readonly forceAlgorithm: boolean
  readonly retireNow: boolean
  readonly ifDueMs: number | undefined
  readonly user: {
    readonly name: string
    readonly role: string
    readonly org: string
    readonly setupType?: string
    readonly firstUser: boolean
  }
}

/** Environment by name; `process.env` fits. */
export type Environment = Readonly<Record<string, string | undefined>>

const AUTH_MODES: readonly AuthMode[] = ['hybrid', 'public-key', 'certificate']
const FAMILIES: readonly ApiFamily[] = ['api_keys', 'api_users']
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const UPPER = /^[A-Z][A-Z0-9_]{1,63}$/

/**
 * Reads the configuration of one command. Flags win over the environment.
 *
 * @throws BootstrapError ERR_CONFIG with every problem in `details`
 */
export function parseConfig({ command, options }: Invocation, env: Environment): Config {
  const problems: string[] = []
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    problems.push(
      '`NODE_TLS_REJECT_UNAUTHORIZED=0` is set: the API is always verified; name a private CA with `NODE_EXTRA_CA_CERTS`',
    )
  }
  const proxy = proxyProblem(env)
  if (proxy !== undefined) problems.push(proxy)
  const read = readerOf(options, env, problems)
  if (env['FIREBLOCKS_SECRET_KEY'] !== undefined) {
    problems.push(
      '`FIREBLOCKS_SECRET_KEY` is set: a key in the environment is not read, use `FIREBLOCKS_SECRET_KEY_PATH`',
    )
  }
  const stateDir = read.text('stateDir', 'HANDLER_STATE_DIR') ?? './state'
  const algorithm = read.oneOf('algorithm', ANSWER_ALGORITHMS)
  const setupType = read.matching('setupType', UPPER, 'a setup type such as `NITRO_MACHINE`')
  const config: Config = {
    command,
    apiKey: read.required('apiKey', 'FIREBLOCKS_API_KEY'),
    secretKeyPath: read.required('secretKeyPath', 'FIREBLOCKS_SECRET_KEY_PATH'),
    basePath: read.parsed(read.required('basePath', 'FIREBLOCKS_BASE_PATH'), parseBasePath) ?? '',
    family: read.oneOf('apiFamily', FAMILIES) ?? 'api_keys',
    stateDir,
    handlerSocket:
      read.text('handlerSocket', 'HANDLER_ADMIN_SOCKET') ?? join(stateDir, 'admin.sock'),
    cosignerId: read.matching('cosignerId', UUID, 'a UUID'),
    apiKeyId: read.matching('apiKeyId', ID, 'the id of an API user'),
    auth: read.oneOf('auth', AUTH_MODES),
    waitMs: read.parsed(read.text('wait') ?? '15m', parseDuration) ?? 0,
    drainMs: read.parsed(read.text('drain') ?? '2h', parseDuration) ?? 0,
    watchMs: read.parsed(read.text('watch'), parseDuration),
    vaults: wordsOf(read.text('vaults')),
    assets: wordsOf(read.text('assets')),
    probeVia: read.parsed(read.text('probeVia'), parseAddress),
    dryRun: options['dryRun'] === true,
    json: options['json'] === true,
    yes: options['yes'] === true,
    resubmit: options['resubmit'] === true,
    abandon: options['abandon'] === true,
    replace: options['replace'] === true,
    renewCertificate: options['renewCertificate'] === true,
    acceptGap: options['acceptGap'] === true,
    keepKey: options['keepKey'] === true,
    answer: {
      ...(algorithm === undefined ? {} : { algorithm }),
      ...(options['oneKey'] === true ? { oneKey: true } : {}),
    },
    forceAlgorithm: options['forceAlgorithm'] === true,
    retireNow: options['retireNow'] === true,
    ifDueMs: read.parsed(read.text('ifDue'), parseDuration),
    user: {
      name: read.text('name') ?? 'countersign',
      role: read.matching('role', UPPER, 'a role such as `SIGNER`') ?? 'SIGNER',
      org: read.text('org') ?? 'countersign',
      firstUser: options['firstUser'] === true,
      ...(setupType === undefined ? {} : { setupType }),
    },
  }
  problems.push(...contradictions(config))
  if (problems.length === 0) return Object.freeze(config)
  throw new BootstrapError('ERR_CONFIG', countOf(problems), {
    details: problems,
    hint: `see \`countersign-bootstrap ${command} --help\``,
  })
}

function countOf({ length }: readonly string[]): string {
  return length === 1
    ? 'the configuration has a problem'
    : `the configuration has ${length} problems`
}

function contradictions(config: Config): string[] {
  const { user, watchMs, resubmit, abandon, answer, renewCertificate } = config
  const problems: string[] = []
  if (answer.oneKey === true && answer.algorithm === 'ES256') {
    problems.push('`--one-key` is an RSA key: `--algorithm ES256` needs a key of its own')
  }
  if (renewCertificate && Object.keys(answer).length > 0) {
    problems.push('`--renew-certificate` keeps the keys: `--algorithm` and `--one-key` do not fit')
  }
  if (user.name.length > MAX_NAME_LENGTH || !/^[\p{L}\p{N}]/u.test(user.name)) {
    problems.push(
      `\`--name\`: 1 to ${MAX_NAME_LENGTH} characters are required, the first a letter or digit`,
    )
  }
  if (/\p{C}/u.test(user.name + user.org)) problems.push('`--name`, `--org`: control characters')
  if (watchMs !== undefined && watchMs < 1000) problems.push('`--watch`: at least 1s is required')
  if (resubmit && abandon) problems.push('`--resubmit` and `--abandon` exclude each other')
  return problems
}

function readerOf(options: Invocation['options'], env: Environment, problems: string[]) {
  const text = (option: string, variable?: string): string | undefined => {
    const flag = options[option]
    const value = typeof flag === 'string' ? flag : variable && env[variable]
    return value === undefined || value === '' ? undefined : value
  }
  const complain = (option: string, problem: string) => {
    problems.push(`\`${flagOf(option)}\`: ${problem}`)
  }
  return {
    text,
    required: (option: string, variable: string): string => {
      const value = text(option, variable)
      if (value === undefined) complain(option, `missing; give it or set \`${variable}\``)
      return value ?? ''
    },
    matching: (option: string, pattern: RegExp, form: string): string | undefined => {
      const value = text(option)
      if (value === undefined || pattern.test(value)) return value
      complain(option, `\`${value}\` is not ${form}`)
      return undefined
    },
    oneOf: <T extends string>(option: string, choices: readonly T[]): T | undefined => {
      const value = text(option)
      const choice = choices.find((item) => item === value)
      if (value !== undefined && choice === undefined) {
        complain(option, `\`${value}\` is none of ${choices.join(', ')}`)
      }
      return choice
    },
    parsed: <T>(
      value: string | undefined,
      parse: (value: string) => { readonly value: T } | { readonly problem: string },
    ): T | undefined => {
      if (value === undefined || value === '') return undefined
      const result = parse(value)
      if ('value' in result) return result.value
      problems.push(result.problem)
      return undefined
    },
  }
}

/** The words between commas; undefined for none. */
function wordsOf(text: string | undefined): readonly string[] | undefined {
  return text?.split(',').filter((word) => word !== '')
}

/** `secretKeyPath` → `--secret-key-path`. */
function flagOf(option: string): string {
  return `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** A value, or what is wrong with its text. */
export type Read<T> = { readonly value: T } | { readonly problem: string }

/** A duration, or `0`, of at most 365 days. */
export function parseDuration(text: string): Read<number> {
  const value = text === '0' ? 0 : durationMs(text)
  return value <= 365 * 86_400_000
    ? { value }
    : { problem: `\`${text}\` is not a duration such as 90s, 15m, 2h or 7d, at most 365d` }
}

/** The vendor's environments by short name. */
export const BASE_PATHS: Readonly<Record<string, string>> = {
  sandbox: 'https://sandbox-api.fireblocks.io/v1',
  us: 'https://api.fireblocks.io/v1',
  eu: 'https://eu-api.fireblocks.io/v1',
  eu2: 'https://eu2-api.fireblocks.io/v1',
}

/** A base path with `/v1`, or a short name. Plain HTTP leads nowhere but to this machine. */
export function parseBasePath(text: string): Read<string> {
  const known = BASE_PATHS[text]
  if (known !== undefined) return { value: known }
  if (!URL.canParse(text)) {
    return { problem: `base path \`${text}\` is neither a URL nor sandbox, us, eu or eu2` }
  }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return { problem: 'the base path may not have a user, a query or a fragment' }
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return {
      problem: `base path \`${text}\`: https is required, plain http is for this machine only`,
    }
  }
  const path = url.pathname.replace(/\/+$/, '')
  if (!path.endsWith('/v1')) return { problem: `base path \`${text}\` does not end in \`/v1\`` }
  return { value: url.origin + path }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** `host` or `host:port`; an IPv6 address in brackets. */
export function parseAddress(
  text: string,
): Read<{ readonly host: string; readonly port?: number }> {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port ?? '1') > 65_535 || Number(port ?? '1') < 1) {
    return { problem: `\`--probe-via\`: \`${text}\` is not host or host:port` }
  }
  return { value: port === undefined ? { host } : { host, port: Number(port) } }
}
