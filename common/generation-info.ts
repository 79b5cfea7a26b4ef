/** The public side of one generation of keys, as it crosses the admin socket. */
import type { AnswerAlgorithm } from './answer-algorithm.ts'

/**
 * `staged`: served, no pairing needs it yet. `live`: at least one pairing needs it. `draining`: no
 * pairing needs it any more, still served until quiet. `retired`: answers 410.
 */
export type GenerationState = 'staged' | 'live' | 'draining' | 'retired'

/** Requests served by one generation, since the handler's first start. */
export interface GenerationHits {
  readonly total: number
  /** ISO 8601, or null when never called. */
  readonly lastAt: string | null
  readonly bySigner: Readonly<Record<string, { readonly total: number; readonly lastAt: string }>>
}

/** The public side of one generation. */
export interface GenerationInfo {
  readonly generation: number
  readonly state: GenerationState
  /** Slot letter: `A` is the first public URL, `B` the second, … */
  readonly slot: string
  /** The base URL to give to the co-signer: `<public URL of the slot>/g<n>`. */
  readonly url: string
  /** Of the answer key. */
  readonly publicKeyPem: string
  readonly certificatePem: string
  /** Hex SHA-256 of the answer key's SPKI. */
  readonly kid: string
  readonly algorithm: AnswerAlgorithm
  /** The answer key is the certificate's. */
  readonly oneKey: boolean
  /** What holds the answer key: `file`, or the name of a key elsewhere; never a secret. */
  readonly signer: string
  /** Hex SHA-256 of the certificate's DER. */
  readonly fingerprint: string
  /**
   * Base64 SHA-256 of the certificate's SPKI, as libcurl pins it, without the `sha256//` prefix.
   */
  readonly pin: string
  /** ISO 8601. */
  readonly notBefore: string
  readonly notAfter: string
  readonly createdAt: string
  /**
   * Present while `draining`: when the drain began and how long it must be quiet, in milliseconds.
   */
  readonly drain?: { readonly since: string; readonly quietMs: number }
  readonly hits: GenerationHits
}
