/** Keys of approvers as a file writes them, in the one spelling that is compared and recorded. */
import { createHash } from 'node:crypto'
import { messageOf } from '../../../common/errors.ts'
import { readPublicKey } from '../signature.ts'
import type { ApproverKey } from './people.ts'

/** Fingerprint and canonical text of a public key; what is wrong with it otherwise. */
export function canonicalKey(
  text: string,
): Pick<ApproverKey, 'fingerprint' | 'publicKey'> | { readonly problem: string } {
  try {
    const der = readPublicKey(text, 'an approver key').export({ format: 'der', type: 'spki' })
    return {
      fingerprint: createHash('sha256').update(der).digest('hex'),
      publicKey: der.toString('base64'),
    }
  } catch (error) {
    return { problem: messageOf(error) }
  }
}

/** A fingerprint for two people to compare: 80 bits, as groups of hex digits. */
export function shortFingerprint(fingerprint: string): string {
  return fingerprint.slice(0, 20).replaceAll(/(.{4})(?=.)/g, '$1 ')
}
