import { execFileSync } from 'node:child_process'
import { createPublicKey, sign, verify, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import forge from 'node-forge'
import {
  certificateSigningRequest,
  encryptPrivateKey,
  PBKDF2_ROUNDS,
  selfSignedCertificate,
} from '../../certs/generate.ts'
import { certificateFacts, pinOf, rsaPrivateKey } from '../../certs/inspect.ts'
import { pemBlocks } from '../../common/pem.ts'
import { testKey } from '../fixtures/keys.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const notBefore = new Date('2026-11-21T00:00:00Z')
const notAfter = new Date('2027-12-23T00:00:00Z')

async function certificate(names: string[] = ['handler.example', '127.0.0.1', '::1']) {
  const { privateKeyPem } = await testKey()
  return selfSignedCertificate({ privateKeyPem, names, notBefore, notAfter })
}

describe('a generated key pair', () => {
  it('is RSA-2048 with exponent 65537, PKCS#8 and SPKI, and its halves belong together', async () => {
    const key = await testKey()
    expect(pemBlocks(key.privateKeyPem).map(({ label }) => label)).toEqual(['PRIVATE KEY'])
    expect(pemBlocks(key.publicKeyPem).map(({ label }) => label)).toEqual(['PUBLIC KEY'])
    expect(key.privateKey.asymmetricKeyDetails).toEqual({
      modulusLength: 2048,
      publicExponent: 65537n,
    })
    const bytes = Buffer.from('x')
    expect(verify('sha256', bytes, key.publicKey, sign('sha256', bytes, key.privateKey))).toBe(true)
  })
})

describe('a self-signed certificate', () => {
  it('is SHA-256, version 3, names every host, and verifies as its own trust anchor', async () => {
    const pem = await certificate()
    const parsed = new X509Certificate(pem)
    expect(parsed.verify(parsed.publicKey)).toBe(true)
    expect(parsed.checkHost('handler.example')).toBe('handler.example')
    expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(parsed.checkIP('::1')).toBe('::1')
    const facts = certificateFacts(pem)
    expect(facts.notBefore).toEqual(notBefore)
    expect(facts.notAfter).toEqual(notAfter)
    expect(facts.pin).toBe(pinOf((await testKey()).publicKey))
    const text = forge.pki.certificateFromPem(pem)
    expect(text.signatureOid).toBe(forge.pki.oids['sha256WithRSAEncryption'])
    expect(text.version).toBe(2)
  })

  it('has a positive serial of 16 octets, and a new one each time', async () => {
    const serials = new Set<string>()
    for (let i = 0; i < 8; i += 1) {
      const serial = new X509Certificate(await certificate(['a.example'])).serialNumber
      expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/)
      serials.add(serial)
    }
    expect(serials.size).toBe(8)
  })

  it('carries neither basic constraints nor key usage, so that strict verifiers take it', async () => {
    const names = forge.pki
      .certificateFromPem(await certificate())
      .extensions.map((extension: { name?: string }) => extension.name)
    expect(names).toEqual([
      'extKeyUsage',
      'subjectAltName',
      'subjectKeyIdentifier',
      'authorityKeyIdentifier',
    ])
  })

  it('writes an expiry after 2049 as GeneralizedTime (RFC 5280 §4.1.2.5)', async () => {
    const { privateKeyPem } = await testKey()
    const late = new Date('2051-01-01T00:00:00Z')
    const pem = selfSignedCertificate({ privateKeyPem, names: ['a'], notBefore, notAfter: late })
    expect(certificateFacts(pem).notAfter).toEqual(late)
  })

  it('is refused without a name and with an empty life', async () => {
    const { privateKeyPem } = await testKey()
    expect(() => selfSignedCertificate({ privateKeyPem, names: [], notBefore, notAfter })).toThrow(
      RangeError,
    )
    expect(() =>
      selfSignedCertificate({ privateKeyPem, names: ['a'], notBefore, notAfter: notBefore }),
    ).toThrow(RangeError)
  })
})

describe('a certificate signing request', () => {
  it('holds the public key and the organization, in UTF-8, and proves possession', async () => {
    const { privateKeyPem, publicKeyPem } = await testKey()
    const pem = certificateSigningRequest(privateKeyPem, 'Müller & Söhne')
    expect(pemBlocks(pem).map(({ label }) => label)).toEqual(['CERTIFICATE REQUEST'])
    const request = forge.pki.certificationRequestFromPem(pem)
    expect(request.verify()).toBe(true)
    expect(request.subject.attributes).toHaveLength(1)
    const der = pemBlocks(pem)[0]?.der ?? Buffer.alloc(0)
    expect(der.includes(Buffer.from('Müller & Söhne', 'utf8'))).toBe(true)
    const [key] = [forge.pki.publicKeyToPem(request.publicKey as forge.pki.rsa.PublicKey)]
    expect(createPublicKey(key).equals(createPublicKey(publicKeyPem))).toBe(true)
  })

  it('is accepted by OpenSSL, where OpenSSL is installed', async () => {
    const directory = await temporaryDirectory()
    const { privateKeyPem } = await testKey()
    const csr = join(directory, 'user.csr')
    const cert = join(directory, 'cert.pem')
    await writeFile(csr, certificateSigningRequest(privateKeyPem, 'Example'))
    await writeFile(cert, await certificate())
    let version: string
    try {
      version = execFileSync('openssl', ['version'], { encoding: 'utf8' })
    } catch {
      return // not installed: the other tests read the same bytes with Node's OpenSSL
    }
    expect(version).toMatch(/SSL/)
    const subject = execFileSync('openssl', ['req', '-in', csr, '-noout', '-subject', '-verify'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(subject).toMatch(/subject=\s?O ?= ?Example/)
    const args = ['verify', '-x509_strict', '-CAfile', cert, '-attime', '1798000000', cert]
    expect(execFileSync('openssl', args, { encoding: 'utf8' })).toContain(': OK')
  })
})

describe('a private key at rest', () => {
  it('is encrypted with a modern key derivation, and comes back with its passphrase only', async () => {
    const { privateKeyPem } = await testKey()
    const encrypted = await encryptPrivateKey(privateKeyPem, 'pass \u00e4 phrase')
    expect(encrypted).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    const open = (passphrase: string) => rsaPrivateKey(encrypted, 2048, passphrase)
    const back = open('pass \u00e4 phrase').export({ type: 'pkcs8', format: 'pem' })
    expect(back).toBe(privateKeyPem)
    expect(() => open('pass a phrase')).toThrow('cannot be decoded')
    expect(() => rsaPrivateKey(encrypted)).toThrow('the private key is encrypted')
    const [block] = pemBlocks(encrypted)
    const rounds = Buffer.from([0x02, 0x03, 0x09, 0x27, 0xc0])
    expect([PBKDF2_ROUNDS, block?.der.includes(rounds)]).toEqual([600_000, true])
  })
})
