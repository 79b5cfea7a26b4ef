/** The answer claims: APPROVE can be made in one function only, and it asks for proof of the record. */
import type { Action } from './endpoints.ts'

/** What the co-signer reads (vendor: response object). */
export interface AnswerClaims {
  readonly action: Action
  /** As received, byte for byte. */
  readonly requestId: string
  /** Printable ASCII, at most 256 characters; absent on APPROVE. */
  readonly rejectionReason?: string
}
