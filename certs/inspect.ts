/**
 * Reads keys and certificates: what they are, whether they may be used, and the names by which they
 * are compared.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'
import { KeyMaterialError } from '../common/errors.ts'
import { describeNoPem, pemBlocks } from '../common/pem.ts'

/**
 * The RSA public key in the text, which must be one PEM `PUBLIC KEY` of exactly `bits` with
 * exponent 65537. Anything pasted by mistake (a private key, a certificate, a CSR, an EC key) is
 * named as such.
 *
 * @throws KeyMaterialError
 */
export function rsaPublicKey(pem: string, bits: number): KeyObject {
  const key = publicKey(pem)
  assertRsa(key, bits)
  return key
}

/** Answer keys are RSA-2048 or, for ES256, EC P-256: the vendor's rule. */
export const ANSWER_KEY_BITS = 2048

/**
 * The answer key in the text: one PEM `PUBLIC KEY`, RSA-2048 or EC P-256.
 *
 * @throws KeyMaterialError
 */
export function answerPublicKey(pem: string): KeyObject {
  const key = publicKey(pem)
  assertAnswerKey(key)
  return key
}

/**
 * The private answer key in the text (PKCS#8, encrypted when there is a passphrase), RSA-2048 or EC P-256.
 *
 * @throws KeyMaterialError
 */
export function answerPrivateKey(pem: string, passphrase?: string): KeyObject {
  const key = privateKey(pem, passphrase)
  assertAnswerKey(key)
  return key
}

function publicKey(pem: string): KeyObject {
  const [block, ...more] = pemBlocks(pem)
  if (block === undefined) {
    throw new KeyMaterialError(`no PEM block found: ${describeNoPem(pem)}`)
  }
  if (more.length > 0) throw new KeyMaterialError('more than one PEM block found')
  assertLabel(block.label)
  return decode(() => createPublicKey(pem), 'public key')
}

/**
 * The RSA private key in the text (PKCS#8 or PKCS#1), of exactly `bits` when given, else of at
 * least 2048.
 *
 * @throws KeyMaterialError
 */
export function rsaPrivateKey(pem: string, bits?: number, passphrase?: string): KeyObject {
  const key = privateKey(pem, passphrase)
  assertRsa(key, bits)
  return key
}

function privateKey(pem: string, passphrase?: string): KeyObject {
  const [block] = pemBlocks(pem)
  const label = block?.label ?? ''
  if (!label.endsWith('PRIVATE KEY')) {
    throw new KeyMaterialError(
      label === ''
        ? `no PEM private key found: ${describeNoPem(pem)}`
        : `expected a private key, found a ${label.toLowerCase()}`,
    )
  }
  if (label === 'ENCRYPTED PRIVATE KEY' && passphrase === undefined) {
    throw new KeyMaterialError('the private key is encrypted', {
      hint: 'give a passphrase file, or decrypt the key',
    })
  }
  const input = passphrase === undefined ? { key: pem } : { key: pem, passphrase }
  return decode(() => createPrivateKey(input), 'private key')
}

/** Hex SHA-256 of the key's SPKI: the id of a key (`kid`). */
export function kidOf(key: KeyObject | string): string {
  return spkiDigest(key).toString('hex')
}

/** Base64 SHA-256 of the key's SPKI, as libcurl prints it after `sha256//`: what a pin compares. */
export function pinOf(key: KeyObject | string): string {
  return spkiDigest(key).toString('base64')
}

/** What is asked of a certificate, in one value. */
export interface CertificateFacts {
  readonly publicKey: KeyObject
  /** Hex SHA-256 of the DER. */
  readonly fingerprint: string
  /** Base64 SHA-256 of the SPKI. */
  readonly pin: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** DNS names and IP addresses of the subject alternative name. */
  readonly names: readonly string[]
}

/**
 * Reads one PEM certificate.
 *
 * @throws KeyMaterialError
 */
export function certificateFacts(pem: string): CertificateFacts {
  const certificate = decode(() => new X509Certificate(pem), 'certificate')
  return {
    publicKey: certificate.publicKey,
    fingerprint: createHash('sha256').update(certificate.raw).digest('hex'),
    pin: pinOf(certificate.publicKey),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    names: (certificate.subjectAltName ?? '')
      .split(', ')
      .filter((name) => name !== '')
      .map((name) => name.replace(/^(DNS|IP Address):/, '')),
  }
}

function spkiDigest(key: KeyObject | string): Buffer {
  const object = typeof key === 'string' ? createPublicKey(key) : key
  const half = object.type === 'private' ? createPublicKey(object) : object
  return createHash('sha256')
    .update(half.export({ type: 'spki', format: 'der' }))
    .digest()
}

function assertLabel(label: string): void {
  if (label === 'PUBLIC KEY') return
  if (label.endsWith('PRIVATE KEY')) {
    throw new KeyMaterialError('expected a public key, found a private key', {
      hint: 'treat the key as disclosed if it has been copied here from another machine',
    })
  }
  if (label === 'RSA PUBLIC KEY') {
    throw new KeyMaterialError('expected an SPKI public key (`BEGIN PUBLIC KEY`), found PKCS#1', {
      hint: 'openssl rsa -RSAPublicKey_in -in <file> -pubout',
    })
  }
  throw new KeyMaterialError(`expected a public key, found a ${label.toLowerCase()}`)
}

function assertAnswerKey(key: KeyObject): void {
  if (key.asymmetricKeyType !== 'ec') return assertRsa(key, ANSWER_KEY_BITS)
  const curve = key.asymmetricKeyDetails?.namedCurve
  // The name that OpenSSL has for P-256 (RFC 5480 §2.1.1.1).
  if (curve === 'prime256v1') return
  throw new KeyMaterialError(`expected an EC key on the curve P-256, found ${curve ?? 'none'}`)
}

function assertRsa(key: KeyObject, bits?: number): void {
  if (key.asymmetricKeyType !== 'rsa') {
    throw new KeyMaterialError(`expected an RSA key, found ${key.asymmetricKeyType}`)
  }
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {}
  if (bits === undefined ? modulusLength < 2048 : modulusLength !== bits) {
    const required = bits === undefined ? 'at least 2048' : String(bits)
    throw new KeyMaterialError(`expected an RSA key of ${required} bits, found ${modulusLength}`)
  }
  if (publicExponent !== 65537n) {
    throw new KeyMaterialError(`expected the RSA exponent 65537, found ${publicExponent}`)
  }
}

function decode<T>(read: () => T, what: string): T {
  try {
    return read()
  } catch (cause) {
    throw new KeyMaterialError(`the ${what} cannot be decoded`, { cause })
  }
}
