/** What the request says is paid to whom, in base units: the readings that the bytes are compared with. */
import { addDecimals, baseUnits, compareDecimals, formatDecimal } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { Destination, TxSignRequest } from '../../protocol/request.ts'
import { canonicalType } from '../readings/vocabulary.ts'
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

/** One consistent reading of the request. */
export interface Reading {
  readonly payments: readonly Asked[]
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
  request: TxSignRequest,
  amount: Decimal,
  destination: Destination | undefined,
  units: Units,
): readonly Reading[] | Finding {
  const place = onePlace(
    [
      ['destinations[0].displayDstAddress', destination?.displayDstAddress],
      ['destinations[0].dstAddress', destination?.dstAddress],
      ['destAddress', request.destAddress],
    ],
    units,
  )
  if ('status' in place) return place
  const vault = vaultOf(
    [destination?.dstType, request.destType],
    [destination?.dstId, request.destId],
  )
  const asked = { ...place, vault, index: 0 }
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
  const payments: Asked[] = []
  let sum: Decimal = { units: 0n, scale: 0 }
  for (const [index, destination] of destinations.entries()) {
    const name = `destinations[${index}]`
    const place = onePlace(
      [
        [`${name}.displayDstAddress`, destination.displayDstAddress],
        [`${name}.dstAddress`, destination.dstAddress],
      ],
      units,
    )
    if ('status' in place) return place
    const { amountNative, dstType, dstId } = destination
    if (amountNative === undefined || amountNative === null) {
      return unverifiable(`\`${name}.amountNative\` is absent`)
    }
    const paid = baseUnits(amountNative, units.decimals)
    if (paid === undefined) return fractional(`${name}.amountNative`, amountNative)
    const vault = vaultOf([hasText(dstType) ? dstType : request.destType], [dstId])
    payments.push({ ...place, units: paid, vault, index })
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
  if (payments.filter(({ target }) => target === undefined).length > 1) {
    return unverifiable('more than one destination states no address')
  }
  const { destAddress } = request
  if (hasText(destAddress)) {
    const target = units.target(destAddress)
    if (!payments.some((payment) => [target, undefined].includes(payment.target))) {
      return mismatch('destAddress', 'the address of a destination', destAddress)
    }
  }
  return [{ payments, gross: false }]
}

/** The id of the vault account that a destination is said to be: `''` when there is none, or two. */
function vaultOf(types: readonly unknown[], ids: readonly unknown[]): string | undefined {
  if (!types.some((type) => hasText(type) && canonicalType(type) === 'VAULT')) return undefined
  const [id = '', ...more] = new Set(ids.filter(hasText))
  return more.length === 0 ? id : ''
}

/** The one place that all given addresses name; nowhere when none is given. */
function onePlace(
  fields: readonly (readonly [string, string | null | undefined])[],
  units: Units,
): Pick<Asked, 'target' | 'address'> | Finding {
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
  return { target: first?.target, address: first?.address }
}

function hasText(text: unknown): text is string {
  return typeof text === 'string' && text !== ''
}

function fractional(field: string, amount: Decimal): Finding {
  return mismatch(field, 'a whole number of base units', formatDecimal(amount))
}
