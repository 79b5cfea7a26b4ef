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
  const [block, ...more] = pemBlocks(pem)
  if (block === undefined) {
    throw new KeyMaterialError(`no PEM block found: ${describeNoPem(pem)}`)
  }
  if (more.length > 0) throw new KeyMaterialError('more than one PEM block found')
  assertLabel(block.label)
  const key = decode(() => createPublicKey(pem), 'public key')
  assertRsa(key, bits)
  return key
}

/**
 * The RSA private key in the text (PKCS#8 or PKCS#1), of exactly `bits` when given, else of at
 * least 2048.
 *
 * @throws KeyMaterialError
 */
export function rsaPrivateKey(pem: string, bits?: number, passphrase?: string): KeyObject {
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
  const key = decode(() => createPrivateKey(input), 'private key')
  assertRsa(key, bits)
  return key
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
