/** Extra signatures: the initiator's own statement of what it asked for, compared with what is about to be approved. */
import type { TxSignRequest } from '../protocol/request.ts'

/** A key that may sign statements. Rotation: list the new key, let initiators change over, give the old one a `notAfter`. */
export interface StatementKey {
  readonly name: string
  /** PEM `PUBLIC KEY`: Ed25519, EC P-256 or RSA; the type fixes the algorithm. */
  readonly publicKey: string
  /** ISO 8601; statements are refused from then on. */
  readonly notAfter?: string
}

/** Verifies `signature` over `bytes`; the algorithm is fixed by the key's type. Must not throw. */
export type VerifySignature = (
  publicKey: string,
  bytes: Uint8Array,
  signature: Uint8Array,
) => boolean

export type StatementCheck =
  | {
      readonly status: 'valid'
      /** Hex SHA-256 of the signed bytes; single use under `statement:<digest>`. */
      readonly digest: string
      readonly keyName: string
      /** The RAW or TYPED_MESSAGE contents that were signed for; pass to `verifyRawTx` as `approvedContent`. */
      readonly contentDigest: string | undefined
    }
  | { readonly status: 'invalid'; readonly reason: string }
  | { readonly status: 'absent' }

/** Checks the statement in `extraParameters` against the request's content. Pure; never throws. */
export function checkStatement(
  request: TxSignRequest,
  keys: readonly StatementKey[],
  now: Date,
  verifySignature: VerifySignature,
): StatementCheck {
  void keys
  void now
  void verifySignature
  if (request.extraParameters?.['statement'] === undefined) return { status: 'absent' }
  return { status: 'invalid', reason: 'statements are not checked yet' }
}
