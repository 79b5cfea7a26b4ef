/** The probe against real TLS: what a co-signer would see, good and bad. */
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { CompactSign } from 'jose'
import { look, probeGeneration } from '../../bootstrap/probe.ts'
import { selfSignedCertificate } from '../../certs/generate.ts'
import { certificateFacts, kidOf, pinOf } from '../../certs/inspect.ts'
import type { AuthMode, GenerationInfo } from '../../common/admin-api.ts'
import { testEcKey, testKey } from '../fixtures/keys.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function port(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function certificate(name: string): Promise<{ key: string; cert: string }> {
  const { privateKeyPem } = await testKey(name)
  const cert = selfSignedCertificate({
    privateKeyPem,
    names: ['handler.test', '127.0.0.1'],
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
  })
  return { key: privateKeyPem, cert }
}

async function generation(
  url: string,
  change: Partial<GenerationInfo> = {},
): Promise<GenerationInfo> {
  const { publicKeyPem, publicKey } = await testKey('served')
  const { cert } = await certificate('served')
  return {
    generation: 1,
    state: 'staged',
    slot: 'A',
    url,
    publicKeyPem,
    certificatePem: cert,
    kid: kidOf(publicKey),
    algorithm: 'RS256',
    oneKey: true,
    signer: 'file',
    fingerprint: certificateFacts(cert).fingerprint,
    pin: pinOf(publicKey),
    notBefore: '',
    notAfter: '',
    createdAt: '',
    hits: { total: 0, lastAt: null, bySigner: {} },
    ...change,
  }
}

const signer = (
  change: { name?: string; nonce?: string; generation?: number; typ?: string } = {},
) => ({
  selfTest: async (number: number, { nonce }: { nonce: string }) => {
    const { privateKey } = await testKey(change.name ?? 'served')
    const claims = { nonce: change.nonce ?? nonce, generation: change.generation ?? number }
    const token = await new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'RS256', typ: change.typ ?? 'countersign-self-test' })
      .sign(privateKey)
    return { token }
  },
})

const refuse: RequestListener = (_request, response) => response.writeHead(401).end()

async function probe(
  options: {
    auth?: AuthMode
    certificate?: string
    listener?: RequestListener
    self?: ReturnType<typeof signer>
    gap?: boolean
    plain?: boolean
    path?: string
    info?: Partial<GenerationInfo>
  } = {},
) {
  const listener = options.listener ?? refuse
  const server =
    options.plain === true
      ? createPlainServer(listener)
      : createServer(await certificate(options.certificate ?? 'served'), listener)
  const at = await port(server)
  const scheme = options.plain === true ? 'http' : 'https'
  return probeGeneration(
    await generation(`${scheme}://127.0.0.1:${at}${options.path ?? ''}/g1`, options.info),
    { auth: options.auth ?? 'hybrid', slots: [] },
    options.gap ?? false,
    { look, handler: options.self ?? signer() },
  )
}

describe('a probe', () => {
  it('is content with the pin, a 401 and a signature', async () => {
    const paths: (string | undefined)[] = []
    const report = await probe({
      path: '/base',
      listener: (request, response) => {
        paths.push(`${request.method} ${request.url}`)
        refuse(request, response)
      },
    })
    expect(report).toEqual({ problems: [], warnings: [] })
    expect(paths).toEqual(['POST /base/g1/v2/tx_sign_request'])
  })

  it('finds another certificate, unless a gap is accepted', async () => {
    const { problems } = await probe({ certificate: 'other' })
    expect(problems).toEqual([expect.stringContaining('shows the pin')])
    expect(await probe({ certificate: 'other', gap: true })).toMatchObject({ problems: [] })
  })

  it('finds an endpoint that answers an unsigned request', async () => {
    const { problems } = await probe({ listener: (_request, response) => response.end('ok') })
    expect(problems).toEqual([expect.stringContaining('answers 200')])
  })

  it('finds a connection that is cut', async () => {
    const { problems } = await probe({ listener: (request) => request.socket.destroy() })
    expect(problems).toEqual([expect.stringContaining('answers nothing')])
  })

  it('finds nobody', async () => {
    const { problems } = await probeGeneration(
      await generation('https://127.0.0.1:1/g1'),
      { auth: 'hybrid', slots: [] },
      false,
      { look, handler: signer() },
    )
    expect(problems).toEqual([expect.stringContaining('cannot be reached')])
  })

  it.each([
    ['another key', { name: 'other' }],
    ['another nonce', { nonce: 'x' }],
    ['another generation', { generation: 2 }],
    ['another type', { typ: 'JWT' }],
  ])('finds a self-test signed with %s', async (_name, change) => {
    const { problems } = await probe({ self: signer(change) })
    expect(problems).toEqual([expect.stringContaining('self-test failed')])
  })

  it('verifies the self-test by the key that will be paired, whatever algorithm its token names', async () => {
    const { publicKeyPem, publicKey, privateKey } = await testEcKey()
    const info = { publicKeyPem, kid: kidOf(publicKey) }
    const self = (alg: string, key: typeof privateKey) => ({
      selfTest: async (number: number, { nonce }: { nonce: string }) => ({
        token: await new CompactSign(Buffer.from(JSON.stringify({ nonce, generation: number })))
          .setProtectedHeader({ alg, typ: 'countersign-self-test' })
          .sign(key),
      }),
    })
    expect(await probe({ info, self: self('ES256', privateKey) })).toEqual({
      problems: [],
      warnings: [],
    })
    const rsa = (await testKey('served')).privateKey
    const { problems } = await probe({ info, self: self('RS256', rsa) })
    expect(problems).toEqual([expect.stringContaining('self-test failed')])
  })

  it('finds fingerprints that are not those of what would be sent', async () => {
    const { publicKeyPem } = await testKey('other')
    expect(
      (await probe({ info: { publicKeyPem }, self: signer({ name: 'other' }) })).problems,
    ).toEqual(['the handler names a fingerprint that is not that of the answer key'])
    const { cert } = await certificate('other')
    expect((await probe({ info: { certificatePem: cert } })).problems).toEqual([
      'the handler names a fingerprint that is not that of the certificate',
    ])
  })

  it('in public-key mode does not compare the pin, but says that nobody trusts it', async () => {
    const report = await probe({ auth: 'public-key', certificate: 'other' })
    expect(report.problems).toEqual([])
    expect(report.warnings).toEqual([expect.stringContaining('CA-trusted')])
    const plain = await probe({ auth: 'public-key', plain: true })
    expect(plain.warnings).toEqual([expect.stringContaining('plain HTTP')])
  })

  it('in certificate mode asks the path without /v2, where only 404 and 410 are wrong', async () => {
    const paths: (string | undefined)[] = []
    const listener: RequestListener = (request, response) => {
      paths.push(request.url)
      response.writeHead(400).end()
    }
    expect(await probe({ auth: 'certificate', listener })).toMatchObject({ problems: [] })
    expect(paths).toEqual(['/g1/tx_sign_request'])
    const gone: RequestListener = (_request, response) => response.writeHead(410).end()
    const { problems } = await probe({ auth: 'certificate', listener: gone })
    expect(problems).toEqual([expect.stringContaining('answers 410')])
  })

  it('wants HTTPS for a pin', async () => {
    const { problems } = await probe({ plain: true })
    expect(problems).toEqual(['a pinned certificate needs HTTPS'])
  })

  it('can go through another address in the name of the public one', async () => {
    const names: (string | undefined)[] = []
    const server = createServer(await certificate('served'), (request, response) => {
      names.push(request.headers.host)
      refuse(request, response)
    })
    const at = await port(server)
    const slots = [{ slot: 'A', publicUrl: '', listen: `0.0.0.0:${at}` }]
    const info = await generation('https://handler.test:8443/g1')
    const deps = { look, handler: signer(), via: { host: '127.0.0.1' } }
    const report = await probeGeneration(info, { auth: 'hybrid', slots }, false, deps)
    expect(report).toEqual({ problems: [], warnings: [] })
    const fixed = { ...deps, via: { host: '127.0.0.1', port: at } }
    await probeGeneration(info, { auth: 'hybrid', slots: [] }, false, fixed)
    expect(names).toEqual(['handler.test:8443', 'handler.test:8443'])
  })
})
