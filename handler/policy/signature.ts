/** Signatures of people and services: the type of the key fixes the algorithm, so that nothing can be negotiated. */
import type { KeyObject } from 'node:crypto'
import { createPublicKey, verify } from 'node:crypto'
import { KeyMaterialError } from '../../common/errors.ts'

/**
 * The digest name for `sign` and `verify`: none for Ed25519, which hashes by itself; SHA-256 for EC P-256, the signature in
 * DER, and for RSA of at least 2048 bits, PKCS#1 v1.5.
 *
 * @throws KeyMaterialError for a key of another kind; `what` names it in the message
 */
export function digestFor(key: KeyObject, what: string): 'sha256' | null {
  const details = key.asymmetricKeyDetails
  if (key.asymmetricKeyType === 'ed25519') return null
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'sha256'
  if (key.asymmetricKeyType === 'rsa' && Number(details?.modulusLength) >= 2048) return 'sha256'
  throw new KeyMaterialError(`${what} must be Ed25519, EC P-256 or RSA of 2048 bits or more`)
}

/** The public key in a PEM `PUBLIC KEY`, or in the base64 of its DER. @throws KeyMaterialError */
export function readPublicKey(text: string, what: string): KeyObject {
  const isPem = text.includes('-----BEGIN')
  if (isPem && !text.includes('BEGIN PUBLIC KEY')) {
    throw new KeyMaterialError(`${what} must be a PEM \`PUBLIC KEY\``)
  }
  const key = parsed(text, isPem)
  digestFor(key, what)
  return key
}

function parsed(text: string, isPem: boolean): KeyObject {
  try {
    return isPem
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
  } catch (cause) {
    throw new KeyMaterialError('the key cannot be read', { cause })
  }
}

/** Whether that key has signed these bytes; false for a key of another kind. */
export function isSigned(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(digestFor(key, 'the key'), bytes, key, signature)
  } catch {
    return false
  }
}
