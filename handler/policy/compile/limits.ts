/** Rolling limits: what a policy declares, and what one request would charge to them. */
import { addDecimals, parseDecimal } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { TxSignRequest } from '../../protocol/request.ts'
import { Unreadable } from '../../protocol/request.ts'
import { partsOf } from '../chains/address.ts'
import type { AddressRules } from '../chains/address.ts'
import type { Decision, LimitCharge } from '../decision.ts'
import { durationMs } from '../../../common/duration.ts'
import { isDecimal, largestAmount } from '../readings/amounts.ts'
import { destinationsOf } from '../readings/destinations.ts'
import type { DestinationReading } from '../readings/destinations.ts'
import { canonicalType } from '../readings/vocabulary.ts'
import type { Findings } from './lists.ts'
import type { LimitEntry } from '../file/schema.ts'

type KeyPart = 'asset' | 'source' | 'destination' | 'account' | 'signer'

/** One rolling limit of a policy. */
export interface Limit {
  readonly name: string
  readonly windowMs: number
  /** Inclusive bounds over the window; undefined = not bounded. */
  readonly maxCount: number | undefined
  readonly maxAmount: Decimal | undefined
  /** The limit is kept apart for each combination of these; in this order. */
  readonly by: readonly KeyPart[]
}

const ORDER: readonly KeyPart[] = ['asset', 'source', 'destination', 'account', 'signer']

/** An amount of different assets has no sum: a limit with an amount is always kept by asset. */
export function compileLimit(name: string, entry: LimitEntry, findings: Findings): Limit {
  if (entry.count === undefined && entry.amount === undefined) {
    findings.report(['limits', name], 'expected `count`, `amount` or both')
  }
  const by = new Set<KeyPart>(entry.by === undefined ? [] : [entry.by].flat())
  if (entry.amount !== undefined) by.add('asset')
  if (by.has('destination') && by.has('account')) {
    findings.report(['limits', name, 'by'], 'expected `destination` or `account`, not both')
  }
  return {
    name,
    windowMs: durationMs(entry.window),
    maxCount: entry.count,
    maxAmount: entry.amount === undefined ? undefined : parseDecimal(entry.amount),
    by: ORDER.filter((part) => by.has(part)),
  }
}

/** What goes to one destination, under one of the names that it has. */
interface Share {
  /** `''`: whatever the destination. */
  readonly destination: string
  readonly amount: Decimal | undefined
  /** See `LimitCharge`. */
  readonly onlyIfSpent: boolean
}

/**
 * What the request charges to a limit: one charge, or those of each destination when the limit is kept by destination.
 * Undefined when the request lacks something that the limit is kept by, or the amount: then the limit
 * cannot vouch for it.
 */
export function chargesFor(
  limit: Limit,
  tx: TxSignRequest,
  addresses: AddressRules,
  otherwise: Decision,
): readonly LimitCharge[] | undefined {
  const parts: string[] = []
  for (const part of limit.by) {
    if (part === 'destination' || part === 'account') continue
    const value = keyPart(part, tx)
    if (value === undefined) return undefined
    parts.push(`${part}=${value}`)
  }
  const place = (['destination', 'account'] as const).find((part) => limit.by.includes(part))
  const shares =
    place === undefined
      ? [wholeShare(tx)]
      : destinationShares(tx, addresses, place === 'account' ? accountsOf : namesOf)
  if (shares === undefined) return undefined
  const charges: LimitCharge[] = []
  for (const { destination, amount, onlyIfSpent } of shares) {
    if (limit.maxAmount !== undefined && amount === undefined) return undefined
    charges.push({
      limit: limit.name,
      key: [...parts, ...(destination === '' ? [] : [`${place}=${destination}`])].join('|'),
      windowMs: limit.windowMs,
      maxCount: limit.maxCount,
      amount: limit.maxAmount === undefined ? undefined : amount,
      maxAmount: limit.maxAmount,
      ...(onlyIfSpent ? { onlyIfSpent: true } : {}),
      otherwise,
    })
  }
  return charges
}

/** Something that limits look at is there and cannot be read: then a request is put off, not refused, by what it lacks. */
export function hidesFromLimits(tx: TxSignRequest, addresses: AddressRules): boolean {
  const { destinations, asset, signerId, sourceType, sourceId, amount } = tx
  const entries = destinations instanceof Unreadable ? [] : (destinations ?? [])
  const parts = [asset, signerId, sourceType, sourceId, amount]
  const shares = entries.map(({ amountNative }) => amountNative)
  return (
    [...parts, ...shares].some((part) => part instanceof Unreadable) ||
    destinationsOf(tx, addresses).some(
      (each) => each.type.unreadable || each.id.unreadable || each.address().unreadable,
    )
  )
}

function keyPart(
  part: Exclude<KeyPart, 'destination' | 'account'>,
  tx: TxSignRequest,
): string | undefined {
  if (part === 'asset') return typeof tx.asset === 'string' ? textKey(tx.asset) : undefined
  if (part === 'signer') return typeof tx.signerId === 'string' ? textKey(tx.signerId) : undefined
  const { sourceType: type, sourceId: id } = tx
  if (typeof type !== 'string' || typeof id !== 'string') return undefined
  return `${canonicalType(textKey(type))}:${textKey(id)}`
}

/** The separators of a key never occur inside its parts. */
function textKey(text: string): string {
  return text.replaceAll(/[%|=:]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
}

function wholeShare(tx: TxSignRequest): Share {
  return { destination: '', amount: largestAmount(tx), onlyIfSpent: false }
}

/**
 * Names that destinations share add up; what only the top level names may be where all of it goes. Undefined when one of
 * them cannot be named.
 */
function destinationShares(
  tx: TxSignRequest,
  addresses: AddressRules,
  nameOf: typeof namesOf,
): readonly Share[] | undefined {
  if (tx.destinations instanceof Unreadable) return undefined
  const readings = destinationsOf(tx, addresses)
  const shares = new Map<string, Share>()
  for (const [index, reading] of readings.entries()) {
    const names = nameOf(reading)
    if (names === undefined) return undefined
    const isWhole = readings.length === 1 || index === tx.destinations?.length
    const amount = isWhole ? largestAmount(tx) : entryAmount(tx, index)
    for (const { destination, onlyIfSpent } of names) {
      const before = shares.get(destination)
      if (before !== undefined && isWhole) continue
      const sum = before === undefined ? amount : sumOf(before.amount, amount)
      const isOptional = onlyIfSpent && before?.onlyIfSpent !== false
      shares.set(destination, { destination, amount: sum, onlyIfSpent: isOptional })
    }
  }
  return [...shares.values()]
}

/** What an entry says that it gets. */
function entryAmount({ destinations }: TxSignRequest, index: number): Decimal | undefined {
  if (destinations instanceof Unreadable) return undefined
  const amount: unknown = destinations?.[index]?.amountNative
  return isDecimal(amount) ? amount : undefined
}

function sumOf(a: Decimal | undefined, b: Decimal | undefined): Decimal | undefined {
  return a === undefined || b === undefined ? undefined : addDecimals(a, b)
}

/**
 * Every address that is stated; without one, the account by type and id. Charges that stand under an account, or under type and
 * address as version 0.1.0 named and spelled it, count beside. Undefined when there is nothing to name it by, or an address is unreadable.
 */
function namesOf(reading: DestinationReading): readonly Omit<Share, 'amount'>[] | undefined {
  const { type, id } = reading
  const { texts: keys, unreadable } = reading.address()
  // Whatever its tag, which the initiator may choose freely.
  const addresses = [...new Set(keys.map((key) => partsOf(key).bare))]
  const kind = type.coarse ?? type.texts[0]
  if (unreadable || (addresses.length === 0 && (kind === undefined || id.texts.length === 0))) {
    return undefined
  }
  const under = (texts: readonly string[], onlyIfSpent: boolean) =>
    kind === undefined
      ? []
      : texts.map((text) => ({ destination: `${textKey(kind)}:${textKey(text)}`, onlyIfSpent }))
  return [
    ...under(id.texts, addresses.length > 0),
    ...addresses.map((address) => ({ destination: textKey(address), onlyIfSpent: false })),
    ...(id.texts.length === 0 ? under([...addresses, ...reading.earlierTexts()], true) : []),
  ]
}

/** The account by type and id, whatever its address; undefined for a destination that is none. */
function accountsOf({ type, id }: DestinationReading): ReturnType<typeof namesOf> {
  const kind = type.coarse ?? type.texts[0]
  if (kind === undefined || id.texts.length === 0 || id.unreadable) return undefined
  return id.texts.map((text) => ({
    destination: `${textKey(kind)}:${textKey(text)}`,
    onlyIfSpent: false,
  }))
}
