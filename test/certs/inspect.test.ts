import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { certificateSigningRequest, selfSignedCertificate } from '../../certs/generate.ts'
import { certificateFacts, kidOf, pinOf, rsaPrivateKey, rsaPublicKey } from '../../certs/inspect.ts'
import { testKey } from '../fixtures/keys.ts'

describe('a public key that is configured', () => {
  it('is read when it is one RSA-2048 SPKI PEM, with CRLF and a byte order mark too', async () => {
    const { publicKeyPem, publicKey } = await testKey()
    expect(rsaPublicKey(publicKeyPem, 2048).equals(publicKey)).toBe(true)
    const windows = `\uFEFF${publicKeyPem.replaceAll('\n', '\r\n')}`
    expect(rsaPublicKey(windows, 2048).equals(publicKey)).toBe(true)
  })

  it('is refused by name when something else was pasted', async () => {
    const { privateKeyPem, publicKeyPem, privateKey, publicKey } = await testKey()
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    const certificate = selfSignedCertificate({
      privateKeyPem,
      names: ['a'],
      notBefore: new Date(0),
      notAfter: new Date(1e12),
    })
    const wrong: [string, RegExp][] = [
      [privateKeyPem, /found a private key/],
      [privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(), /found a private key/],
      [certificate, /expected a public key, found a certificate/],
      [certificateSigningRequest(privateKeyPem, 'o'), /found a certificate request/],
      [publicKey.export({ type: 'pkcs1', format: 'pem' }).toString(), /found PKCS#1/],
      [ec.export({ type: 'spki', format: 'pem' }).toString(), /expected an RSA key, found ec/],
      [publicKeyPem + publicKeyPem, /more than one PEM block/],
      ['', /no PEM block found/],
      ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', /cannot be decoded/],
      [publicKeyPem.replaceAll('\n', '\\n'), /no PEM block found/],
    ]
    for (const [pem, message] of wrong) expect(() => rsaPublicKey(pem, 2048)).toThrow(message)
  })

  it('is refused when its size or exponent is not the one asked for', () => {
    const pem = (options: { modulusLength: number; publicExponent?: number }) =>
      generateKeyPairSync('rsa', options).publicKey.export({ type: 'spki', format: 'pem' })
    const small = pem({ modulusLength: 1024 }).toString()
    expect(() => rsaPublicKey(small, 2048)).toThrow(/expected an RSA key of 2048 bits, found 1024/)
    const odd = pem({ modulusLength: 2048, publicExponent: 3 }).toString()
    expect(() => rsaPublicKey(odd, 2048)).toThrow(/exponent 65537, found 3/)
  })
})

describe('a private key that is configured', () => {
  it('is read as PKCS#8, PKCS#1 and encrypted PKCS#8', async () => {
    const { privateKeyPem, privateKey } = await testKey()
    const pkcs1 = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    const encrypted = privateKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
      .toString()
    expect(rsaPrivateKey(privateKeyPem, 2048).equals(privateKey)).toBe(true)
    expect(rsaPrivateKey(pkcs1).equals(privateKey)).toBe(true)
    expect(rsaPrivateKey(encrypted, 2048, 'secret').equals(privateKey)).toBe(true)
    expect(() => rsaPrivateKey(encrypted)).toThrow(/the private key is encrypted/)
    expect(() => rsaPrivateKey(encrypted, 2048, 'wrong')).toThrow(/cannot be decoded/)
  })

  it('is refused by name when something else was pasted', async () => {
    const { publicKeyPem } = await testKey()
    expect(() => rsaPrivateKey(publicKeyPem)).toThrow('expected a private key, found a public key')
    expect(() => rsaPrivateKey('hello')).toThrow('no PEM private key found')
    const { privateKeyPem } = await testKey()
    expect(() => rsaPrivateKey(privateKeyPem, 4096)).toThrow(
      /expected an RSA key of 4096 bits, found 2048/,
    )
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const pem = weak.export({ type: 'pkcs8', format: 'pem' }).toString()
    expect(() => rsaPrivateKey(pem)).toThrow(/expected an RSA key of at least 2048 bits/)
  })
})

describe('names of keys and certificates', () => {
  it('are the same for both halves of a key, its PEM and its certificate', async () => {
    const { privateKeyPem, privateKey, publicKey, publicKeyPem } = await testKey()
    expect(kidOf(privateKey)).toBe(kidOf(publicKeyPem))
    expect(Buffer.from(pinOf(publicKey), 'base64').toString('hex')).toBe(kidOf(publicKey))
    const pem = selfSignedCertificate({
      privateKeyPem,
      names: ['a.example', '127.0.0.1'],
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2027-01-01T00:00:00Z'),
    })
    const facts = certificateFacts(pem)
    expect(facts.pin).toBe(pinOf(publicKey))
    expect(facts.names).toEqual(['a.example', '127.0.0.1'])
    expect(() => certificateFacts('nonsense')).toThrow('the certificate cannot be decoded')
  })
})
