/** A key in a keystore as a signer: bounded in time, and no signature leaves that the paired public key does not verify. */
import { type KeyObject, randomBytes, verify } from 'node:crypto'
import type { AnswerAlgorithm } from '../../../common/answer-algorithm.ts'
import { algorithmOf } from '../../../common/answer-algorithm.ts'
import { type After, systemAfter } from '../../../common/clock.ts'
import type { Signer } from '../../protocol/signer.ts'
import { KeystoreError } from './keystore.ts'
import type { Keystores } from './keystores.ts'
import { within } from './within.ts'

/** Longest time for one signature: the RETRY at the deadline must still reach the co-signer within its 30 s. */
export const SIGNATURE_LIMIT_MS = 3_000

/** Signatures of one key at a time: a keystore answers over a network, and works on several. */
export const LANES = 16

/** A signer by the name of a key; the keystore is asked for at each signature, so that a lost one comes back. */
export function keystoreSigner(
  keystores: Keystores,
  name: string,
  publicKey: KeyObject,
  after: After = systemAfter,
): Signer {
  const algorithm = algorithmOf(publicKey)
  return {
    publicKey,
    algorithm,
    lanes: LANES,
    async sign(bytes, signal) {
      const keystore = await keystores.of(name)
      const late = `no signature within ${SIGNATURE_LIMIT_MS} ms`
      const signature = await within(SIGNATURE_LIMIT_MS, { late, signal, after }, (limit) =>
        keystore.sign(name, algorithm, bytes, limit),
      )
      if (verifies(publicKey, algorithm, bytes, signature)) return signature
      throw new KeystoreError('the keystore gave a signature that the paired key does not verify')
    },
  }
}

function verifies(
  key: KeyObject,
  algorithm: AnswerAlgorithm,
  bytes: Buffer,
  signature: Buffer,
): boolean {
  return algorithm === 'ES256'
    ? verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)
    : verify('sha256', bytes, key, signature)
}

/** One signature over fresh bytes that no answer, request or checkpoint can be. @throws what the signer throws */
export async function prove(signer: Signer): Promise<void> {
  await signer.sign(Buffer.from(`countersign proof ${randomBytes(16).toString('hex')}`))
}
