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
  /** Hex SHA-256 that names the contents of a RAW or TYPED_MESSAGE request; an extra signature may vouch for it. */
  readonly contentDigest?: string
  /** The fee was taken out of `requestedAmount`: the recipient gets that much less. */
  readonly gross?: true
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

/** A verdict on an entry or a request that does carry bytes. */
export type Finding = Exclude<RawTxVerdict, { readonly status: 'absent' }>

/** Nothing contradicts, everything that `verified` promises was shown. */
export function verified(facts: RawTxFacts = {}): Finding {
  return { status: 'verified', facts }
}

/** A contradiction; both values are made printable and short. */
export function mismatch(
  field: string,
  expected: string,
  found: string,
  facts: RawTxFacts = {},
): Finding {
  return {
    status: 'mismatch',
    field,
    expected: printable(expected),
    found: printable(found),
    facts,
  }
}

/** Neither proved nor contradicted. */
export function unverifiable(reason: string, facts: RawTxFacts = {}): Finding {
  return { status: 'unverifiable', reason: printable(reason), facts }
}

const GRAVITY = { verified: 0, unverifiable: 1, mismatch: 2 } as const

/** A mismatch is graver than an unverifiable finding, and that than a verified one. */
export function isGraver(a: Finding, b: Finding): boolean {
  return GRAVITY[a.status] > GRAVITY[b.status]
}

/** The gravest finding, the first among equals; undefined for none. */
export function gravest(findings: readonly Finding[]): Finding | undefined {
  const [first, ...others] = findings
  return others.reduce((worst, each) => (worst && isGraver(each, worst) ? each : worst), first)
}

/** At most 160 characters of printable ASCII; everything else becomes `?`. Verdicts are logged and shown. */
function printable(text: string): string {
  const short = text.length > 160 ? `${text.slice(0, 159)}~` : text
  return short.replaceAll(/[^\x20-\x7e]/g, '?')
}
