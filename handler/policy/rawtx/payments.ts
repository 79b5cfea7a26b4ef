/** What the request says is paid to whom, in base units: the one reading that the bytes are compared with. */
import { addDecimals, baseUnits, compareDecimals, formatDecimal } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { Destination, TxSignRequest } from '../../protocol/request.ts'
import type { Finding } from './verdict.ts'
import { mismatch, unverifiable } from './verdict.ts'

/** One payment; `target` is an EVM address or an output script, in the chain's canonical hex. */
export interface Payment {
  readonly target: string
  readonly units: bigint
}

/** One consistent reading of the request. */
export interface Reading {
  readonly payments: readonly Payment[]
  /** The fee is taken out of the requested amount. */
  readonly gross: boolean
}

/** How an asset's amounts and addresses are read. */
export interface Units {
  readonly decimals: number
  /** `fee` in the same unit; undefined when it is in another asset, absent, or not a whole number. */
  readonly fee: bigint | undefined
  /** Canonical form of an address; undefined for an invalid one. */
  readonly target: (address: string) => string | undefined
}

/**
 * The readings of a request, at least one, or what is contradictory or missing in it. A gross reading is offered beside
 * the plain one, because no field marks gross transactions: one destination gets `requestedAmount` less `fee`.
 */
export function readPayments(request: TxSignRequest, units: Units): readonly Reading[] | Finding {
  const { amount } = request
  if (amount === undefined || amount === null) return unverifiable('`amount` is absent')
  const destinations = request.destinations ?? []
  return destinations.length > 1
    ? readMany(request, amount, destinations, units)
    : readOne(request, amount, destinations[0], units)
}

function readOne(
  request: TxSignRequest,
  amount: Decimal,
  destination: Destination | undefined,
  units: Units,
): readonly Reading[] | Finding {
  const target = oneTarget(
    [
      ['destinations[0].displayDstAddress', destination?.displayDstAddress],
      ['destinations[0].dstAddress', destination?.dstAddress],
      ['destAddress', request.destAddress],
    ],
    units,
  )
  if (typeof target !== 'string') return target
  const paid = baseUnits(amount, units.decimals)
  if (paid === undefined) return fractional('amount', amount)
  const requested = request.requestedAmount ?? amount
  const stated = [amount, destination?.amountNative ?? amount]
  const readings: Reading[] = []
  if (stated.every((each) => compareDecimals(each, requested) === 0)) {
    readings.push({ payments: [{ target, units: paid }], gross: false })
  }
  const net = netOf(requested, units)
  if (net !== undefined && stated.every((each) => isEither(each, requested, net, units.decimals))) {
    readings.push({ payments: [{ target, units: net }], gross: true })
  }
  if (readings.length > 0) return readings
  return mismatch(
    'requestedAmount',
    stated.map(formatDecimal).join(' and '),
    formatDecimal(requested),
  )
}

/** What arrives of a gross amount, when the fee leaves anything. */
function netOf(requested: Decimal, { decimals, fee }: Units): bigint | undefined {
  const total = baseUnits(requested, decimals)
  return total === undefined || fee === undefined || fee <= 0n || total <= fee
    ? undefined
    : total - fee
}

function isEither(value: Decimal, requested: Decimal, net: bigint, decimals: number): boolean {
  return compareDecimals(value, requested) === 0 || baseUnits(value, decimals) === net
}

/** Several destinations: each names its address and its amount, and together they are the whole. */
function readMany(
  request: TxSignRequest,
  amount: Decimal,
  destinations: readonly Destination[],
  units: Units,
): readonly Reading[] | Finding {
  const payments: Payment[] = []
  let sum: Decimal = { units: 0n, scale: 0 }
  for (const [index, destination] of destinations.entries()) {
    const name = `destinations[${index}]`
    const target = oneTarget(
      [
        [`${name}.displayDstAddress`, destination.displayDstAddress],
        [`${name}.dstAddress`, destination.dstAddress],
      ],
      units,
    )
    if (typeof target !== 'string') return target
    const { amountNative } = destination
    if (amountNative === undefined || amountNative === null) {
      return unverifiable(`\`${name}.amountNative\` is absent`)
    }
    const paid = baseUnits(amountNative, units.decimals)
    if (paid === undefined) return fractional(`${name}.amountNative`, amountNative)
    payments.push({ target, units: paid })
    sum = addDecimals(sum, amountNative)
  }
  for (const [field, stated] of [
    ['amount', amount],
    ['requestedAmount', request.requestedAmount ?? amount],
  ] as const) {
    if (compareDecimals(stated, sum) !== 0) {
      return mismatch(field, formatDecimal(sum), formatDecimal(stated))
    }
  }
  const { destAddress } = request
  if (hasText(destAddress)) {
    const target = units.target(destAddress)
    if (!payments.some((payment) => payment.target === target)) {
      return mismatch('destAddress', 'the address of a destination', destAddress)
    }
  }
  return [{ payments, gross: false }]
}

/** The one place that all given addresses name. */
function oneTarget(
  fields: readonly (readonly [string, string | null | undefined])[],
  units: Units,
): string | Finding {
  let first: { readonly address: string; readonly target: string } | undefined
  for (const [field, address] of fields) {
    if (!hasText(address) || address === first?.address) continue
    const target = units.target(address)
    if (target === undefined) return mismatch(field, 'a valid address of the chain', address)
    if (first !== undefined && target !== first.target) {
      return mismatch(field, first.address, address)
    }
    first ??= { address, target }
  }
  return first?.target ?? unverifiable('no destination address is given')
}

function hasText(text: string | null | undefined): text is string {
  return text !== undefined && text !== null && text !== ''
}

function fractional(field: string, amount: Decimal): Finding {
  return mismatch(field, 'a whole number of base units', formatDecimal(amount))
}
