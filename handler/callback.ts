/** The straight line from the bytes of one delivery to the signed answer. */
import type { JsonObject } from './protocol/json-value.ts'
import type { Endpoint } from './protocol/endpoints.ts'

/** One HTTP attempt of a request, before anything in it is believed. */
export interface Delivery {
  /** Our own id, for the log and the audit chain. */
  readonly deliveryId: string
  readonly endpoint: Endpoint
  /** Generation named by the path; its key must sign the answer. */
  readonly generation: number
  /** The body as received, at most `HANDLER_MAX_BODY_BYTES`. */
  readonly body: Buffer
  /** Monotonic milliseconds by which the answer must have left. */
  readonly deadlineAtMs: number
}

/** What leaves with status 200. */
export interface Answer {
  readonly contentType: 'application/jwt' | 'application/json'
  readonly body: string
}

/** Content that a co-signer's key vouches for (in `certificate` mode: that a permitted peer sent). */
export interface Verified {
  readonly claims: JsonObject
  /** The token as received, kept as evidence. */
  readonly token: string
  /** Name of the co-signer key that verified it; `''` in `certificate` mode. */
  readonly cosigner: string
}
