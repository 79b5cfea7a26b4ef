/** The two algorithms by which an answer may be signed, and which of them belongs to a key. */
import type { KeyObject } from 'node:crypto'

/**
 * `RS256` is understood by every co-signer; `ES256` from version 2026.08.19 on (vendor: release notes of the
 * co-signers).
 */
export const ANSWER_ALGORITHMS = ['RS256', 'ES256'] as const

export type AnswerAlgorithm = (typeof ANSWER_ALGORITHMS)[number]

/** The algorithm of a key, by its type: none is ever chosen by what a token or a file says. */
export function algorithmOf(key: KeyObject): AnswerAlgorithm {
  return key.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256'
}
