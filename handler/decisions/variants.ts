/**
 * Variants: the signatures that may come into being under one request of a transaction. Each owns what it is charged and
 * what it uses up. See docs/decisions/charges.md.
 */
import { sha256 } from '../protocol/digest.ts'
import { readRecent } from '../protocol/stored-token.ts'
import type { TxSignRequest } from '../protocol/request.ts'
import { isSameCore } from './cores.ts'
import { memberOf } from './payees.ts'
import type { NewDecision } from './store.ts'

/** Approvals that spend something, under one transaction and request: more are refused, at a constant cost. */
export const MAX_SPENDING = 64

/** An approval that belongs to a variant. */
export interface VariantRow {
  /** The transaction. */
  readonly owner: string
  readonly requestId: string
  /** Number of the variant within the transaction, from 1. */
  readonly n: number
  /** Record of the approval. */
  readonly seq: number
  /** Digest of the bytes to be signed; null when the approval had none. */
  readonly bytes: string | null
}

/** The same, with the co-signer's token where it may have to be compared. */
export interface KnownVariant extends VariantRow {
  readonly token: string | null
}

/** What a store knows of the variants of one transaction and request. */
export interface KnownVariants {
  /** At most `MAX_SPENDING`. */
  readonly rows: readonly KnownVariant[]
  /** The highest number within the transaction, whatever the request; 0 when there is none. */
  readonly last: number
}

/** Which variants a decision may belong to. */
export interface VariantPlace {
  readonly owner: string
  readonly requestId: string
  readonly bytes: string | null
}

/** Whether an approval belongs to a variant: it spends something of which the transaction may not have more. */
export function spends({ charges, singleUses }: Pick<NewDecision, 'charges' | 'singleUses'>) {
  return charges.length + singleUses.length > 0
}

/** Where the variants of a decision are looked up. */
export function variantPlaceOf({ key, evidence, bytes }: NewDecision): VariantPlace {
  return { owner: evidence.owner, requestId: key.requestId, bytes: bytes ?? null }
}

/** Name of a transaction and request. */
export function variantsName({ owner, requestId }: Omit<VariantPlace, 'bytes'>): string {
  return JSON.stringify([owner, requestId])
}

/**
 * Who owns a charge or a single use. The first variant has the bare name of its transaction, as every charge of version
 * 0.1.0 had. No id has an arrow in it.
 */
export function variantOwner(owner: string, n: number): string {
  return n === 1 ? owner : `${owner}${ARROW}${n}`
}

const ARROW = '\u2192'

/** First and last name, both excluded, between which those of the further variants of a transaction lie. */
export function furtherOwners(owner: string): readonly [string, string] {
  return [`${owner}${ARROW}`, `${owner}${ARROW}:`]
}

/** Whether a variant of that transaction has this name. */
export function isVariantOf(name: string, owner: string): boolean {
  return name === owner || name.startsWith(`${owner}${ARROW}`)
}

/** Owners of which a store may hold charges that count for a decision, whichever variant it will belong to. */
export function possibleOwners(owner: string, { rows, last }: KnownVariants): readonly string[] {
  const numbers = new Set(rows.map(({ n }) => n))
  // What version 0.1.0 charged is of the variant that comes first.
  if (last === 0) numbers.add(1)
  return [...numbers].map((n) => variantOwner(owner, n))
}

/** Variants that have no bytes, or the same ones: what they know of the core must be looked at. */
export function fitting<R extends Pick<VariantRow, 'n' | 'bytes'>>(
  rows: readonly R[],
  bytes: string | null,
): ReadonlyMap<number, readonly R[]> {
  const variants = new Map<number, R[]>()
  for (const row of rows) variants.set(row.n, [...(variants.get(row.n) ?? []), row])
  if (bytes === null) return variants
  for (const [n, own] of variants) {
    if (own.some((row) => row.bytes !== null && row.bytes !== bytes)) variants.delete(n)
  }
  return variants
}

/** Number of the variant that an approval belongs to: an earlier one, or a new one; undefined when there are too many. */
export function variantFor({ rows, last }: KnownVariants, entry: NewDecision): number | undefined {
  if (rows.length >= MAX_SPENDING) return undefined
  for (const [n, own] of fitting(rows, entry.bytes ?? null)) {
    if (own.every(({ token }) => isOfSameCore(token, entry.evidence.token))) return n
  }
  return last + 1
}

/** What cannot be read is another core: it is counted again. */
function isOfSameCore(earlier: string | null, later: string): boolean {
  if (earlier === null) return false
  if (earlier === later) return true
  const [one, other] = [transactionIn(earlier), transactionIn(later)]
  return one !== undefined && other !== undefined && isSameCore(one, other)
}

/** The transaction in a token that was stored; undefined when it cannot be read as one, or is too large to be compared. */
export function transactionIn(token: string): TxSignRequest | undefined {
  const request = readRecent('tx_sign_request', token)
  return typeof request === 'object' && request.endpoint === 'tx_sign_request' ? request : undefined
}

/**
 * Digest of what is to be signed: the entries of `rawTx` in any order, hex in any spelling. Undefined when the request
 * has none.
 */
export function bytesOf({ rawTx }: TxSignRequest): string | undefined {
  const entries: unknown = rawTx
  if (entries === undefined || entries === null) return undefined
  if (!Array.isArray(entries)) return sha256(textOf(entries))
  if (entries.length === 0) return undefined
  const parts = entries.map((entry: unknown) => PARTS.map((name) => textOf(memberOf(entry, name))))
  return sha256(JSON.stringify(parts.map((part) => JSON.stringify(part)).toSorted()))
}

const PARTS = ['rawTx', 'payload', 'keyDerivationPath'] as const

/** One spelling of hex and of a derivation path. */
function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value ?? null))
    .toLowerCase()
    .replace(/^0x/, '')
    .replaceAll(/[\s[\]"]/g, '')
}
