/** Signs with a key in memory, on the thread pool. */
import { constants, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { algorithmOf } from '../../../common/answer-algorithm.ts'
import type { Signer } from '../../protocol/signer.ts'

/** A signer of a private key that was read from a file. Takes no notice of the signal: it never waits for anybody. */
export function fileSigner(privateKey: KeyObject): Signer {
  const publicKey = createPublicKey(privateKey)
  const algorithm = algorithmOf(publicKey)
  const key =
    algorithm === 'ES256'
      ? // RFC 7518 §3.4 wants R‖S; OpenSSL would give a DER sequence.
        { key: privateKey, dsaEncoding: 'ieee-p1363' as const }
      : { key: privateKey, padding: constants.RSA_PKCS1_PADDING }
  return {
    publicKey,
    algorithm,
    sign: (bytes) =>
      new Promise((resolve, reject) => {
        sign('sha256', bytes, key, (error, signature) => {
          if (error === null) resolve(signature)
          else reject(error)
        })
      }),
  }
}
