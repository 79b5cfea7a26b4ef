/** What the handler and the process that holds a PKCS#11 module say to each other. */
import type { AnswerAlgorithm } from '../../../common/answer-algorithm.ts'

/** Which token, and how to get at it. */
export interface TokenAccess {
  readonly modulePath: string
  readonly token: string
  readonly serial?: string
  readonly pinFile: string
  /** Sessions that sign at once. */
  readonly sessions: number
}

/** What finds a key. */
export interface TokenKey {
  readonly id: Buffer
  readonly object?: string
}

export type TokenRequest =
  | {
      readonly do: 'create'
      readonly key: Required<TokenKey>
      readonly algorithm: AnswerAlgorithm
    }
  | {
      readonly do: 'sign'
      readonly key: TokenKey
      readonly algorithm: AnswerAlgorithm
      readonly bytes: Uint8Array
    }
  | { readonly do: 'destroy'; readonly key: TokenKey }

/** The first message names the token; each further one is answered once, in any order. */
export type ToProcess =
  { readonly access: TokenAccess } | { readonly number: number; readonly request: TokenRequest }

/** The signature; or the public key, SPKI in DER; or nothing. */
export type FromProcess = { readonly number: number } & (
  { readonly result: Uint8Array | undefined } | { readonly code: string; readonly message: string }
)

/** The PIN was refused: asking again would lock the token. */
export const PIN_CODES: readonly string[] = [
  'CKR_PIN_INCORRECT',
  'CKR_PIN_INVALID',
  'CKR_PIN_LEN_RANGE',
  'CKR_PIN_EXPIRED',
  'CKR_PIN_LOCKED',
]
