/** Rolling limits: what a policy declares, and what one request would charge to them. */
import { addDecimals, parseDecimal } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { TxSignRequest } from '../../protocol/request.ts'
import { countedAddress, familyFor } from '../chains/address.ts'
import type { AddressRules } from '../chains/address.ts'
import type { AddressFamily } from '../chains/families/family.ts'
import type { Decision, LimitCharge } from '../decision.ts'
import { durationMs } from '../../../common/duration.ts'
import { largestAmount } from '../readings/amounts.ts'
import { canonicalType } from '../readings/vocabulary.ts'
import type { Findings } from './lists.ts'
import type { LimitEntry } from '../file/schema.ts'

type KeyPart = 'asset' | 'source' | 'destination' | 'signer'

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

const ORDER: readonly KeyPart[] = ['asset', 'source', 'destination', 'signer']

/** An amount of different assets has no sum: a limit with an amount is always kept by asset. */
export function compileLimit(name: string, entry: LimitEntry, findings: Findings): Limit {
  if (entry.count === undefined && entry.amount === undefined) {
    findings.report(['limits', name], 'expected `count`, `amount` or both')
  }
  const by = new Set<KeyPart>(entry.by === undefined ? [] : [entry.by].flat())
  if (entry.amount !== undefined) by.add('asset')
  return {
    name,
    windowMs: durationMs(entry.window),
    maxCount: entry.count,
    maxAmount: entry.amount === undefined ? undefined : parseDecimal(entry.amount),
    by: ORDER.filter((part) => by.has(part)),
  }
}

/** What goes to one destination. */
interface Share {
  readonly destination: string
  readonly amount: Decimal | undefined
}

/**
 * What the request charges to a limit: one charge, or one per different destination when the limit is kept by
 * destination. Undefined when the request lacks something that the limit is kept by, or the amount: then the limit
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
    if (part === 'destination') continue
    const value = keyPart(part, tx)
    if (value === undefined) return undefined
    parts.push(`${part}=${value}`)
  }
  const shares = limit.by.includes('destination')
    ? destinationShares(tx, familyFor(addresses, tx.asset))
    : [wholeShare(tx)]
  if (shares === undefined) return undefined
  const charges: LimitCharge[] = []
  for (const { destination, amount } of shares) {
    if (limit.maxAmount !== undefined && amount === undefined) return undefined
    charges.push({
      limit: limit.name,
      key: [...parts, ...(destination === '' ? [] : [`destination=${destination}`])].join('|'),
      windowMs: limit.windowMs,
      maxCount: limit.maxCount,
      amount: limit.maxAmount === undefined ? undefined : amount,
      maxAmount: limit.maxAmount,
      otherwise,
    })
  }
  return charges
}

function keyPart(part: Exclude<KeyPart, 'destination'>, tx: TxSignRequest): string | undefined {
  if (part === 'asset') return textKey(tx.asset)
  if (part === 'signer') return textKey(tx.signerId)
  const type = textKey(tx.sourceType)
  const id = textKey(tx.sourceId)
  return type === undefined || id === undefined ? undefined : `${canonicalType(type)}:${id}`
}

/** The separators of a key never occur inside its parts. */
function textKey(text: string | null | undefined): string | undefined {
  return typeof text === 'string'
    ? text.replaceAll(/[%|=:]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
    : undefined
}

function wholeShare(tx: TxSignRequest): Share {
  return { destination: '', amount: largestAmount(tx) }
}

function destinationShares(
  tx: TxSignRequest,
  family: AddressFamily | undefined,
): readonly Share[] | undefined {
  const entries = tx.destinations ?? []
  const [first, ...more] = entries
  if (first === undefined || more.length === 0) {
    const key = destinationKey(
      first?.dstType ?? tx.destType,
      first?.dstId ?? tx.destId,
      first?.dstAddress ?? first?.displayDstAddress ?? tx.destAddress,
      family,
    )
    return key === undefined ? undefined : [{ destination: key, amount: largestAmount(tx) }]
  }
  const shares = new Map<string, Decimal>()
  for (const { dstType, dstId, dstAddress, displayDstAddress, amountNative } of entries) {
    const key = destinationKey(dstType, dstId, dstAddress ?? displayDstAddress, family)
    if (key === undefined || amountNative === undefined || amountNative === null) return undefined
    const sum = shares.get(key)
    shares.set(key, sum === undefined ? amountNative : addDecimals(sum, amountNative))
  }
  return Array.from(shares, ([destination, amount]) => ({ destination, amount }))
}

type Text = string | null | undefined

/** An account of the workspace by its id, anything else by its address. */
function destinationKey(
  type: Text,
  id: Text,
  address: Text,
  family: AddressFamily | undefined,
): string | undefined {
  const kind = typeof type === 'string' ? textKey(canonicalType(type)) : undefined
  if (kind === undefined) return undefined
  if (typeof id === 'string' && id !== '') return `${kind}:${textKey(id)}`
  const key =
    typeof address === 'string' && address !== '' ? countedAddress(address, [], family) : undefined
  return key === undefined ? undefined : `${kind}:${textKey(key)}`
}
