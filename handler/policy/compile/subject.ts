/** One request with the facts, as conditions see it: values that cost something are computed once, when asked for. */
import { addDecimals } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type {
  CallbackRequest,
  ConfigChangeRequest,
  Text,
  TxSignRequest,
} from '../../protocol/request.ts'
import { addressKey } from '../chains/address.ts'
import type { Facts } from '../facts.ts'

export interface Subject {
  readonly request: CallbackRequest
  readonly facts: Facts
  /** The request when it is about a transaction. */
  readonly tx: TxSignRequest | undefined
  /** The request when it is about a configuration change. */
  readonly config: ConfigChangeRequest | undefined
  /** See `destinationTexts`, for addresses: keys that compare equal exactly when the addresses do. */
  addressKeys(): readonly (string | undefined)[]
  /** The sum of the destinations' `amountUSD`, the vendor's own estimate; undefined when one of them has none. */
  totalUsd(): Decimal | undefined
}

export function subjectOf(request: CallbackRequest, facts: Facts): Subject {
  const tx = request.endpoint === 'tx_sign_request' ? request : undefined
  const config = request.endpoint === 'config_change_sign_request' ? request : undefined
  let keys: readonly (string | undefined)[] | undefined
  return {
    request,
    facts,
    tx,
    config,
    addressKeys: () => (keys ??= addressKeysOf(destinationAddresses(tx))),
    totalUsd: () => totalUsdOf(tx?.destinations),
  }
}

/** Members that both the top level and every entry of `destinations` may carry. */
export type DestinationMember = 'type' | 'id' | 'addressType' | 'name' | 'subType'

const TOP = {
  type: 'destType',
  id: 'destId',
  addressType: 'destAddressType',
  name: undefined,
  subType: undefined,
} as const

const ENTRY = {
  type: 'dstType',
  id: 'dstId',
  addressType: 'dstAddressType',
  name: 'dstName',
  subType: 'dstSubType',
} as const

/**
 * Every text that a condition on this member must hold for: the top-level field when it was sent, and one per entry of
 * `destinations`. An entry without the member, a null, or an empty or null list gives an undefined or null, which
 * nothing matches.
 */
export function destinationTexts(
  tx: TxSignRequest | undefined,
  member: DestinationMember,
): readonly Text[] {
  const field = TOP[member]
  const top = field === undefined ? undefined : tx?.[field]
  const texts: Text[] = top === undefined ? [] : [top]
  const destinations = tx?.destinations
  if (destinations === undefined) return texts
  if (destinations === null || destinations.length === 0) return [...texts, undefined]
  for (const entry of destinations) texts.push(entry[ENTRY[member]])
  return texts
}

/**
 * Every address of the request, as `destinationTexts`: an entry has up to two of them. An entry without any is told by
 * the top-level address only when it is the only entry; vault destinations have none before the signing stage.
 */
export function destinationAddresses(tx: TxSignRequest | undefined): readonly Text[] {
  const top = tx?.destAddress
  const destinations = tx?.destinations
  const texts: Text[] = top === undefined ? [] : [top]
  if (destinations === undefined) return texts
  if (destinations === null || destinations.length === 0) return [...texts, undefined]
  for (const { dstAddress, displayDstAddress } of destinations) {
    if (dstAddress !== undefined) texts.push(dstAddress)
    if (displayDstAddress !== undefined) texts.push(displayDstAddress)
    const none = dstAddress === undefined && displayDstAddress === undefined
    if (none && (top === undefined || destinations.length > 1)) texts.push(undefined)
  }
  return texts
}

function addressKeysOf(texts: readonly Text[]): readonly (string | undefined)[] {
  let text: Text
  let key: string | undefined
  return texts.map((next) => {
    if (typeof next !== 'string') return undefined
    if (next !== text) key = addressKey(next)
    text = next
    return key
  })
}

function totalUsdOf(destinations: TxSignRequest['destinations']): Decimal | undefined {
  if (destinations === undefined || destinations === null || destinations.length === 0) {
    return undefined
  }
  let total: Decimal = { units: 0n, scale: 0 }
  for (const { amountUSD } of destinations) {
    if (amountUSD === undefined || amountUSD === null) return undefined
    total = addDecimals(total, amountUSD)
  }
  return total
}
