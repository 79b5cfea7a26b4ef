import { constants, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { createSignatureVerifier } from '../../../handler/policy-files/statement-signature.ts'
import { testKey } from '../../fixtures/keys.ts'

const verifySignature = createSignatureVerifier()
const bytes = Buffer.from('what was asked for')
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

describe('the verifier of statements', () => {
  it('verifies Ed25519', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const signature = sign(null, bytes, privateKey)
    expect(verifySignature(pemOf(publicKey), bytes, signature)).toBe(true)
    expect(verifySignature(pemOf(publicKey), Buffer.from('else'), signature)).toBe(false)
  })

  it('verifies ECDSA with P-256 in DER, and no other encoding or curve', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const raw = sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const der = sign('sha256', bytes, { key: privateKey, dsaEncoding: 'der' })
    expect(verifySignature(pemOf(publicKey), bytes, raw)).toBe(false)
    expect(verifySignature(pemOf(publicKey), bytes, der)).toBe(true)
    const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    const signature = sign('sha256', bytes, other.privateKey)
    expect(verifySignature(pemOf(other.publicKey), bytes, signature)).toBe(false)
  })

  it('verifies RSA PKCS#1 v1.5, not PSS', async () => {
    const { publicKey, privateKey } = await testKey()
    const plain = sign('sha256', bytes, privateKey)
    const pss = sign('sha256', bytes, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })
    expect(verifySignature(pemOf(publicKey), bytes, plain)).toBe(true)
    expect(verifySignature(pemOf(publicKey), bytes, pss)).toBe(false)
  })

  it('says no to what is no key', () => {
    expect(verifySignature('no key', bytes, Buffer.alloc(64))).toBe(false)
  })
})
