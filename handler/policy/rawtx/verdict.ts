/** What the bytes to be signed say about the request: never a silent pass. */

/** Facts read from the bytes, for the policy; only what was proved. */
export interface RawTxFacts {
  /** 4-byte selector of a contract call, `0x` and 8 lower-case hex digits. */
  readonly selector?: string
  /** Contract that is called, lower-case `0x…`. */
  readonly contract?: string
  /** Signature hash types other than ALL that were found, e.g. `NONE|ANYONECANPAY`. */
  readonly sighashTypes?: readonly string[]
  /** EIP-712 primary type and domain members, as text. */
  readonly primaryType?: string
  readonly domain?: Readonly<Record<string, string>>
  /** What could not be proved although nothing contradicts it, e.g. `change output`. */
  readonly unproven?: readonly string[]
}

/**
 * `verified`: the bytes were rebuilt or decoded and agree with the request. `mismatch`: they contradict it; no rule can
 * approve that. `unverifiable`: this version cannot tell, and says why. `absent`: the request carries no raw transaction.
 */
export type RawTxVerdict =
  | { readonly status: 'verified'; readonly facts: RawTxFacts }
  | {
      readonly status: 'mismatch'
      readonly field: string
      readonly expected: string
      readonly found: string
      readonly facts: RawTxFacts
    }
  | { readonly status: 'unverifiable'; readonly reason: string; readonly facts: RawTxFacts }
  | { readonly status: 'absent' }
