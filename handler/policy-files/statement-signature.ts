/** Statement signatures: the type of the key fixes the algorithm, so nothing can be negotiated. */
import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { KeyMaterialError } from '../../common/errors.ts'
import type { JsonObject } from '../protocol/json-value.ts'
import type { VerifySignature } from '../policy/statement.ts'
import type { Statement } from '../policy/statement-text.ts'
import { parseStatement, statementBytes } from '../policy/statement-text.ts'

/** The two members to add to `extraParameters` when the transaction is created. */
export interface SignedStatement {
  readonly statement: Statement
  /** Base64. */
  readonly statementSignature: string
}

/**
 * Signs a statement with a PEM private key: Ed25519; EC P-256 with SHA-256, the signature in DER; or RSA of at least
 * 2048 bits, PKCS#1 v1.5 with SHA-256.
 *
 * @throws KeyMaterialError when the key is of another kind or the statement is not complete
 */
export function signStatement(statement: Statement, privateKeyPem: string): SignedStatement {
  const parsed = parseStatement(Object.freeze<JsonObject>({ ...statement }))
  if (typeof parsed === 'string') throw new KeyMaterialError(parsed)
  const key = read(() => createPrivateKey(privateKeyPem))
  const signature = sign(digestOf(key), statementBytes(parsed), key)
  return { statement: parsed, statementSignature: signature.toString('base64') }
}

/**
 * Verifies with the same algorithms. Keys are parsed once; a key that cannot be used verifies nothing (`statementKey`
 * says so when the policy is loaded).
 */
export function createSignatureVerifier(): VerifySignature {
  const keys = new Map<string, KeyObject | undefined>()
  return (publicKey, bytes, signature) => {
    if (!keys.has(publicKey)) keys.set(publicKey, usable(publicKey))
    const key = keys.get(publicKey)
    return key !== undefined && verify(digestOf(key), bytes, key, signature)
  }
}

/**
 * The public key in the PEM text, of a type that statements may be signed with.
 *
 * @throws KeyMaterialError
 */
export function statementKey(pem: string): KeyObject {
  if (!pem.includes('BEGIN PUBLIC KEY')) {
    throw new KeyMaterialError('a statement key must be a PEM `PUBLIC KEY`')
  }
  const key = read(() => createPublicKey(pem))
  digestOf(key)
  return key
}

/** A fresh Ed25519 pair as PEM. */
export function generateStatementKey(): {
  readonly privateKeyPem: string
  readonly publicKeyPem: string
} {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

/** Public half of a PEM private key. */
export function publicHalf(privateKeyPem: string): string {
  const key = createPublicKey(read(() => createPrivateKey(privateKeyPem)))
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

function usable(publicKey: string): KeyObject | undefined {
  try {
    return statementKey(publicKey)
  } catch {
    return undefined
  }
}

/** The digest name for `sign` and `verify`: none for Ed25519, which hashes by itself. */
function digestOf(key: KeyObject): 'sha256' | null {
  const details = key.asymmetricKeyDetails
  if (key.asymmetricKeyType === 'ed25519') return null
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'sha256'
  if (key.asymmetricKeyType === 'rsa' && Number(details?.modulusLength) >= 2048) return 'sha256'
  throw new KeyMaterialError(
    'a statement key must be Ed25519, EC P-256 or RSA of 2048 bits or more',
  )
}

function read(make: () => KeyObject): KeyObject {
  try {
    return make()
  } catch (cause) {
    throw new KeyMaterialError('the key cannot be read', {
      cause,
      hint: 'it must be an unencrypted PEM key',
    })
  }
}
