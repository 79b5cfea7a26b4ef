/** Readers for the values of options: durations, the API's base path, an address. Each gives a value or a problem. */

export type Read<T> = { readonly value: T } | { readonly problem: string }

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `0`, `500ms`, `90s`, `15m`, `2h`, `7d`, in milliseconds; at most 365 days. */
export function parseDuration(text: string): Read<number> {
  if (text === '0') return { value: 0 }
  const [, digits = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  const value = Number(digits) * (UNIT_MS[unit] ?? Number.NaN)
  return value <= 31_536_000_000
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
    return { problem: 'the base path has a user, a query or a fragment, only a path is wanted' }
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return { problem: `base path \`${text}\`: https is wanted, plain http only to this machine` }
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
