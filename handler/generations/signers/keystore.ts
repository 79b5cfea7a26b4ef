/** The port to a place that holds answer keys and never gives them away: a token, a service. */
import type { KeyObject } from 'node:crypto'
import type { AnswerAlgorithm } from '../../../common/answer-algorithm.ts'
import { CountersignError } from '../../../common/errors.ts'

/** A key that was made. */
export interface StoredKey {
  /** Goes into `meta.json` and into status: what finds the key again, and never a secret. Begins with the scheme. */
  readonly name: string
  readonly publicKey: KeyObject
}

/**
 * Holds keys under names `<scheme>:…`. Every call may reject at any time, and may be asked again; whoever calls bounds
 * the time, verifies each signature, and answers 503 when there is none.
 */
export interface Keystore {
  /** Looks at a value of `HANDLER_ANSWER_SIGNER` without asking the place. @throws KeystoreError */
  readonly check: (where: string) => void
  /**
   * Makes a key of its own for a generation, not extractable, RSA-2048 (RS256) or P-256 (ES256).
   *
   * @param where the value of `HANDLER_ANSWER_SIGNER`
   * @param label for people who look into the place, e.g. `countersign-g3`
   */
  readonly create: (where: string, label: string, algorithm: AnswerAlgorithm) => Promise<StoredKey>
  /** A signature as `Signer.sign` gives it, by the key of that name. Should give up when the signal aborts. */
  readonly sign: (
    name: string,
    algorithm: AnswerAlgorithm,
    bytes: Buffer,
    signal: AbortSignal,
  ) => Promise<Buffer>
  /** Removes the key for good; resolves as well when it is not there any more. */
  readonly destroy: (name: string) => Promise<void>
  /** Lets go of what it holds open; keys stay. */
  readonly close: () => Promise<void>
}

/** The place cannot be used: it is away, it refuses, or the name says nothing that it understands. */
export class KeystoreError extends CountersignError {}

/** `<scheme>` of `<scheme>:…`. */
export function schemeOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf(':')))
}
