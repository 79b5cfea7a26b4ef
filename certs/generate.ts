/**
 * Makes key pairs, self-signed certificates and CSRs; the only file that builds with node-forge.
 */
import {
  createCipheriv,
  createPrivateKey,
  generateKeyPair as generateNodeKeyPair,
  pbkdf2,
  randomBytes,
} from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { toPem } from '../common/pem.ts'

/** A fresh key pair as PEM: PKCS#8 for the private, SPKI for the public half. */
export interface KeyPairPem {
  readonly privateKeyPem: string
  readonly publicKeyPem: string
}

/** Generates an RSA key pair (e = 65537) with OpenSSL through node-forge, off the event loop. */
export async function generateKeyPair(bits: 2048 | 4096): Promise<KeyPairPem> {
  const { privateKey, publicKey } = await new Promise<forge.pki.rsa.KeyPair>((resolve, reject) => {
    forge.pki.rsa.generateKeyPair({ bits, e: 0x10001 }, (error, pair) => {
      if (error === null) resolve(pair)
      else reject(error)
    })
  })
  const pkcs8 = forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(privateKey))
  return {
    privateKeyPem: unix(forge.pki.privateKeyInfoToPem(pkcs8)),
    publicKeyPem: unix(forge.pki.publicKeyToPem(publicKey)),
  }
}

/** Generates an EC key pair on P-256, for ES256; node-forge knows no such keys. */
export async function generateEcKeyPair(): Promise<KeyPairPem> {
  const { privateKey, publicKey } = await promisify(generateNodeKeyPair)('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  return { privateKeyPem: privateKey, publicKeyPem: publicKey }
}

export interface SelfSignedOptions {
  readonly privateKeyPem: string
  /** Host names and IP addresses for the subject alternative name; the first is the common name. */
  readonly names: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
}

/**
 * A self-signed TLS server certificate, SHA-256, X.509 v3, with a positive 127-bit random serial
 * (RFC 5280 §4.1.2.2) and the names as subject alternative names. It carries neither basic
 * constraints nor key usage: that profile is the only one that OpenSSL, GnuTLS, python cryptography
 * and Node all accept as its own trust anchor.
 */
export function selfSignedCertificate(options: SelfSignedOptions): string {
  const [commonName] = options.names
  if (commonName === undefined) throw new RangeError('a certificate needs at least one name')
  if (options.notAfter <= options.notBefore) throw new RangeError('a certificate must stay valid')
  const key = forge.pki.privateKeyFromPem(options.privateKeyPem)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e)
  certificate.serialNumber = positiveSerial()
  certificate.validity.notBefore = options.notBefore
  certificate.validity.notAfter = options.notAfter
  const subject = [utf8Attribute('commonName', commonName.slice(0, 64))]
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  const keyIdentifier = certificate.generateSubjectKeyIdentifier().getBytes()
  certificate.setExtensions([
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: options.names.map(altName) },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier },
  ])
  certificate.sign(key, forge.md.sha256.create())
  return unix(forge.pki.certificateToPem(certificate))
}

/**
 * A PKCS#10 certificate signing request, SHA-256, with only the organization in its subject: what
 * the vendor's key guide asks for (`openssl req -new -newkey rsa:4096 … -subj
 * '/O=<organization>'`).
 */
export function certificateSigningRequest(privateKeyPem: string, organization: string): string {
  const key = forge.pki.privateKeyFromPem(privateKeyPem)
  const request = forge.pki.createCertificationRequest()
  request.publicKey = forge.pki.setRsaPublicKey(key.n, key.e)
  request.setSubject([utf8Attribute('organizationName', organization)])
  request.sign(key, forge.md.sha256.create())
  return unix(forge.pki.certificationRequestToPem(request))
}

/** Rounds of PBKDF2-HMAC-SHA-256 for private keys at rest (OWASP password storage). */
export const PBKDF2_ROUNDS = 600_000

/**
 * A private key as encrypted PKCS#8 PEM: PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC (RFC 8018
 * §6.2), readable by OpenSSL. The key derivation runs on the thread pool; in node-forge itself it
 * would block for seconds.
 */
export async function encryptPrivateKey(
  privateKeyPem: string,
  passphrase: string,
): Promise<string> {
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const derived = await promisify(pbkdf2)(passphrase, salt, PBKDF2_ROUNDS, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', derived, iv)
  const der = createPrivateKey(privateKeyPem).export({ type: 'pkcs8', format: 'der' })
  const encrypted = Buffer.concat([cipher.update(der), cipher.final()])
  const derivation = sequence(
    oid('1.2.840.113549.1.5.12'),
    sequence(
      octets(salt),
      integer(PBKDF2_ROUNDS),
      sequence(oid('1.2.840.113549.2.9'), primitive(forge.asn1.Type.NULL, '')),
    ),
  )
  const encryption = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(iv))
  const scheme = sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, encryption))
  const info = forge.asn1.toDer(sequence(scheme, octets(encrypted)))
  return toPem('ENCRYPTED PRIVATE KEY', Buffer.from(info.getBytes(), 'binary'))
}

function sequence(...members: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  const { create, Class, Type } = forge.asn1
  return create(Class.UNIVERSAL, Type.SEQUENCE, true, members)
}

function primitive(type: forge.asn1.Type, bytes: string): forge.asn1.Asn1 {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, type, false, bytes)
}

function octets(bytes: Buffer): forge.asn1.Asn1 {
  return primitive(forge.asn1.Type.OCTETSTRING, bytes.toString('binary'))
}

function oid(dotted: string): forge.asn1.Asn1 {
  return primitive(forge.asn1.Type.OID, forge.asn1.oidToDer(dotted).getBytes())
}

function integer(value: number): forge.asn1.Asn1 {
  return primitive(forge.asn1.Type.INTEGER, forge.asn1.integerToDer(value).getBytes())
}

/** What a certificate signing request says. */
export interface SigningRequestFacts {
  readonly publicKeyPem: string
  /** Organization (O) of the subject; undefined when absent. */
  readonly organization: string | undefined
  /** The request is signed with the key it names: proof of possession (RFC 2986 §3). */
  readonly selfSigned: boolean
}

/**
 * Reads an RSA PKCS#10 request; undefined when the text is none. Node has no CSR API of its own.
 */
export function readCertificateSigningRequest(pem: string): SigningRequestFacts | undefined {
  try {
    const request = forge.pki.certificationRequestFromPem(pem)
    if (request.publicKey === null) return undefined
    const field: forge.pki.CertificateField | null = request.subject.getField('O')
    // node-forge gives the bytes of the text, one character each.
    const organization =
      typeof field?.value === 'string' ? Buffer.from(field.value, 'latin1').toString() : undefined
    return {
      publicKeyPem: unix(forge.pki.publicKeyToPem(request.publicKey)),
      organization,
      selfSigned: verifiesItself(request),
    }
  } catch {
    return undefined
  }
}

/** node-forge throws for some wrong signatures and returns false for others. */
function verifiesItself(request: { verify(): boolean }): boolean {
  try {
    return request.verify()
  } catch {
    return false
  }
}

/** 16 random bytes with the sign bit clear and the first byte not zero, in hex. */
function positiveSerial(): string {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial.toString('hex')
}

/**
 * node-forge would put any text into a PrintableString, which strict parsers refuse beyond ASCII.
 */
function utf8Attribute(name: string, value: string): forge.pki.CertificateField {
  const field: forge.pki.CertificateField = { name, value }
  // The published types name the tag class where node-forge wants the tag type.
  return Object.assign(field, { valueTagClass: forge.asn1.Type.UTF8 })
}

function altName(name: string): { type: number; value: string } | { type: number; ip: string } {
  const address = name.replace(/^\[(.*)\]$/, '$1')
  return isIP(address) === 0 ? { type: 2, value: name } : { type: 7, ip: address }
}

function unix(pem: string): string {
  return pem.replaceAll('\r\n', '\n')
}
