/**
 * The token front: only bytes that a configured co-signer key signed, in the one form that RFC 7515
 * allows for them, become claims. Structure first, then the signature, and only then the content.
 */
import { constants, publicDecrypt, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { KeyMaterialError } from '../../common/errors.ts'
import { CallbackError } from './errors.ts'
import { compactOf, encodePart } from './jws.ts'
import type { Signer } from './signer.ts'
import { bytesOf, malformedToken, readContent, readObject } from './signed-content.ts'
import type { ReadContent, SignedContent } from './signed-content.ts'

/**
 * Content that a co-signer's key vouches for (in `certificate` mode: that a permitted peer sent).
 */
export interface Verified extends ReadContent {
  /** The token as received, kept as evidence. */
  readonly token: string
  /** Name of the co-signer key that verified it; `''` in `certificate` mode. */
  readonly cosigner: string
}

/** What a co-signer's key vouches for, not read yet. */
export interface Vouched {
  readonly content: SignedContent
  readonly token: string
  readonly cosigner: string
}

/** How bodies are verified, at once or without their content being read. Both throw `CallbackError`. */
export interface Verifier {
  /** Verifies a body and reads it. */
  readonly verify: (body: Buffer, now: Date) => Verified
  /** Verifies a body; its content is still to be read, with `readContent`. */
  readonly vouch: (body: Buffer) => Vouched
}

/** A co-signer's public key and the name it has in our configuration. */
export interface CosignerKey {
  readonly name: string
  readonly key: KeyObject
}

/**
 * Headers that change what a signature means or where its key comes from (RFC 8725 §3.10, RFC 7797,
 * RFC 7516).
 */
const REFUSED_HEADERS = ['crit', 'b64', 'zip', 'jku', 'x5u', 'jwk', 'x5c'] as const

/** RFC 7515 §4.1.9: `application/` may be omitted, and types compare without case. */
const JWT_TYPE = /^(?:application\/)?jwt$/i

/** The header of every answer, by the algorithm of the key that signs it. */
const JWT_HEADERS = {
  RS256: encodePart({ alg: 'RS256', typ: 'JWT' }),
  ES256: encodePart({ alg: 'ES256', typ: 'JWT' }),
}

/**
 * Verifies compact JWS tokens, RS256 and nothing else, against the co-signers' RSA public keys: the
 * one that signed last first, the others in their order, so that a request costs one verification
 * however many co-signers there are. The verifier throws `CallbackError`; its codes differ for the
 * log only. Throws `KeyMaterialError` for unfit keys.
 */
export function createTokenVerifier(keys: readonly CosignerKey[]): Verifier['verify'] {
  return tokenVerifier(keys).verify
}

/** The same, and the signature alone. */
export function tokenVerifier(keys: readonly CosignerKey[]): Verifier {
  const cosigners = keys.map(cosignerOf)
  let lastToSign = cosigners[0]
  /** A co-signer writes the same header each time: text that was found good is not read again. */
  let goodHeader = ''
  const vouch = (body: Buffer): Vouched => {
    const { header, payload, signed, signature } = splitToken(body)
    if (header !== goodHeader) checkHeader(bytesOf(header))
    const signs = (each: Cosigner) =>
      (signed.length < LARGE_BODY_BYTES || each.mayHaveMade(signature)) &&
      each.signed(signed, signature)
    const cosigner =
      lastToSign !== undefined && signs(lastToSign)
        ? lastToSign
        : cosigners.find((each) => each !== lastToSign && signs(each))
    if (cosigner === undefined) {
      throw new CallbackError('ERR_TOKEN_SIGNATURE', 'no co-signer key verifies the token')
    }
    lastToSign = cosigner
    goodHeader = header
    const content: SignedContent = { bytes: payload, form: 'base64url' }
    return { content, token: body.toString('latin1'), cosigner: cosigner.name }
  }
  return verifierOf(vouch)
}

/**
 * Reads plain JSON requests (`certificate` mode). Nothing is verified here: the network allow-list
 * and the pinned certificate are all there is. The same strictness of content holds.
 */
export function createPlainVerifier(): Verifier['verify'] {
  return plainVerifier().verify
}

/** The same, and nothing but that there is a body. */
export function plainVerifier(): Verifier {
  return verifierOf((body) => {
    if (body.length === 0) throw new CallbackError('ERR_BODY_MISSING', 'the body is empty')
    return { content: { bytes: body, form: 'json' }, token: body.toString('utf8'), cosigner: '' }
  })
}

function verifierOf(vouch: Verifier['vouch']): Verifier {
  return {
    vouch,
    verify: (body, now) => {
      const { content, token, cosigner } = vouch(body)
      return Object.freeze({ ...readContent(content, now), token, cosigner })
    },
  }
}

/**
 * A compact JWS over the claims, by the algorithm of the signer's key. `typ` other than `JWT` is for tokens that must
 * never pass as an answer or a request, such as the self-test's (RFC 8725 §3.11).
 */
export async function signToken(
  signer: Signer,
  claims: object,
  typ = 'JWT',
  signal?: AbortSignal,
): Promise<string> {
  const { algorithm } = signer
  const header = typ === 'JWT' ? JWT_HEADERS[algorithm] : encodePart({ alg: algorithm, typ })
  const signed = `${header}.${encodePart(claims)}`
  return compactOf(signed, await signer.sign(Buffer.from(signed, 'latin1'), signal))
}

/** Longest header part, in characters: a co-signer's has about 40, and it is read before the signature. */
const MAX_HEADER_LENGTH = 4_096

/** Longest signature part, in characters: RSA of 16,384 bits, the most that OpenSSL verifies. */
const MAX_SIGNATURE_LENGTH = 2_731

/**
 * From this size on, in bytes, a body is only hashed for the key that can have signed it: hashing it
 * for each key in turn would let an unsigned body cost more than anything else that a stranger sends.
 */
const LARGE_BODY_BYTES = 64 * 1024

const DOT = 0x2e

interface TokenParts {
  /** Base64url, as received. */
  readonly header: string
  /** Of the payload, in the body. */
  readonly payload: Buffer
  readonly signature: Buffer
  /** The bytes that the signature covers (RFC 7515 §5.1). */
  readonly signed: Buffer
}

/** Finds the parts without reading the payload: nobody has vouched for it yet. */
function splitToken(body: Buffer): TokenParts {
  if (body.length === 0) throw new CallbackError('ERR_BODY_MISSING', 'the body is empty')
  const first = body.indexOf(DOT)
  const last = body.lastIndexOf(DOT)
  if (first === last || body.indexOf(DOT, first + 1) !== last)
    throw malformedToken('not three parts')
  if (first > MAX_HEADER_LENGTH) throw malformedToken('the header is too long')
  if (body.length - last - 1 > MAX_SIGNATURE_LENGTH)
    throw malformedToken('the signature is too long')
  return {
    header: body.toString('latin1', 0, first),
    payload: body.subarray(first + 1, last),
    signature: bytesOf(body.toString('latin1', last + 1)),
    signed: body.subarray(0, last),
  }
}

/** The algorithm is compared, not obeyed; members that we do not know are ignored (RFC 7515 §4). */
function checkHeader(bytes: Buffer): void {
  const header = readObject(bytes, 'header')
  for (const name of REFUSED_HEADERS) {
    if (header[name] !== undefined)
      throw malformedToken(`header member \`${name}\` is not accepted`)
  }
  if (header['alg'] !== 'RS256') {
    throw new CallbackError('ERR_TOKEN_ALGORITHM', 'the algorithm is not `RS256`')
  }
  const type = header['typ']
  if (type === undefined || (typeof type === 'string' && JWT_TYPE.test(type))) return
  throw malformedToken('the type is not `JWT`')
}

interface Cosigner {
  readonly name: string
  /** The signature opens under this key to something with RSA's padding: nothing is proved by it. */
  readonly mayHaveMade: (signature: Buffer) => boolean
  /** RS256 (RFC 7518 §3.3). */
  readonly signed: (bytes: Buffer, signature: Buffer) => boolean
}

function cosignerOf({ name, key }: CosignerKey): Cosigner {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (key.type !== 'public' || key.asymmetricKeyType !== 'rsa' || bits < 2048) {
    throw new KeyMaterialError(
      `co-signer key \`${name}\` is not an RSA public key of 2048 bits or more`,
    )
  }
  const pinned = { key, padding: constants.RSA_PKCS1_PADDING }
  const fits = (signature: Buffer) => signature.length === Math.ceil(bits / 8)
  return {
    name,
    mayHaveMade(signature) {
      if (!fits(signature)) return false
      try {
        publicDecrypt(pinned, signature)
        return true
      } catch {
        return false
      }
    },
    signed: (bytes, signature) => fits(signature) && verify('sha256', bytes, pinned, signature),
  }
}
