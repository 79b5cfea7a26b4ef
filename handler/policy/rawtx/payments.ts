/** What the request says is paid to whom, in base units: the readings that the bytes are compared with. */
import { addDecimals, baseUnits, compareDecimals, formatDecimal } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import { canonicalType } from '../readings/vocabulary.ts'
import type { ReadableDestination, ReadableTx } from './readable.ts'
import type { Recipient } from './recipient.ts'
import type { Finding, Proof } from './verdict.ts'
import { mismatch, unverifiable } from './verdict.ts'

/** One payment; `target` is an EVM address or an output script, in the chain's canonical hex. */
export interface Payment {
  readonly target: string
  readonly units: bigint
}

/** One payment as the request states it. */
export interface Asked {
  /** Undefined when the request states no address: then the bytes say who is paid. */
  readonly target: string | undefined
  readonly units: bigint
  /** The address as the request spells it. */
  readonly address: string | undefined
  /** Id of the vault account that the destination is said to be, `''` when it has none; undefined for other types. */
  readonly vault: string | undefined
  /** Position in `destinations`. */
  readonly index: number
}

/** One reading of the request. */
export interface Reading {
  readonly payments: readonly Asked[]
  /** The fee is taken out of the requested amount. */
  readonly gross: boolean
  /**
   * In what the request disagrees with itself, so that bytes which fit this reading prove nothing; bytes that fit none of
   * the readings contradict all that is stated.
   */
  readonly dispute?: string | undefined
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
export function readPayments(request: ReadableTx, units: Units): readonly Reading[] | Finding {
  const { amount } = request
  if (amount === undefined || amount === null) return unverifiable('`amount` is absent')
  const destinations = request.destinations ?? []
  return destinations.length > 1
    ? readMany(request, amount, destinations, units)
    : readOne(request, amount, destinations[0], units)
}

/**
 * What is missing from the proof that the right ones are paid. `isOwn` says whether an address is known to be of that vault
 * account.
 */
export function missingRecipients(
  payments: readonly Asked[],
  recipient: Recipient | undefined,
  isOwn: (payment: Asked & { readonly vault: string; readonly address: string }) => boolean,
): readonly Proof[] {
  return payments.flatMap((payment): Proof[] => {
    const { vault } = payment
    if (vault === undefined) return payment.address === undefined ? ['recipient'] : []
    const address = payment.address ?? recipient?.address ?? ''
    return isOwn({ ...payment, vault, address }) ? [] : ['vault-address']
  })
}

function readOne(
  request: ReadableTx,
  amount: Decimal,
  destination: ReadableDestination | undefined,
  units: Units,
): readonly Reading[] | Finding {
  const places = placesOf(
    [
      ['destinations[0].displayDstAddress', destination?.displayDstAddress],
      ['destinations[0].dstAddress', destination?.dstAddress],
      ['destAddress', request.destAddress],
    ],
    units,
  )
  if ('status' in places) return places
  const vault = vaultOf(
    [destination?.dstType, request.destType],
    [destination?.dstId, request.destId],
  )
  const asked = { ...places.place, vault, index: 0 }
  const paid = baseUnits(amount, units.decimals)
  if (paid === undefined) return fractional('amount', amount)
  const requested = request.requestedAmount ?? amount
  const stated = [amount, destination?.amountNative ?? amount]
  const readings: Reading[] = []
  if (stated.every((each) => compareDecimals(each, requested) === 0)) {
    readings.push({ payments: [{ ...asked, units: paid }], gross: false })
  }
  const net = netOf(requested, units)
  if (net !== undefined && stated.every((each) => isEither(each, requested, net, units.decimals))) {
    readings.push({ payments: [{ ...asked, units: net }], gross: true })
  }
  if (readings.length > 0 && places.dispute === undefined) return readings
  const words = [...stated, requested].map(formatDecimal).join(', ')
  const dispute = places.dispute ?? `the request states several amounts: ${words}`
  const amounts = [...stated, requested].map((each) => baseUnits(each, units.decimals))
  const asks = [places.place, ...places.others].map((place) => ({ ...asked, ...place }))
  return disputed(dispute, asks, amounts, net)
}

/** One reading for each address and each amount, but none for more than the amount and what the destination gets. */
function disputed(
  dispute: string,
  asks: readonly Omit<Asked, 'units'>[],
  [amount = 0n, native = 0n, requested]: readonly (bigint | undefined)[],
  net: bigint | undefined,
): readonly Reading[] {
  const most = amount > native ? amount : native
  const amounts = new Set([amount, native, requested, net].filter((each) => each !== undefined))
  return asks.flatMap((asked) =>
    [...amounts]
      .filter((units) => units <= most)
      .map((units) => ({ payments: [{ ...asked, units }], gross: false, dispute })),
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
  request: ReadableTx,
  amount: Decimal,
  destinations: readonly ReadableDestination[],
  units: Units,
): readonly Reading[] | Finding {
  const payments: Asked[] = []
  const others: Place[] = []
  let dispute: string | undefined
  let sum: Decimal = { units: 0n, scale: 0 }
  for (const [index, destination] of destinations.entries()) {
    const name = `destinations[${index}]`
    const places = placesOf(
      [
        [`${name}.displayDstAddress`, destination.displayDstAddress],
        [`${name}.dstAddress`, destination.dstAddress],
      ],
      units,
    )
    if ('status' in places) return places
    const { place } = places
    const { amountNative, dstType, dstId } = destination
    if (amountNative === undefined || amountNative === null) {
      return unverifiable(`\`${name}.amountNative\` is absent`)
    }
    const paid = baseUnits(amountNative, units.decimals)
    if (paid === undefined) return fractional(`${name}.amountNative`, amountNative)
    const vault = vaultOf([hasText(dstType) ? dstType : request.destType], [dstId])
    payments.push({ ...place, units: paid, vault, index })
    others.push(places.others[0] ?? place)
    dispute ??= places.dispute
    sum = addDecimals(sum, amountNative)
  }
  if (payments.filter(({ target }) => target === undefined).length > 1) {
    return unverifiable('more than one destination states no address')
  }
  dispute ??= disputeOf(request, amount, sum, payments, units)
  if (dispute === undefined) return [{ payments, gross: false }]
  const elsewhere = payments.map((payment, index) => ({ ...payment, ...others[index] }))
  return [payments, elsewhere].map((each) => ({ payments: each, gross: false, dispute }))
}

/** In what the top level and the destinations disagree. */
function disputeOf(
  { requestedAmount, destAddress }: ReadableTx,
  amount: Decimal,
  sum: Decimal,
  payments: readonly Asked[],
  units: Units,
): string | undefined {
  for (const [field, stated] of [
    ['amount', amount],
    ['requestedAmount', requestedAmount ?? amount],
  ] as const) {
    if (compareDecimals(stated, sum) !== 0) {
      return `\`${field}\` is ${formatDecimal(stated)}, the destinations get ${formatDecimal(sum)}`
    }
  }
  if (!hasText(destAddress)) return undefined
  const target = units.target(destAddress)
  return payments.some((payment) => [target, undefined].includes(payment.target))
    ? undefined
    : '`destAddress` is not the address of a destination'
}

/** The id of the vault account that a destination is said to be: `''` when there is none, or two. */
function vaultOf(types: readonly unknown[], ids: readonly unknown[]): string | undefined {
  if (!types.some((type) => hasText(type) && canonicalType(type) === 'VAULT')) return undefined
  const [id = '', ...more] = new Set(ids.filter(hasText))
  return more.length === 0 ? id : ''
}

type Place = Pick<Asked, 'target' | 'address'>

/** Where a payment goes. */
interface Places {
  /** What all given addresses name, or the first of several; nowhere when none is given. */
  readonly place: Place
  readonly others: readonly Place[]
  /** Undefined when the addresses agree. */
  readonly dispute: string | undefined
}

/** The places that the given addresses name; unverifiable when none of those that are given can be read. */
function placesOf(
  fields: readonly (readonly [string, string | null | undefined])[],
  units: Units,
): Places | Finding {
  const found: Place[] = []
  let dispute: string | undefined
  for (const [field, address] of fields) {
    if (!hasText(address)) continue
    const target = units.target(address)
    if (target === undefined) dispute ??= `\`${field}\` is not a valid address of the chain`
    else if (!found.some((each) => each.target === target)) found.push({ target, address })
    if (found.length > 1) dispute ??= `\`${field}\` is another address of one destination`
  }
  const [place, ...others] = found
  if (place !== undefined) return { place, others, dispute }
  if (dispute !== undefined) return unverifiable(dispute)
  return { place: { target: undefined, address: undefined }, others, dispute }
}

function hasText(text: unknown): text is string {
  return typeof text === 'string' && text !== ''
}

function fractional(field: string, amount: Decimal): Finding {
  return mismatch(field, 'a whole number of base units', formatDecimal(amount))
}
