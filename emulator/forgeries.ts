/**
 * Requests that no co-signer sends: each is wrong in one way, so that a handler can be seen to
 * refuse it. They exist in the emulator only; a real attacker may know better ones.
 */
import { constants, createHmac, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { encode, signToken } from './tokens.ts'

/** Names of the ways to be wrong. */
export const FORGERIES = [
  'wrong-key',
  'alg-none',
  'hs256-public-key',
  'rs512',
  'ps256',
  'tampered-payload',
  'tampered-signature',
  'empty-signature',
  'zero-signature',
  'crit',
  'jwk-header',
  'trailing-newline',
] as const

/** One way to be wrong. */
export type Forgery = (typeof FORGERIES)[number]

/** Keys at hand: the co-signer's own, and one that no handler trusts. */
export interface ForgeryKeys {
  readonly cosigner: KeyObject
  readonly foreign: KeyObject
}

/** The forged body for a payload. */
export function forge(kind: Forgery, payload: string, keys: ForgeryKeys): string {
  const token = signToken(payload, keys.cosigner)
  const [header = '', body = '', signature = ''] = token.split('.')
  return WAYS[kind]({ ...keys, payload, token, header, body, signature })
}

/** The keys, and the token that the co-signer would send with its three parts. */
interface Good extends ForgeryKeys {
  readonly payload: string
  readonly token: string
  readonly header: string
  readonly body: string
  readonly signature: string
}

const WAYS: Readonly<Record<Forgery, (good: Good) => string>> = {
  'wrong-key': ({ payload, foreign }) => signToken(payload, foreign),
  'alg-none': ({ body }) => `${encode('{"typ":"JWT","alg":"none"}')}.${body}.`,
  'hs256-public-key': ({ body, cosigner }) => hmacWithPublicKey(body, cosigner),
  rs512: ({ body, cosigner }) => resign('{"typ":"JWT","alg":"RS512"}', body, 'sha512', cosigner),
  ps256: ({ body, cosigner }) =>
    resign('{"typ":"JWT","alg":"PS256"}', body, 'sha256', {
      key: cosigner,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 32,
    }),
  'tampered-payload': ({ header, payload, signature }) =>
    `${header}.${encode(tampered(payload))}.${signature}`,
  'tampered-signature': ({ header, body, signature }) =>
    `${header}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
  'empty-signature': ({ header, body }) => `${header}.${body}.`,
  'zero-signature': ({ header, body }) =>
    `${header}.${body}.${Buffer.alloc(256).toString('base64url')}`,
  crit: ({ body, cosigner }) =>
    resign('{"typ":"JWT","alg":"RS256","crit":["x"],"x":1}', body, 'sha256', cosigner),
  'jwk-header': ({ body, foreign }) => {
    const jwk = createPublicKey(foreign).export({ format: 'jwk' })
    return resign(JSON.stringify({ typ: 'JWT', alg: 'RS256', jwk }), body, 'sha256', foreign)
  },
  'trailing-newline': ({ token }) => `${token}\n`,
}

/** Never equal to the payload and still one JSON object where the payload is one. */
function tampered(payload: string): string {
  return /\}\s*$/.test(payload) ? payload.replace(/\}\s*$/, ',"note":"tampered"}') : `${payload} `
}

function hmacWithPublicKey(body: string, key: KeyObject): string {
  const secret = createPublicKey(key).export({ type: 'spki', format: 'pem' })
  const input = `${encode('{"typ":"JWT","alg":"HS256"}')}.${body}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function resign(
  header: string,
  body: string,
  digest: 'sha256' | 'sha512',
  key: Parameters<typeof sign>[2],
): string {
  const input = `${encode(header)}.${body}`
  return `${input}.${sign(digest, Buffer.from(input), key).toString('base64url')}`
}
