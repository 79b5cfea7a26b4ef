/** The listeners on real TLS: who gets in, what is presented, and how the slow and the silent are cut off. */
import { createServer as createPlainServer } from 'node:http'
import { createServer } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { afterEach, describe, expect, it } from '@jest/globals'
import { selfSignedCertificate } from '../../../certs/generate.ts'
import { certificateFacts } from '../../../certs/inspect.ts'
import { parseConfig } from '../../../handler/config/config.ts'
import type { App } from '../../../handler/edge/app.ts'
import type { TlsPair } from '../../../certs/store.ts'
import { openListeners } from '../../../handler/edge/listeners.ts'
import type { Listeners, ListenersOptions } from '../../../handler/edge/listeners.ts'
import { freePorts } from '../../fixtures/handler.ts'
import { testKey } from '../../fixtures/keys.ts'
import { IncomingMessage, ServerResponse } from 'node:http'

const opened: Listeners[] = []

afterEach(async () => {
  for (const listeners of opened.splice(0)) {
    const closed = listeners.close()
    listeners.cut()
    await closed
  }
})

const APP: App = {
  classes: { IncomingMessage, ServerResponse },
  listener: (request, response) => {
    request.resume().on('end', () => response.end(`port ${request.socket.localPort}`))
  },
}

async function pairFor(keyName: string, ...names: string[]): Promise<TlsPair> {
  const { privateKeyPem } = await testKey(keyName)
  const [notBefore, notAfter] = [new Date(Date.now() - 1e6), new Date(Date.now() + 1e9)]
  const cert = selfSignedCertificate({ privateKeyPem, names, notBefore, notAfter })
  return { cert, key: privateKeyPem }
}

async function listening(
  urls: string,
  listen: string,
  options: Partial<ListenersOptions>,
): Promise<Listeners> {
  const env = { HANDLER_COSIGNER_KEYS: 'x', HANDLER_PUBLIC_URL: urls, HANDLER_LISTEN: listen }
  const parsed = parseConfig(env)
  if (!parsed.ok) throw new Error(parsed.problems.join())
  const listeners = await openListeners({
    app: APP,
    slots: parsed.config.slots,
    tls: true,
    presented: () => undefined,
    allowedCidrs: undefined,
    dropped: () => undefined,
    ...options,
  })
  opened.push(listeners)
  return listeners
}

interface Handshake {
  readonly fingerprint: string
  readonly protocol: string | null
  readonly cipher: string
  readonly alpn: string | false | null
  readonly session: Buffer | undefined
  readonly reused: boolean
}

function handshake(port: number, options: ConnectionOptions = {}): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    let session: Buffer | undefined
    const socket = tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
    socket.on('session', (ticket: Buffer) => {
      session = ticket
    })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      const { raw } = socket.getPeerCertificate()
      const reused = socket.isSessionReused()
      const [protocol, alpn] = [socket.getProtocol(), socket.alpnProtocol]
      const cipher = socket.getCipher().name
      const pem = `-----BEGIN CERTIFICATE-----\n${raw?.toString('base64') ?? ''}\n-----END CERTIFICATE-----`
      const fingerprint = raw === undefined ? '' : certificateFacts(pem).fingerprint
      // Tickets of TLS 1.3 come after the handshake, with the first bytes.
      socket.end('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
      socket.resume().on('close', () => {
        resolve({ fingerprint, protocol, cipher, alpn, session, reused })
      })
    })
  })
}

function fingerprintOf({ cert }: TlsPair): string {
  return certificateFacts(cert).fingerprint
}

describe('certificates', () => {
  it('are presented by slot: by port, or by server name at one address', async () => {
    const [a, b] = await Promise.all([pairFor('default', 'a'), pairFor('cosigner', 'b')])
    const presented = (slot: string) => (slot === 'A' ? a : b)
    const [p = 0, q = 0, r = 0] = await freePorts(3)
    await listening(
      `https://a.example:${p},https://b.example:${q}`,
      `127.0.0.1:${p},127.0.0.1:${q}`,
      {
        presented,
      },
    )
    await listening(
      `https://a.example:${r},https://b.example:${r}`,
      `127.0.0.1:${r},127.0.0.1:${r}`,
      {
        presented,
      },
    )
    expect((await handshake(p)).fingerprint).toBe(fingerprintOf(a))
    expect((await handshake(q)).fingerprint).toBe(fingerprintOf(b))
    expect((await handshake(r, { servername: 'B.example' })).fingerprint).toBe(fingerprintOf(b))
    expect((await handshake(r, { servername: 'a.example' })).fingerprint).toBe(fingerprintOf(a))
    expect((await handshake(r, { servername: 'c.example' })).fingerprint).toBe(fingerprintOf(a))
    expect((await handshake(r)).fingerprint).toBe(fingerprintOf(a))
  })

  it('change with the next handshake, and end all sessions that saw another', async () => {
    const [before, after] = [await pairFor('default', 'a'), await pairFor('cosigner', 'a')]
    let pair = before
    const [port = 0] = await freePorts(1)
    const listeners = await listening(`https://a.example:${port}`, `127.0.0.1:${port}`, {
      presented: () => pair,
    })
    const first = await handshake(port, { servername: 'a.example' })
    const session = first.session
    if (session === undefined) throw new Error('no session ticket came')
    const again = await handshake(port, { servername: 'a.example', session })
    expect([first.fingerprint, again.reused]).toEqual([fingerprintOf(before), true])
    pair = after
    listeners.refresh()
    const swapped = await handshake(port, { servername: 'a.example', session })
    expect([swapped.reused, swapped.fingerprint]).toEqual([false, fingerprintOf(after)])
    expect((await handshake(port)).fingerprint).toBe(fingerprintOf(after))
  })

  it('stay as they are when a new pair does not load', async () => {
    const good = await pairFor('default', 'a')
    let pair = good
    const [port = 0] = await freePorts(1)
    const listeners = await listening(`https://a.example:${port}`, `127.0.0.1:${port}`, {
      presented: () => pair,
    })
    pair = { cert: good.cert, key: (await testKey('cosigner')).privateKeyPem }
    expect(() => listeners.refresh()).toThrow()
    expect((await handshake(port)).fingerprint).toBe(fingerprintOf(good))
  })

  it('that do not exist yet make the handshake fail', async () => {
    const [port = 0] = await freePorts(1)
    await listening(`https://a.example:${port}`, `127.0.0.1:${port}`, {})
    await expect(handshake(port)).rejects.toMatchObject({ code: expect.any(String) as unknown })
  })
})

describe('TLS', () => {
  it('is 1.2 or 1.3 with forward secrecy and authenticated encryption, and never HTTP/2', async () => {
    const pair = await pairFor('default', 'a')
    const [port = 0] = await freePorts(1)
    await listening(`https://a.example:${port}`, `127.0.0.1:${port}`, { presented: () => pair })
    const newest = await handshake(port, { ALPNProtocols: ['h2', 'http/1.1'] })
    expect([newest.protocol, newest.alpn]).toEqual(['TLSv1.3', 'http/1.1'])
    const older = await handshake(port, { maxVersion: 'TLSv1.2' })
    expect([older.protocol, older.cipher]).toEqual(['TLSv1.2', 'ECDHE-RSA-AES128-GCM-SHA256'])
    const refused: ConnectionOptions[] = [
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA' },
      { maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256' },
    ]
    for (const options of refused) await expect(handshake(port, options)).rejects.toThrow()
  })
})

describe('a connection', () => {
  it('from an address that is not allowed is closed before TLS', async () => {
    const pair = await pairFor('default', 'a')
    const [port = 0, other = 0] = await freePorts(2)
    const presented = () => pair
    const range = (address: string) =>
      [{ address, prefix: 32, family: 'ipv4' }] as ListenersOptions['allowedCidrs']
    await listening(`https://a.example:${port}`, `127.0.0.1:${port}`, {
      presented,
      allowedCidrs: range('10.0.0.1'),
    })
    await listening(`https://a.example:${other}`, `[::]:${other}`, {
      presented,
      allowedCidrs: range('127.0.0.1'),
    })
    await expect(handshake(port)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await handshake(other)).protocol).toBe('TLSv1.3')
  })
})

describe('a listener', () => {
  it('that cannot be opened is named, and none is left open', async () => {
    const [port = 0, taken = 0] = await freePorts(2)
    const other = createServer()
    await new Promise<void>((resolve) => {
      other.listen(taken, '127.0.0.1', resolve)
    })
    const urls = `https://a.example:${port},https://a.example:${taken}`
    const where = `127.0.0.1:${port},127.0.0.1:${taken}`
    await expect(listening(urls, where, {})).rejects.toMatchObject({
      message: `cannot listen on \`127.0.0.1:${taken}\` (EADDRINUSE)`,
      hint: 'another process listens there',
    })
    const again = createPlainServer()
    await new Promise<void>((resolve) => {
      again.listen(port, '127.0.0.1', resolve)
    })
    await Promise.all([other, again].map((server) => new Promise((done) => server.close(done))))
  })
})
