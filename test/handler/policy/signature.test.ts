import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { isSigned, readPublicKey } from '../../../handler/policy/signature.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const der = publicKey.export({ type: 'spki', format: 'der' })

describe('a public key', () => {
  it('is PEM, or the base64 of its DER', () => {
    for (const text of [pem, der.toString('base64')]) {
      expect(readPublicKey(text, 'the key').equals(publicKey)).toBe(true)
    }
  })

  it.each([
    ['a private key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'],
  ])('is not %s', (_, text) => {
    expect(() => readPublicKey(text, 'the key')).toThrow('must be a PEM `PUBLIC KEY`')
  })

  it('of another kind, or none at all, is refused', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
    const text = p384.export({ type: 'spki', format: 'pem' }).toString()
    expect(() => readPublicKey(text, 'the key')).toThrow('must be Ed25519, EC P-256 or RSA')
    expect(() => readPublicKey('AAAA', 'the key')).toThrow('cannot be read')
  })
})

describe('a signature', () => {
  const bytes = Buffer.from('an act')
  const signature = sign(null, bytes, privateKey)

  it('is by this key over these bytes', () => {
    expect(isSigned(publicKey, bytes, signature)).toBe(true)
    expect(isSigned(publicKey, Buffer.from('another'), signature)).toBe(false)
    const other = generateKeyPairSync('ed25519').publicKey
    expect(isSigned(other, bytes, signature)).toBe(false)
  })

  it('is none by a key that is not taken', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const made = sign('sha384', bytes, p384.privateKey)
    expect(isSigned(createPublicKey(p384.privateKey), bytes, made)).toBe(false)
  })
})
