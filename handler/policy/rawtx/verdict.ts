/** What the bytes to be signed say about the request: never a silent pass. */

import type { Decimal } from '../../protocol/decimal.ts'
import type { Recipient } from './recipient.ts'

/** Parts of what `verified` promises that can be missing although bytes and request agree. */
export const PROOFS = ['fee', 'vault-address', 'chain', 'recipient'] as const

/**
 * `fee`: what the bytes leave for miners, or may cost in gas, is not known to be at most `fee`. `vault-address`: nothing says
 * that the address belongs to the vault account that the request names. `chain`: the signature may be good on another
 * chain. `recipient`: only the bytes name who is paid.
 */
export type Proof = (typeof PROOFS)[number]

/** Facts read from the bytes, for the policy; only what was proved. */
export interface RawTxFacts {
  /** 4-byte selectors of the calls that the entries make, each once: `0x` and 8 lower-case hex digits. */
  readonly selectors?: readonly string[]
  /** There are entries whose call could not be decoded. */
  readonly undecoded?: true
  /** Who is paid at the one destination whose address the request leaves out. */
  readonly recipient?: Recipient
  /** Signature hash types other than ALL that were found, e.g. `NONE|ANYONECANPAY`. */
  readonly sighashTypes?: readonly string[]
  /** EIP-712 primary type and domain members, as text. */
  readonly primaryType?: string
  readonly domain?: Readonly<Record<string, string>>
  /** Hex SHA-256 that names the contents of a RAW or TYPED_MESSAGE request; an extra signature may vouch for it. */
  readonly contentDigest?: string
  /** The fee was taken out of `requestedAmount`: the recipient gets that much less. */
  readonly gross?: true
  /** The most that gas may cost, in the chain's coin, when that is more than the request's `fee`. */
  readonly feeBound?: Decimal
  /** The chain id that typed data are for, when it is not the asset's. */
  readonly otherChain?: string
}

/**
 * `verified`: the bytes were rebuilt or decoded, agree with the request, and prove all that docs/raw-transactions.md lists.
 * `unproven`: they agree, and prove all but what is named. `mismatch`: they contradict the request; no rule can approve
 * that. `unverifiable`: this version cannot tell, and says why. `absent`: the request carries no raw transaction.
 */
export type RawTxVerdict =
  | { readonly status: 'verified'; readonly facts: RawTxFacts }
  | {
      readonly status: 'unproven'
      /** In the order of `PROOFS`, at least one. */
      readonly unproven: readonly Proof[]
      readonly facts: RawTxFacts
    }
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

/** Nothing contradicts; `verified` when nothing is missing. */
export function proven(missing: Iterable<Proof>, facts: RawTxFacts = {}): Finding {
  const parts = new Set(missing)
  const unproven = PROOFS.filter((part) => parts.has(part))
  return unproven.length === 0 ? verified(facts) : { status: 'unproven', unproven, facts }
}

/** The finding with more that is not proved; what is no proof at all stays as it is. */
export function lacking(finding: Finding, more: readonly Proof[]): Finding {
  if (finding.status === 'verified') return proven(more, finding.facts)
  return finding.status === 'unproven'
    ? proven([...finding.unproven, ...more], finding.facts)
    : finding
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

const GRAVITY = { verified: 0, unproven: 1, unverifiable: 2, mismatch: 3 } as const

/** A mismatch is graver than an unverifiable finding, that than an unproven one, and that than a verified one. */
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
