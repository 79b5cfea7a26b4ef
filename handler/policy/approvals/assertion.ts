/** Assertions: what proves that an approver decided. A signature over the act, or a passkey's over a challenge of it. */
import { createHash } from 'node:crypto'
import type { Assertion, PasskeyAssertion } from '../../../common/assertion.ts'
import { isPasskeyAssertion } from '../../../common/assertion.ts'
import { isObject, parseJson } from '../../../common/json.ts'
import { isSigned, readPublicKey } from '../signature.ts'
import type { ApproverKey } from './people.ts'

/** Flags of authenticator data: a person was there, and was verified (WebAuthn §6.1). */
const PRESENT_AND_VERIFIED = 0x01 | 0x04

/** Why an assertion does not prove that the holder of the key signed these bytes; undefined when it does. */
export function flawOf(
  key: ApproverKey,
  bytes: Uint8Array,
  assertion: Assertion,
): string | undefined {
  if (isPasskeyAssertion(assertion)) {
    return passkeyFlaw(key, createHash('sha256').update(bytes).digest('base64url'), assertion)
  }
  if (key.passkey !== undefined) return 'a passkey signs on the page only'
  const signature = Buffer.from(assertion.signature, 'base64')
  const isGood = isSigned(readPublicKey(key.publicKey, 'the key'), bytes, signature)
  return isGood ? undefined : 'the signature is not over this act by this key'
}

/** Why an assertion is not that of this passkey to this challenge (base64url); undefined when it is. */
export function passkeyFlaw(
  { passkey, publicKey }: ApproverKey,
  challenge: string,
  assertion: PasskeyAssertion,
): string | undefined {
  if (passkey === undefined || passkey.id !== assertion.id) return 'it is of another passkey'
  const [clientData, data, signature] = [
    Buffer.from(assertion.clientDataJSON, 'base64url'),
    Buffer.from(assertion.authenticatorData, 'base64url'),
    Buffer.from(assertion.signature, 'base64url'),
  ]
  const client = parseJson(clientData.toString('utf8'))
  if (!isObject(client) || client['type'] !== 'webauthn.get') return 'it is no assertion'
  if (client['challenge'] !== challenge) return 'it answers another challenge'
  if (client['origin'] !== passkey.origin) return 'it was made on another page'
  if (client['crossOrigin'] === true) return 'it was made inside another page'
  // SHA-256 of the name, one byte of flags, four of a counter.
  if (data.length < 37) return 'it is no assertion'
  const nameHash = createHash('sha256').update(passkey.rpId).digest()
  if (!data.subarray(0, 32).equals(nameHash)) return 'it was made for another name'
  const flags = data[32] ?? 0
  if ((flags & PRESENT_AND_VERIFIED) !== PRESENT_AND_VERIFIED) return 'the person was not verified'
  const signed = Buffer.concat([data, createHash('sha256').update(clientData).digest()])
  const isGood = isSigned(readPublicKey(publicKey, 'the key'), signed, signature)
  return isGood ? undefined : 'the signature is not by this key'
}
