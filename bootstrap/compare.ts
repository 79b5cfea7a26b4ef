/**
 * What the API's read model of a pairing is to us: nothing, no handler, one of our generations, or
 * a stranger; pure.
 */
import type { AuthMode, GenerationInfo } from '../common/admin-api.ts'
import { pemBlocks } from '../common/pem.ts'
import type { PairedHandler, PairedKey } from './api/resources.ts'

/** What is paired, in the order of growing surprise. */
export type Pairing =
  /** The co-signer does not know this API key. */
  | { readonly is: 'absent' }
  /** Paired without a callback handler: the co-signer signs everything for this user. */
  | { readonly is: 'no-handler' }
  /**
   * URL, key and certificate are those of a generation of ours; `notes` are remarks for the reader.
   */
  | { readonly is: 'ours'; readonly generation: number; readonly notes: readonly string[] }
  /** The URL is ours, but these fields are not. */
  | {
      readonly is: 'mismatch'
      readonly generation: number
      readonly url: string
      readonly fields: readonly string[]
    }
  | { readonly is: 'foreign'; readonly url: string }

/** The public side of a generation, as far as it is compared. */
export type Comparable = Pick<
  GenerationInfo,
  'generation' | 'url' | 'publicKeyPem' | 'pin' | 'fingerprint'
>

/** Compares the API's answer (`undefined` for 404) with the generations of the handler. */
export function comparePairing(
  auth: AuthMode,
  paired: PairedKey | undefined,
  generations: readonly Comparable[],
): Pairing {
  if (paired === undefined) return { is: 'absent' }
  const { handler } = paired
  if (handler === undefined) return { is: 'no-handler' }
  const ours = generations.find(({ url }) => sameUrl(url, handler.url))
  if (ours === undefined) return { is: 'foreign', url: handler.url }
  const key = compareKey(handler, ours)
  const certificate = compareCertificate(handler, ours)
  const fields = [
    ...(isWrong(key, auth !== 'certificate', auth === 'hybrid') ? ['publicKey'] : []),
    ...(isWrong(certificate, auth !== 'public-key', auth === 'hybrid')
      ? ['certPublicKeyHash']
      : []),
    ...(key === 'absent' && certificate === 'absent' ? ['publicKey', 'certPublicKeyHash'] : []),
  ]
  const { generation, url } = ours
  if (fields.length > 0) return { is: 'mismatch', generation, url, fields: [...new Set(fields)] }
  return { is: 'ours', generation, notes: notes(auth, key, certificate) }
}

type Comparison = 'same' | 'other' | 'absent' | 'unreadable'

/**
 * In `hybrid` either half may be missing, because what the API stores of two is not documented;
 * both may not.
 */
function isWrong(comparison: Comparison, expected: boolean, mayBeAbsent: boolean): boolean {
  if (comparison === 'other') return true
  return comparison === 'absent' && expected && !mayBeAbsent
}

function notes(auth: AuthMode, key: Comparison, certificate: Comparison): string[] {
  const found: string[] = []
  if (auth === 'hybrid' && certificate === 'absent') {
    found.push(
      'the API stored only the public key: the co-signer will require a CA-trusted certificate (option 1), a self-signed one fails',
    )
  }
  if (auth === 'hybrid' && key === 'absent') {
    found.push(
      'the API stored only the certificate: the co-signer will send plain JSON (option 2), not tokens',
    )
  }
  if (auth === 'public-key' && certificate !== 'absent') {
    found.push('the API also holds a certificate, although this mode sends none')
  }
  if (auth === 'certificate' && key !== 'absent') {
    found.push('the API also holds a public key, although this mode sends none')
  }
  if (key === 'unreadable') {
    found.push('`publicKey` has an unknown format and was not compared')
  }
  if (certificate === 'unreadable') {
    found.push('`certPublicKeyHash` has an unknown format and was not compared')
  }
  return found
}

function compareKey(handler: PairedHandler, ours: Comparable): Comparison {
  if (handler.publicKey === undefined) return 'absent'
  const theirs = publicKeyDer(handler.publicKey)
  if (theirs === undefined) return 'unreadable'
  return publicKeyDer(ours.publicKeyPem)?.equals(theirs) === true ? 'same' : 'other'
}

/** The DER of one PEM public key, with line breaks of any kind or none, or of its bare base64. */
function publicKeyDer(text: string): Buffer | undefined {
  const plain = text.replaceAll(/\\r|\\n/g, '\n').trim()
  const [block, ...more] = pemBlocks(plain)
  if (block !== undefined) {
    return block.label === 'PUBLIC KEY' && more.length === 0 ? block.der : undefined
  }
  const bare = plain.replaceAll(/\s/g, '')
  // An RSA public key begins with a SEQUENCE of more than 255 bytes, one on P-256 with one of 89.
  return /^M(?:II|Fk)[A-Za-z0-9+/]+=*$/.test(bare) ? Buffer.from(bare, 'base64') : undefined
}

function compareCertificate(handler: PairedHandler, ours: Comparable): Comparison {
  if (handler.certPublicKeyHash === undefined) return 'absent'
  const digest = parseHash(handler.certPublicKeyHash)
  if (digest === undefined) return 'unreadable'
  const known = [Buffer.from(ours.pin, 'base64'), Buffer.from(ours.fingerprint, 'hex')]
  return known.some((candidate) => candidate.equals(digest)) ? 'same' : 'other'
}

/**
 * A SHA-256 in hex (with or without colons) or in either base64, with or without `sha256//`,
 * `sha256:` or `sha256/`.
 */
export function parseHash(text: string): Buffer | undefined {
  const bare = text.trim().replace(/^sha-?256(?:\/\/|[:/])/i, '')
  const hex = bare.replaceAll(':', '')
  if (/^[0-9a-f]{64}$/i.test(hex)) return Buffer.from(hex, 'hex')
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(bare)) return undefined
  return Buffer.from(bare, 'base64')
}

function sameUrl(a: string, b: string): boolean {
  return canonical(a) === canonical(b)
}

function canonical(url: string): string {
  return (URL.canParse(url) ? new URL(url).href : url).replace(/\/+$/, '')
}

/** What is paired, in words for the middle of a sentence. */
export function inWords(paired: Pairing): string {
  switch (paired.is) {
    case 'absent':
      return 'no pairing'
    case 'no-handler':
      return 'a pairing without a callback handler'
    case 'ours':
      return `generation ${paired.generation}`
    case 'mismatch':
      return `the URL of generation ${paired.generation} with another ${paired.fields.join(' and ')}`
    case 'foreign':
    default:
      return `the foreign URL \`${paired.url}\``
  }
}

/** True when the API shows this generation, or no pairing for null. */
export function isThere(paired: Pairing, generation: number | null): boolean {
  if (generation === null) return paired.is === 'absent'
  return paired.is === 'ours' && paired.generation === generation
}
