/** Payees: the destinations of two requests under one id, each with its amount and tag, and which of them are the same. */
import type { Decimal } from '../protocol/decimal.ts'
import type { TxSignRequest } from '../protocol/request.ts'
import { partsOf } from '../policy/chains/address.ts'
import { BUILT_IN_ASSETS } from '../policy/chains/built-in-assets.ts'
import { isSameAddress } from '../policy/chains/same-address.ts'
import { destinationsOf } from '../policy/readings/destinations.ts'
import type { DestinationReading } from '../policy/readings/destinations.ts'
import { COARSE } from '../policy/readings/vocabulary.ts'

/** A destination, with what it gets and its tag. */
export interface Payee {
  readonly reading: DestinationReading
  readonly amount: Decimal | undefined
  readonly tag: unknown
}

/** What is known of assets without a policy; what it would know besides makes no two addresses one. */
const ADDRESSES = { assets: BUILT_IN_ASSETS, tagsSent: false }

/** The destinations, as the policy reads them. */
export function payeesOf(tx: TxSignRequest): readonly Payee[] {
  const entries: readonly unknown[] = Array.isArray(tx.destinations) ? tx.destinations : []
  return destinationsOf(tx, ADDRESSES).map((reading, index) => {
    const entry = entries[index]
    const tag = [memberOf(entry, 'dstTag'), memberOf(entry, 'displayDstTag')].find(isText)
    return { reading, amount: decimalOf(memberOf(entry, 'amountNative')), tag }
  })
}

/** A member of a value of unknown form. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** More destinations than this are compared as a whole: pairing costs their number squared. */
const MAX_PAIRED = 200

/** Which destinations of two requests are the same. */
export interface Pairs {
  /** The later request has one that the earlier does not have. */
  readonly added: boolean
  /** The earlier request has one that the later does not have. */
  readonly missing: boolean
  readonly same: readonly (readonly [Payee, Payee])[]
}

/** Pairs the destinations of an earlier and a later request. Where one of them names none, nothing differs. */
export function pairsOf(earlier: readonly Payee[], later: readonly Payee[]): Pairs {
  const isUnknown = (payees: readonly Payee[]) => payees.every(({ reading }) => reading.isEmpty)
  if (isUnknown(earlier) || isUnknown(later)) return { added: false, missing: false, same: [] }
  if (Math.max(earlier.length, later.length) > MAX_PAIRED) {
    const isSame =
      earlier.length === later.length &&
      later.every((payee, index) => isSamePayee(earlier[index], payee))
    return { added: !isSame, missing: false, same: [] }
  }
  const partners = pair(earlier, later)
  const same = [...partners].flatMap(([at, by]) => {
    const [one, other] = [earlier[at], later[by]]
    return one === undefined || other === undefined ? [] : [[one, other] as const]
  })
  return { added: same.length < later.length, missing: same.length < earlier.length, same }
}

/** As many pairs as there can be (Kuhn's algorithm): positions in `earlier` to those in `later`. */
function pair(earlier: readonly Payee[], later: readonly Payee[]): ReadonlyMap<number, number> {
  const fits = later.map((payee) =>
    earlier.flatMap((one, at) => (isSamePayee(one, payee) ? [at] : [])),
  )
  const taken = new Map<number, number>()
  const find = (by: number, tried: Set<number>): boolean =>
    (fits[by] ?? []).some((at) => {
      if (tried.has(at)) return false
      tried.add(at)
      const holder = taken.get(at)
      if (holder !== undefined && !find(holder, tried)) return false
      taken.set(at, by)
      return true
    })
  for (const by of later.keys()) find(by, new Set())
  return taken
}

/** What is unknown of one of them is no difference. A known address says more than words for its account. */
function isSamePayee(one: Payee | undefined, other: Payee): boolean {
  if (one === undefined || differ(one.tag, other.tag)) return false
  const [here, there] = [one.reading, other.reading]
  const [a, b] = [here.address().texts, there.address().texts]
  if (a.length > 0 && b.length > 0) {
    return a.some((text) => b.some((known) => isOneAddress(text, known)))
  }
  return !areApart(here.id.texts, there.id.texts) && !typesDiffer(here, there)
}

/** Two keys of one address, of which one may not know the tag. */
function isOneAddress(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)]
  const isOneTag = a.tag === b.tag || a.isUnknown || b.isUnknown
  return isOneTag && isSameAddress(a.bare, b.bare, undefined)
}

function typesDiffer({ type: one }: DestinationReading, { type: other }: DestinationReading) {
  const [a, b] = [wordsOf(one), wordsOf(other)]
  return areApart(a, b) && !isCoarse(a, b) && !isCoarse(b, a)
}

function wordsOf({ texts, also, perhaps, coarse }: DestinationReading['type']): readonly string[] {
  if (texts.length === 0) return []
  return [...texts, ...also, ...perhaps, ...(coarse === undefined ? [] : [coarse])]
}

function isCoarse(words: readonly string[], finer: readonly string[]): boolean {
  return words.some((word) => finer.some((one) => COARSE.get(word)?.has(one) === true))
}

/** Both known, and nothing in common. */
function areApart(a: readonly string[], b: readonly string[]): boolean {
  return a.length > 0 && b.length > 0 && !meet(a, b)
}

function meet(a: readonly string[], b: readonly string[]): boolean {
  return a.some((text) => b.includes(text))
}

/** True for two texts that are known and not the same. */
export function differ(a: unknown, b: unknown): boolean {
  return isText(a) && isText(b) && a !== b
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** An amount that is known and readable. */
export function decimalOf(value: unknown): Decimal | undefined {
  const [units, scale] = [memberOf(value, 'units'), memberOf(value, 'scale')]
  return typeof units === 'bigint' && typeof scale === 'number' ? { units, scale } : undefined
}
