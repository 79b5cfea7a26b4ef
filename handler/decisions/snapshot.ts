/**
 * Border between the rules and a database: what a batch must see, what a store holds of it, and what is to be written
 * afterwards, all in one transaction.
 */
import type { LimitCharge } from '../policy/decision.ts'
import type { RequestKey } from '../protocol/digest.ts'
import type { HoldRow } from './holds.ts'
import type { Charge, LimitState } from './limits.ts'
import type { Freeze } from '../../common/admin-api.ts'
import type { ChainHead, ChainRow } from './record.ts'
import type { KnownVariants, VariantPlace, VariantRow } from './variants.ts'

/** One limit and key, with the window that is asked about. */
export type LimitPlace = Pick<LimitCharge, 'limit' | 'key' | 'windowMs'>

/** What a decision may spend, and the variants that it may belong to. */
export interface SpendPlace extends VariantPlace {
  readonly limits: readonly LimitPlace[]
}

/** What a batch must see. */
export interface Needs {
  /** Requests that are recorded, or asked about. */
  readonly requests: readonly RequestKey[]
  /** Those of them that a release at the approval stage may serve. */
  readonly carries: readonly RequestKey[]
  /** Names of single uses. */
  readonly uses: ReadonlySet<string>
  /** Ids of holds. */
  readonly holds: ReadonlySet<string>
  readonly spends: readonly SpendPlace[]
  /** Owners whose charges are to be released. */
  readonly owners: ReadonlySet<string>
}

/** What a store holds of what a batch needs; what a map lacks, the store lacks. */
export interface Snapshot {
  readonly head: ChainHead
  readonly freeze: Freeze | undefined
  /** By fingerprint; ascending, at most `MAX_CANDIDATES` of each. Without tokens, but those of `tokensNeeded` and `releasesIn`. */
  readonly records: ReadonlyMap<number, readonly ChainRow[]>
  /** By name. */
  readonly uses: ReadonlyMap<string, UseRow>
  /** By id. */
  readonly holds: ReadonlyMap<string, HoldRow>
  /** By `variantsName`; each of `Needs.spends` has one. */
  readonly variants: ReadonlyMap<string, KnownVariants>
  /** By `limitName`; each of the limits of `Needs.spends` has one. */
  readonly limits: ReadonlyMap<string, LimitRow>
  /** By `chargeName`; those of all variants that a decision may belong to. */
  readonly charges: ReadonlyMap<string, ChargeRow>
  /** All charges of all variants of each owner in `Needs.owners`. */
  readonly owned: readonly ChargeRow[]
}

/** A charge and its place. */
export interface ChargeRow extends Charge {
  readonly limit: string
  readonly key: string
  /** See `variantOwner`. */
  readonly owner: string
}

/** What a batch changes. Rows replace those of the same name; records come first, for the others refer to them. */
export interface Changes {
  readonly records: readonly ChainRow[]
  /** The end of the chain after them. */
  readonly head: ChainHead
  readonly charges: readonly ChargeRow[]
  readonly limits: readonly LimitRow[]
  /** To be removed; the totals of their limits are to be removed, too, and the window set to 0. */
  readonly released: readonly ChargeRow[]
  readonly uses: readonly UseRow[]
  /** To be added. */
  readonly variants: readonly VariantRow[]
  readonly holds: readonly HoldRow[]
  /** Undefined when it stays as it is, null when there is none any more. */
  readonly freeze: Freeze | null | undefined
}

/** One limit and key. */
export interface LimitRow {
  readonly limit: string
  readonly key: string
  readonly state: LimitState
}

/** A single use that the approval in record `seq` used up. */
export interface UseRow {
  readonly name: string
  /** See `variantOwner`. */
  readonly owner: string
  readonly seq: number
}

/** Name of a limit and key. */
export function limitName({ limit, key }: Pick<LimitCharge, 'limit' | 'key'>): string {
  return JSON.stringify([limit, key])
}

/** Name of what an owner was charged of a limit and key. */
export function chargeName({
  limit,
  key,
  owner,
}: Pick<ChargeRow, 'limit' | 'key' | 'owner'>): string {
  return JSON.stringify([limit, key, owner])
}
