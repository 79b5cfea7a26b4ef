/** The port to an answer key: whatever holds it, in a file, in hardware or at a service. */
import type { KeyObject } from 'node:crypto'
import type { AnswerAlgorithm } from '../../common/answer-algorithm.ts'

/** Signs with one key. */
export interface Signer {
  /** RSA-2048, or EC P-256; what the co-signer is given. */
  readonly publicKey: KeyObject
  /** That of the key. */
  readonly algorithm: AnswerAlgorithm
  /** Signatures that it works on at once; absent: those of the thread pool of this process. */
  readonly lanes?: number
  /**
   * Signs bytes as a JWS does (RFC 7518 §3.3, §3.4): RSASSA-PKCS1-v1_5 with SHA-256, or ECDSA with SHA-256 as R‖S, 64
   * bytes. Should give up when the signal aborts.
   */
  readonly sign: (bytes: Buffer, signal?: AbortSignal) => Promise<Buffer>
}
