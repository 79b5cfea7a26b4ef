/** The API through a proxy, and only the API; a certificate is verified whatever the environment says. */
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from '@jest/globals'
import { proxyFor, proxyProblem } from '../../../bootstrap/api/proxy.ts'
import { DEFAULT_LIMITS, nodeTransport } from '../../../bootstrap/api/transport.ts'
import { parseConfig } from '../../../bootstrap/config.ts'
import { selfSignedCertificate } from '../../../certs/generate.ts'
import { listen } from '../../../common/http.ts'
import { testKey } from '../../fixtures/keys.ts'

const API = new URL('https://api.fireblocks.io/v1/x')
const closers: (() => void)[] = []

afterEach(() => closers.splice(0).forEach((close) => close()))

describe('a URL of the API', () => {
  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: '' }, undefined],
    [{ HTTPS_PROXY: 'http://proxy.test:3128' }, 'proxy.test:3128'],
    [{ https_proxy: 'http://proxy.test:3128' }, 'proxy.test:3128'],
    [{ HTTP_PROXY: 'http://proxy.test:3128' }, undefined],
    [{ HTTPS_PROXY: 'http://p.test', NO_PROXY: 'api.fireblocks.io' }, undefined],
    [{ HTTPS_PROXY: 'http://p.test', NO_PROXY: 'a.test, .fireblocks.io' }, undefined],
    [{ HTTPS_PROXY: 'http://p.test', NO_PROXY: '*.fireblocks.io' }, undefined],
    [{ HTTPS_PROXY: 'http://p.test', no_proxy: '*' }, undefined],
    [{ HTTPS_PROXY: 'http://p.test', NO_PROXY: 'api.fireblocks.io:443' }, undefined],
    [{ HTTPS_PROXY: 'http://p.test', NO_PROXY: 'api.fireblocks.io:8443' }, 'p.test'],
    [{ HTTPS_PROXY: 'http://p.test', NO_PROXY: 'blocks.io' }, 'p.test'],
  ])('goes with %j through %s', (env, expected) => {
    expect(proxyFor(API, env)?.host).toBe(expected)
  })

  it('never goes through one when it leads to this machine in plain HTTP', () => {
    const url = new URL('http://127.0.0.1:9070/v1')
    expect(proxyFor(url, { HTTPS_PROXY: 'http://p.test' })).toBeUndefined()
  })

  it('is not called at all when the proxy is no URL, which is not shown', () => {
    const problem = proxyProblem({ HTTPS_PROXY: 'user:secret@p.test' }) ?? ''
    expect(problem).toContain('`HTTPS_PROXY` is not an http or https URL')
    expect(problem).not.toContain('secret')
  })
})

/** A self-signed API, and a proxy that leads every name to it; `seen` is what the proxy was asked. */
async function start() {
  const { privateKeyPem } = await testKey('api tls')
  const certificate = selfSignedCertificate({
    privateKeyPem,
    names: ['api.test'],
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
  })
  const api = createTlsServer({ key: privateKeyPem, cert: certificate }, (request, response) => {
    response.end(`${request.method} ${request.url}`)
  })
  await listen(api, { host: '127.0.0.1', port: 0 })
  const { port } = api.address() as AddressInfo
  const seen: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request: IncomingMessage, socket: Duplex) => {
    const { 'proxy-authorization': authorization } = request.headers
    seen.push(`${request.url} ${authorization}`)
    if (request.url?.startsWith('forbidden') === true) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const through = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      through.pipe(socket).pipe(through)
    })
    for (const each of [through, socket]) each.on('error', () => through.destroy())
  })
  await listen(proxy, { host: '127.0.0.1', port: 0 })
  closers.push(
    () => api.close().closeAllConnections(),
    () => proxy.close().closeAllConnections(),
  )
  const url = new URL(`http://me:pass%40word@127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  return { seen, transport: nodeTransport(DEFAULT_LIMITS, () => url) }
}

describe('a tunnel', () => {
  it('is asked for by name, with the credentials of the URL, and TLS is verified inside of it', async () => {
    const { seen, transport } = await start()
    const call = { method: 'GET', url: new URL('https://api.test/v1/x'), headers: {} } as const
    await expect(transport(call)).rejects.toMatchObject({ sent: false })
    await expect(transport(call)).rejects.toThrow(/self-signed certificate/)
    const credentials = Buffer.from('me:pass@word').toString('base64')
    expect(seen[0]).toBe(`api.test:443 Basic ${credentials}`)
  })

  it('that is refused means that nothing was sent, and names the proxy without its password', async () => {
    const { transport } = await start()
    const call = { method: 'PUT', url: new URL('https://forbidden.test/'), headers: {} } as const
    const error: unknown = await transport(call).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ sent: false, message: expect.stringContaining('HTTP 403') })
    expect(String(error)).not.toContain('word')
  })
})

// It switched the verification of the API off: a self-signed one was believed.
it('NODE_TLS_REJECT_UNAUTHORIZED=0 is refused', () => {
  const env = {
    FIREBLOCKS_API_KEY: 'k',
    FIREBLOCKS_SECRET_KEY_PATH: '/k',
    FIREBLOCKS_BASE_PATH: 'us',
  }
  const parse = (more: object) => parseConfig({ command: 'pair', options: {} }, { ...env, ...more })
  expect(() => parse({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toThrow(
    expect.objectContaining({ details: [expect.stringContaining('NODE_EXTRA_CA_CERTS')] }),
  )
  expect(() => parse({})).not.toThrow()
})
