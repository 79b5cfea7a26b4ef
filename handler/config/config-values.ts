/** Forms that settings are written in: each parser takes text and returns a value or throws a `SettingProblem`. */
import { isIP } from 'node:net'
import { durationMs } from '../../common/duration.ts'

/** Why a setting cannot be used; the message names no setting, `parseConfig` puts the name in front. */
export class SettingProblem extends Error {}

/** Where a listener binds. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** A range of peer addresses. */
export interface Cidr {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** One base URL the co-signer is given, in canonical form. */
export interface PublicUrl {
  /** As configured: scheme, host, port and path, without a final slash. */
  readonly url: string
  /** Lower-case host name or address, without brackets. */
  readonly hostname: string
  readonly port: number
  /** `''`, or a path that starts with a slash. */
  readonly path: string
}

/** Where people open the page. */
export interface ConsoleUrl {
  /** As configured, and as browsers name it. */
  readonly origin: string
  /** As browsers send it in `Host`. */
  readonly host: string
  /** The name that passkeys belong to. */
  readonly hostname: string
  readonly isSecure: boolean
}

const BASE_PATH = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$/

/** One value of a closed set. */
export function oneOf<const T extends string>(...values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((candidate) => candidate === text)
    if (value !== undefined) return value
    throw new SettingProblem(`\`${text}\` is not one of ${values.map(quoted).join(', ')}`)
  }
}

/** A decimal integer within bounds, both inclusive. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^(?:0|[1-9]\d{0,11})$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new SettingProblem(`\`${text}\` is not an integer from ${min} to ${max}`)
  }
}

/** A duration such as `90m`, in milliseconds. */
export function duration(text: string): number {
  const ms = durationMs(text)
  if (!Number.isNaN(ms)) return ms
  throw new SettingProblem(
    `\`${text}\` is not a duration such as \`30s\`, \`15m\`, \`24h\` or \`7d\``,
  )
}

/** A path of the file system, as given. */
export function path(text: string): string {
  if (text.includes('\0')) throw new SettingProblem('a path cannot hold a NUL character')
  return text
}

/** `file`, or a URI that names a keystore by its scheme. */
export function signer(text: string): string {
  if (text === 'file' || /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/.test(text)) return text
  throw new SettingProblem('is neither `file` nor the URI of a keystore')
}

/** The path of the SQLite database; a database URL is refused rather than taken for a file name. */
export function storePath(text: string): string {
  if (/^postgres(?:ql)?:\/\//.test(text)) {
    throw new SettingProblem('PostgreSQL is not supported in this version, give a file path')
  }
  if (text.includes('://')) throw new SettingProblem('expected a file path, not a URL')
  return path(text)
}

/** Comma-separated values, at least one; blanks around the commas are allowed. */
export function listOf<T>(parse: (text: string) => T, max: number): (text: string) => readonly T[] {
  return (text) => {
    const parts = text.split(',').map((part) => part.trim())
    if (parts.length > max) throw new SettingProblem(`more than ${max} values`)
    if (parts.includes('')) throw new SettingProblem('an empty value in the list')
    return parts.map(parse)
  }
}

/** `host:port`, with an IPv6 host in brackets. */
export function listenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text)
  const [, v6, name, digits] = match ?? []
  const host = v6 ?? name
  const port = Number(digits)
  if (host === undefined || (v6 !== undefined && isIP(v6) !== 6) || port < 1 || port > 65535) {
    throw new SettingProblem(`\`${text}\` is not \`host:port\``)
  }
  return { host, port }
}

/** `host:port`, as `listenAddress` reads it. */
export function formatAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** `address/prefix`, or one address. */
export function cidr(text: string): Cidr {
  const [address = '', prefixText, ...more] = text.split('/')
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  const prefix = prefixText === undefined ? bits : Number(prefixText)
  const wellFormed = prefixText === undefined || /^(?:0|[1-9]\d{0,2})$/.test(prefixText)
  if (version === 0 || more.length > 0 || !wellFormed || prefix > bits) {
    throw new SettingProblem(`\`${text}\` is not an address range such as \`10.0.0.0/8\``)
  }
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/**
 * A base URL for the co-signer, which appends `/g<n>/v2/…` or `/g<n>/…` to it by plain concatenation; hence only the
 * canonical form is taken, without slash, query or `/v2` at its end.
 */
export function publicUrl(text: string): PublicUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new SettingProblem(`\`${text}\` is not a URL`)
  if (url.protocol !== 'https:') throw new SettingProblem(`\`${text}\` is not an https URL`)
  if (url.username !== '' || url.password !== '') {
    throw new SettingProblem('a public URL carries no user name or password')
  }
  if (text.includes('?') || text.includes('#')) {
    throw new SettingProblem(`\`${text}\` has a query or a fragment`)
  }
  if (text.endsWith('/')) throw new SettingProblem(`\`${text}\` ends in a slash`)
  const basePath = url.pathname === '/' ? '' : url.pathname
  if (basePath.endsWith('/v2')) {
    throw new SettingProblem(`\`${text}\` ends in \`/v2\`, which the co-signer appends itself`)
  }
  if (!BASE_PATH.test(basePath)) {
    throw new SettingProblem(
      `the path of \`${text}\` has other characters than A-Z a-z 0-9 . _ ~ -`,
    )
  }
  const canonical = `${url.origin}${basePath}`
  if (canonical !== text) throw new SettingProblem(`\`${text}\` must be written \`${canonical}\``)
  return {
    url: canonical,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 443 : Number(url.port),
    path: basePath,
  }
}

/** An origin at which browsers know passkeys: a name with TLS, or `localhost`; written as they write it. */
export function consoleUrl(text: string): ConsoleUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new SettingProblem(`\`${text}\` is not a URL`)
  const { protocol, hostname, host, origin } = url
  if (protocol !== 'https:' && !(protocol === 'http:' && hostname === 'localhost')) {
    throw new SettingProblem(
      `\`${text}\` is neither an https URL nor \`http://localhost:<port>\`; browsers have passkeys at no other`,
    )
  }
  if (hostname.startsWith('[') || isIP(hostname) !== 0) {
    throw new SettingProblem(`\`${text}\` names an address; browsers have passkeys for names only`)
  }
  if (origin !== text) throw new SettingProblem(`\`${text}\` must be written \`${origin}\``)
  return { origin, host, hostname, isSecure: protocol === 'https:' }
}

/** The candidate that differs least from `text`, or undefined when none is near. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(text, candidate) }))
    .toSorted((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= 4 ? best.candidate : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, ca] of Array.from(a).entries()) {
    const next = [i + 1]
    for (const [j, cb] of Array.from(b).entries()) {
      const insertion = (next[j] ?? 0) + 1
      const deletion = (row[j + 1] ?? 0) + 1
      next.push(Math.min(insertion, deletion, (row[j] ?? 0) + (ca === cb ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

function quoted(text: string): string {
  return `\`${text}\``
}
