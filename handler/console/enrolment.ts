/** What a browser says of a passkey that it has just made: checked as far as it can be, and kept nowhere. */
import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../../common/json.ts'
import type { ConsoleUrl } from '../config/config-values.ts'
import { canonicalKey, shortFingerprint } from '../policy/approvals/approver-key.ts'
import { name } from '../policy/file/schema-atoms.ts'
import { Refused } from './answers.ts'

/** A new passkey's public side. */
export interface NewPasskey {
  readonly name: string
  /** Credential id, base64url. */
  readonly id: string
  /** Base64 of its DER. */
  readonly publicKey: string
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]{1,8192}$/)
const optionsSchema = z.strictObject({ name })
const madeSchema = z.strictObject({
  name,
  credential: z.object({
    id: base64url,
    response: z.object({
      clientDataJSON: base64url,
      authenticatorData: base64url,
      publicKey: base64url,
    }),
  }),
})
const clientDataSchema = z.object({ type: z.literal('webauthn.create'), origin: z.string() })

/** ES256, EdDSA and RS256 (RFC 9053, RFC 8812). */
const ALGORITHMS = [-7, -8, -257]

/** Options of `navigator.credentials.create` in their JSON form. @throws Refused */
export function creationOptions(body: unknown, { hostname }: ConsoleUrl) {
  const { name: person } = parsed(optionsSchema, body)
  return {
    rp: { id: hostname, name: 'Countersign' },
    user: { id: randomBytes(16).toString('base64url'), name: person, displayName: person },
    // Nothing is stored here, so nothing can be replayed: the policy file says whose key it is.
    challenge: randomBytes(32).toString('base64url'),
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    attestation: 'none',
    timeout: 120_000,
  }
}

/** Flags of authenticator data: present, verified, with the key (WebAuthn §6.1). */
const FLAGS = 0x01 | 0x04 | 0x40

/** The passkey that was made. @throws Refused */
export function madePasskey(body: unknown, { hostname, origin }: ConsoleUrl): NewPasskey {
  const { name: person, credential } = parsed(madeSchema, body)
  const { id, response } = credential
  const data = bytes(response.authenticatorData)
  const client = parsed(clientDataSchema, parseJson(bytes(response.clientDataJSON).toString()))
  const idLength = data.length < 55 ? 0 : data.readUInt16BE(53)
  const isOurs =
    client.origin === origin &&
    data.subarray(0, 32).equals(createHash('sha256').update(hostname).digest()) &&
    ((data[32] ?? 0) & FLAGS) === FLAGS &&
    data.subarray(55, 55 + idLength).equals(bytes(id))
  if (!isOurs)
    throw new Refused(400, 'This passkey was not made here, or not for a verified person.')
  return { name: person, id, publicKey: bytes(response.publicKey).toString('base64') }
}

/** What the policy file needs, and a fingerprint for two people to compare. @throws Refused */
export function entryOf(
  { name: person, id, publicKey }: NewPasskey,
  { origin }: ConsoleUrl,
): { readonly entry: string; readonly fingerprint: string } {
  const key = canonicalKey(publicKey)
  if ('problem' in key) throw new Refused(400, key.problem)
  const entry = [
    'approvers:',
    `  '${person}':`,
    '    keys:',
    `      - publicKey: ${key.publicKey}`,
    `        passkey: { id: '${id}', origin: '${origin}' }`,
    '',
  ].join('\n')
  return { entry, fingerprint: shortFingerprint(key.fingerprint) }
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data } = schema.safeParse(value)
  if (success) return data
  throw new Refused(
    400,
    'A name has letters, digits, `.`, `_` and `-`, at most 64; the rest comes from the page.',
  )
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
