/** Statement signatures: the type of the key fixes the algorithm, so nothing can be negotiated. */
import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { KeyMaterialError } from '../../common/errors.ts'
import type { JsonObject } from '../protocol/json-value.ts'
import { digestFor, isSigned, readPublicKey } from '../policy/signature.ts'
import type { VerifySignature } from '../policy/statement.ts'
import type { Statement } from '../policy/statement-text.ts'
import { parseStatement, statementBytes } from '../policy/statement-text.ts'

const STATEMENT_KEY = 'a statement key'

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
  const signature = sign(digestFor(key, STATEMENT_KEY), statementBytes(parsed), key)
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
    return key !== undefined && isSigned(key, bytes, signature)
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
  return readPublicKey(pem, STATEMENT_KEY)
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
