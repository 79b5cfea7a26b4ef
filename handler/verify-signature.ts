/** Verifies extra signatures with the platform's crypto; the key's type alone fixes the algorithm. */
import { constants, createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { VerifySignature } from './policy/statement.ts'

/**
 * Ed25519, ECDSA P-256 with SHA-256 (IEEE P1363 or DER), or RSA PKCS#1 v1.5 with SHA-256. False for anything else and for
 * whatever cannot be read; never throws.
 */
export const verifySignature: VerifySignature = (publicKey, bytes, signature) => {
  try {
    return verifyWith(createPublicKey(publicKey), bytes, signature)
  } catch {
    return false
  }
}

function verifyWith(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (key.asymmetricKeyType === 'ed25519') return verify(null, bytes, key, signature)
  if (key.asymmetricKeyType === 'rsa') {
    return verify('sha256', bytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false
  const dsaEncoding = signature.length === 64 ? 'ieee-p1363' : 'der'
  return verify('sha256', bytes, { key, dsaEncoding }, signature)
}
