/** Proxies of the environment, for the custody API only: which one a URL goes through, and the tunnel. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'

/** Environment by name. */
type Environment = Readonly<Record<string, string | undefined>>

/** Milliseconds for the answer of a proxy. */
const PROXY_MS = 10_000

/** What is wrong with the proxy variables; undefined when nothing is. The value, which may hold a password, is not shown. */
export function proxyProblem(env: Environment): string | undefined {
  const text = proxyText(env)
  if (text === '') return undefined
  const isUrl = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
  return isUrl ? undefined : '`HTTPS_PROXY` is not an http or https URL'
}

/** The proxy for a URL of the API: `HTTPS_PROXY` unless `NO_PROXY` names the host. Plain HTTP has none. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const text = proxyText(env)
  if (text === '' || url.protocol !== 'https:') return undefined
  return isExempt(url, env['NO_PROXY'] ?? env['no_proxy'] ?? '') ? undefined : new URL(text)
}

function proxyText(env: Environment): string {
  return env['HTTPS_PROXY'] ?? env['https_proxy'] ?? ''
}

/** `*`, or a list of hosts, with or without a port; `example.com` and `.example.com` cover what is below. */
function isExempt({ hostname, port }: URL, list: string): boolean {
  const host = hostname.toLowerCase()
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '*') return true
      const [, name = '', itsPort = ''] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry) ?? []
      if (name === '' || (itsPort !== '' && itsPort !== (port || '443'))) return false
      return host === name || host.endsWith(`.${name}`)
    })
}

/**
 * A connection through the proxy to the host of `target`, on which TLS can begin.
 *
 * @throws Error naming the proxy's host and its status, never its user and password
 */
export function openTunnel(proxy: URL, target: URL): Promise<Socket> {
  const { hostname, port, username, password } = proxy
  const secure = proxy.protocol === 'https:'
  const authority = `${target.hostname}:${target.port || '443'}`
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const authorization =
    username === ''
      ? {}
      : { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port || (secure ? 443 : 80),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...authorization },
      agent: false,
      timeout: PROXY_MS,
    })
    const refuse = (why: string) => reject(new Error(`proxy ${proxy.host}: ${why}`))
    request.on('timeout', () => request.destroy(new Error(`no answer within ${PROXY_MS / 1000} s`)))
    request.on('error', (error) => refuse(error.message))
    request.on('response', (response) => {
      response.destroy()
      refuse(`HTTP ${response.statusCode}`)
    })
    request.on('connect', (response, socket) => {
      socket.setTimeout(0)
      if (response.statusCode === 200) return resolve(socket)
      socket.destroy()
      return refuse(`HTTP ${response.statusCode} to CONNECT`)
    })
    request.end()
  })
}
