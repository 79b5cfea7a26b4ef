/** Requests whose parts contradict each other: no rule can approve them, for nobody knows what would be signed. */
import { addDecimals, compareDecimals } from '../protocol/decimal.ts'
import type { Decimal } from '../protocol/decimal.ts'
import type { CallbackRequest, Destination, TxSignRequest } from '../protocol/request.ts'
import { isSameAddress } from './chains/same-address.ts'

/** What contradicts what, in words for the log; undefined when nothing does. */
export function contradictionIn(request: CallbackRequest): string | undefined {
  if (request.endpoint !== 'tx_sign_request') return undefined
  return (
    noDestination(request) ??
    wrongAddress(request) ??
    wrongAddressType(request) ??
    wrongSum(request)
  )
}

/** A transfer goes somewhere. An absent list contradicts nothing: the top-level fields then stand alone. */
function noDestination({ operation, destinations }: TxSignRequest): string | undefined {
  if (operation !== 'TRANSFER' || destinations === undefined) return undefined
  if (destinations === null) return 'destinations of a transfer are null'
  return destinations.length === 0 ? 'a transfer without destinations' : undefined
}

/** The addresses of one destination agree, and with the top level when it is the only destination. */
function wrongAddress({ asset, destAddress, destinations }: TxSignRequest): string | undefined {
  const entries = destinations ?? []
  for (const { dstAddress, displayDstAddress } of entries) {
    if (differ(dstAddress, displayDstAddress, asset)) return 'dstAddress is not displayDstAddress'
  }
  const [only, ...more] = entries
  if (only === undefined || more.length > 0) return undefined
  return differ(destAddress, only.dstAddress, asset) ||
    differ(destAddress, only.displayDstAddress, asset)
    ? 'destAddress is not the address of the only destination'
    : undefined
}

const ADDRESS_TYPES: ReadonlySet<string> = new Set(['WHITELISTED', 'ONE_TIME'])

/** Only the two documented words are compared: the vendor also puts a contract address into the top-level field. */
function wrongAddressType({ destAddressType, destinations }: TxSignRequest): string | undefined {
  const [only, ...more] = destinations ?? []
  if (only === undefined || more.length > 0) return undefined
  const words = [destAddressType, only.dstAddressType]
  if (!words.every((word) => typeof word === 'string' && ADDRESS_TYPES.has(word))) return undefined
  return destAddressType === only.dstAddressType
    ? undefined
    : 'destAddressType is not that of the only destination'
}

/**
 * What the destinations get is the amount of the transfer, or less by exactly the fee (a gross transfer), or the
 * requested amount when the amount is that less the fee. The amount of an only destination may be missing.
 */
function wrongSum(tx: TxSignRequest): string | undefined {
  const { operation, amount, requestedAmount, fee, destinations } = tx
  if (operation !== 'TRANSFER') return undefined
  if (
    isAmount(amount) &&
    isAmount(requestedAmount) &&
    compareDecimals(amount, requestedAmount) > 0
  ) {
    return 'amount is more than requestedAmount'
  }
  const entries = destinations ?? []
  if (entries.length === 1 && entries[0]?.amountNative === undefined) return undefined
  const sum = sumOf(entries)
  if (sum === undefined) return 'a destination has no amount'
  if (!isAmount(amount) || entries.length === 0) return undefined
  if (compareDecimals(sum, amount) === 0) return undefined
  if (!isAmount(fee) || !isAmount(requestedAmount))
    return 'destinations do not add up to the amount'
  if (compareDecimals(addDecimals(sum, fee), amount) === 0) return undefined
  const gross = compareDecimals(sum, requestedAmount) === 0
  if (gross && compareDecimals(addDecimals(amount, fee), sum) === 0) return undefined
  return 'destinations do not add up to the amount'
}

function sumOf(entries: readonly Destination[]): Decimal | undefined {
  let sum: Decimal = { units: 0n, scale: 0 }
  for (const { amountNative } of entries) {
    if (!isAmount(amountNative)) return undefined
    sum = addDecimals(sum, amountNative)
  }
  return sum
}

function isAmount(amount: Decimal | null | undefined): amount is Decimal {
  return amount !== undefined && amount !== null
}

/** Both are given and are not the same address. */
function differ(
  left: string | null | undefined,
  right: string | null | undefined,
  asset: unknown,
): boolean {
  return Boolean(left && right) && !isSameAddress(String(left), String(right), asset)
}
