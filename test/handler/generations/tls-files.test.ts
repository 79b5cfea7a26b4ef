/** Certificates from files: taken over as a pair that fits together, on a handler that keeps serving. */
import { chmod, readFile, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { selfSignedCertificate } from '../../../certs/generate.ts'
import { certificateFacts } from '../../../certs/inspect.ts'
import {
  followFilePair,
  loadFilePair,
  servedFingerprint,
} from '../../../handler/generations/tls-files.ts'
import { freePorts, handlerSetup, startTestHandler, until } from '../../fixtures/handler.ts'
import { pemBlocks } from '../../../common/pem.ts'
import { testKey } from '../../fixtures/keys.ts'
import { temporaryDirectory } from '../../fixtures/temporary-directory.ts'

async function pairIn(directory: string, keyName: string) {
  const { privateKeyPem } = await testKey(keyName)
  const [notBefore, notAfter] = [new Date(Date.now() - 1e6), new Date(Date.now() + 1e9)]
  const names = ['localhost']
  const certificate = selfSignedCertificate({ privateKeyPem, names, notBefore, notAfter })
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  return {
    cert,
    key,
    fingerprint: certificateFacts(certificate).fingerprint,
    writeCert: () => writeFile(cert, certificate),
    writeKey: () => writeFile(key, privateKeyPem, { mode: 0o600 }),
  }
}

async function twoPairs() {
  const directory = await temporaryDirectory()
  const [old, fresh] = [await pairIn(directory, 'default'), await pairIn(directory, 'cosigner')]
  await old.writeCert()
  await old.writeKey()
  return { directory, old, fresh }
}

describe('a pair of files', () => {
  it('is loaded through links, as certificate tools publish it', async () => {
    const { directory, old } = await twoPairs()
    const [cert, key] = [join(directory, 'live.pem'), join(directory, 'live-key.pem')]
    await symlink('cert.pem', cert)
    await symlink('key.pem', key)
    expect((await loadFilePair(cert, key)).fingerprint).toBe(old.fingerprint)
  })

  it('is refused when it does not fit together, is no certificate, or is not private', async () => {
    const { old, fresh } = await twoPairs()
    await fresh.writeKey()
    await expect(loadFilePair(old.cert, old.key)).rejects.toThrow('is not the private key of')
    await writeFile(old.key, 'nix')
    await expect(loadFilePair(old.cert, old.key)).rejects.toThrow('holds no private key')
    await expect(loadFilePair(old.key, old.key)).rejects.toThrow(
      'does not begin with a certificate',
    )
    await chmod(old.key, 0o644)
    await expect(loadFilePair(old.cert, old.key)).rejects.toThrow('can be read by other users')
  })

  // Each was "is not the private key of" or "does not begin with a certificate".
  it('is refused by the name of what it is instead', async () => {
    const { old, fresh } = await twoPairs()
    const own = await readFile(old.cert, 'utf8')
    const key = await readFile(old.key, 'utf8')
    await fresh.writeCert()
    const other = await readFile(fresh.cert, 'utf8')
    const { privateKey } = await testKey('default')
    const pkcs1 = { type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' } as const
    const pkcs8 = { ...pkcs1, type: 'pkcs8' } as const
    const cases: [string | Buffer, string | Buffer, string][] = [
      [other + own, key, 'is out of order: certificate 2 is that of the key'],
      [Buffer.from(own, 'utf16le'), key, 'it is UTF-16'],
      [pemBlocks(own)[0]?.der ?? '', key, 'it is DER, not PEM'],
      [own.replaceAll('\n', String.raw`\n`), key, String.raw`it has a literal \n`],
      [key, key, 'found a private key'],
      [own, privateKey.export(pkcs8), 'is encrypted'],
      [own, privateKey.export(pkcs1), 'is encrypted'],
      [own, own, 'found a certificate'],
      [own, Buffer.from(key, 'utf16le'), 'it is UTF-16'],
      [own, key.replaceAll('\n', String.raw`\n`), String.raw`it has a literal \n`],
      [own, '', 'it is empty'],
    ]
    for (const [certificate, privatePart, message] of cases) {
      await writeFile(old.cert, certificate)
      await writeFile(old.key, privatePart)
      await expect(loadFilePair(old.cert, old.key)).rejects.toThrow(message)
    }
    await writeFile(old.cert, own + other)
    await writeFile(old.key, key)
    expect((await loadFilePair(old.cert, old.key)).fingerprint).toBe(old.fingerprint)
  })

  it('changes as a whole: the old one stays until the new one is complete', async () => {
    const { old, fresh } = await twoPairs()
    const files = followFilePair(old.cert, old.key, await loadFilePair(old.cert, old.key))
    expect(await files.poll()).toBeUndefined()
    await fresh.writeCert()
    expect(await files.poll()).toMatchObject({ kind: 'kept' })
    expect(await files.poll()).toBeUndefined()
    expect(files.current().fingerprint).toBe(old.fingerprint)
    await unlink(old.key)
    expect(await files.poll()).toMatchObject({ kind: 'kept' })
    await fresh.writeKey()
    expect(await files.poll()).toMatchObject({ kind: 'swapped', keyChanged: true })
    expect(files.current().fingerprint).toBe(fresh.fingerprint)
  })
})

it('a handler presents the new pair without a restart, and tells what its generations present', async () => {
  const { old, fresh } = await twoPairs()
  const env = {
    HANDLER_TLS: 'files',
    HANDLER_TLS_CERT_FILE: old.cert,
    HANDLER_TLS_KEY_FILE: old.key,
  }
  const handler = await startTestHandler({ env, looksOften: true })
  const [port = 0] = handler.ports
  const served = () => servedFingerprint('127.0.0.1', port, 'localhost')
  expect(await served()).toBe(old.fingerprint)
  await fresh.writeCert()
  await fresh.writeKey()
  const tookOver = () => handler.logs.find(({ msg }) => msg === 'certificate taken over')
  await until(() => tookOver() !== undefined)
  expect(tookOver()).toMatchObject({ fingerprint: fresh.fingerprint, served: true })
  expect(handler.logs.at(-1)?.['msg']).toContain('a co-signer that pins it refuses it')
  expect(await served()).toBe(fresh.fingerprint)
  const { json } = await handler.admin('GET', '/v1/status')
  expect(json).toMatchObject({ tls: 'files', generations: [{ fingerprint: fresh.fingerprint }] })
})

it('nothing is served where nobody listens', async () => {
  const [port = 0] = await freePorts(1)
  expect(await servedFingerprint('127.0.0.1', port, 'localhost')).toBeUndefined()
})

it('a handler behind a proxy speaks plain HTTP', async () => {
  const { ports } = await handlerSetup({})
  const [port = 0] = ports
  const handler = await startTestHandler({
    env: {
      HANDLER_TLS: 'off',
      HANDLER_PUBLIC_URL: 'https://cb.example/a',
      HANDLER_LISTEN: `127.0.0.1:${port}`,
    },
  })
  const seen = await handler.post('/a/g1/v2/tx_sign_request', 'x', { port })
  expect(seen.status).toBe(401)
})
