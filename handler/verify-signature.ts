/** Checks signatures of other people's keys for the policy; the type of the key fixes the algorithm, nothing else does. */
import { createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

const keys = new Map<string, KeyObject>()

/** Policies name few keys; the bound only keeps a reloaded policy from adding up for ever. */
const MAX_KEYS = 1_024

/** Ed25519 (RFC 8032), ECDSA P-256 with SHA-256 in DER, or RSASSA-PKCS1-v1_5 with SHA-256. Never throws. */
export function verifySignature(
  publicKey: string,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const key = keyOf(publicKey)
    const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    return verify(algorithm, bytes, key, signature)
  } catch {
    return false
  }
}

function keyOf(pem: string): KeyObject {
  const known = keys.get(pem)
  if (known !== undefined) return known
  if (keys.size >= MAX_KEYS) keys.clear()
  const key = createPublicKey(pem)
  keys.set(pem, key)
  return key
}
