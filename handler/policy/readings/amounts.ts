/** Amounts as the request states them, possibly twice, and whether they lie within bounds. */
import { addDecimals, compareDecimals } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { TxSignRequest } from '../../protocol/request.ts'
import { Unreadable } from '../../protocol/request.ts'
import type { Facts } from '../facts.ts'
import { CERTAINLY, greatest, isAbsent, least, NO, POSSIBLY } from './answer.ts'
import type { Answer, Reading } from './answer.ts'

export interface StatedAmount {
  readonly value: Decimal
  /** False: the amount is at least this much, because a part of it is unknown. */
  readonly isExact: boolean
}

/** Everything that is stated about one amount. */
export interface StatedAmounts {
  readonly amounts: readonly StatedAmount[]
  /** One of them is missing or cannot be read. */
  readonly unknown: boolean
}

export interface Bounds {
  readonly min: Decimal | undefined
  readonly max: Decimal | undefined
}

const NOTHING: StatedAmounts = { amounts: [], unknown: false }
const UNKNOWN: StatedAmounts = { amounts: [], unknown: true }
const ZERO: Decimal = { units: 0n, scale: 0 }

/** One member. */
export function statedAmount(value: unknown): StatedAmounts {
  if (isAbsent(value)) return NOTHING
  return isDecimal(value) ? { amounts: [exactly(value)], unknown: false } : UNKNOWN
}

/** The fee, and what the bytes allow when that is more. */
export function feesOf(
  tx: TxSignRequest | undefined,
  { rawTx }: Pick<Facts, 'rawTx'>,
): StatedAmounts {
  const fee = statedAmount(tx?.fee)
  const bound = rawTx.status === 'absent' ? undefined : rawTx.facts.feeBound
  return bound === undefined ? fee : { ...fee, amounts: [...fee.amounts, exactly(bound)] }
}

/** The amount of the transaction: `amount`, and the sum of its destinations when it is another. */
export function amountsOf(tx: TxSignRequest): StatedAmounts {
  const { amount } = tx
  const sum = sumOf(tx)
  if (!isDecimal(amount)) {
    if (sum === undefined) return isAbsent(amount) ? NOTHING : UNKNOWN
    return { amounts: [sum], unknown: true }
  }
  const whole = exactly(amount)
  if (sum === undefined) return { amounts: [whole], unknown: false }
  const same = sum.isExact && compareDecimals(sum.value, amount) === 0
  return { amounts: same ? [whole] : [whole, sum], unknown: false }
}

/** The largest amount that the request states; undefined unless every one is known exactly. */
export function largestAmount(tx: TxSignRequest): Decimal | undefined {
  const { amounts, unknown } = amountsOf(tx)
  if (unknown || amounts.length === 0 || amounts.some(({ isExact }) => !isExact)) return undefined
  return amounts
    .map(({ value }) => value)
    .reduce((most, each) => (compareDecimals(each, most) > 0 ? each : most), ZERO)
}

/** The vendor's own estimate in dollars, over all destinations. */
export function dollarsOf({ destinations }: TxSignRequest): StatedAmounts {
  const sum = sumOver(destinations, 'amountUSD')
  return sum === undefined ? NOTHING : { amounts: [sum], unknown: false }
}

/** Undefined when there are no entries, or only one, which leaves its amount to the top level. */
function sumOf({ destinations }: TxSignRequest): StatedAmount | undefined {
  if (!(destinations instanceof Unreadable)) {
    const [only, ...more] = destinations ?? []
    if (only !== undefined && more.length === 0 && isAbsent(only.amountNative)) return undefined
  }
  return sumOver(destinations, 'amountNative')
}

function sumOver(
  entries: TxSignRequest['destinations'],
  member: 'amountNative' | 'amountUSD',
): StatedAmount | undefined {
  if (entries instanceof Unreadable) return { value: ZERO, isExact: false }
  if (entries === undefined || entries === null || entries.length === 0) return undefined
  let value = ZERO
  let isExact = true
  let isSilent = true
  for (const entry of entries) {
    const amount = entry[member]
    if (!isAbsent(amount)) isSilent = false
    if (isDecimal(amount)) value = addDecimals(value, amount)
    else isExact = false
  }
  return isSilent && member === 'amountUSD' ? undefined : { value, isExact }
}

function exactly(value: Decimal): StatedAmount {
  return { value, isExact: true }
}

/** Whether a value of unknown form is an amount. */
export function isDecimal(value: unknown): value is Decimal {
  return typeof value === 'object' && value !== null && 'units' in value && 'scale' in value
}

/**
 * In the reading `every` all that is stated must lie within the bounds: `max` is judged by the largest, `min` by the
 * smallest; in the reading `any` the reverse; for a release both by the largest. `missing` answers when nothing is stated.
 */
export function withinBounds(
  amounts: StatedAmounts,
  { min, max }: Bounds,
  reading: Reading,
  missing: () => Answer,
): Answer {
  if (amounts.amounts.length === 0) return amounts.unknown ? POSSIBLY : missing()
  const floor = min === undefined ? CERTAINLY : judged(amounts, reaches, min, reading !== 'every')
  const ceiling =
    max === undefined ? CERTAINLY : judged(amounts, staysWithin, max, reading === 'any')
  return least(floor, ceiling)
}

type Judge = (amount: StatedAmount, bound: Decimal) => Answer

function judged(
  { amounts, unknown }: StatedAmounts,
  judge: Judge,
  bound: Decimal,
  oneIsEnough: boolean,
): Answer {
  if (oneIsEnough) {
    let best: Answer = unknown ? POSSIBLY : NO
    for (const amount of amounts) best = greatest(best, judge(amount, bound))
    return best
  }
  // What holds for all must be known of all: a part of a sum may reach a bound, but says nothing about the rest.
  let worst: Answer = unknown || amounts.some(({ isExact }) => !isExact) ? POSSIBLY : CERTAINLY
  for (const amount of amounts) worst = least(worst, judge(amount, bound))
  return worst
}

function reaches({ value, isExact }: StatedAmount, min: Decimal): Answer {
  if (compareDecimals(value, min) >= 0) return CERTAINLY
  return isExact ? NO : POSSIBLY
}

function staysWithin({ value, isExact }: StatedAmount, max: Decimal): Answer {
  if (compareDecimals(value, max) > 0) return NO
  return isExact ? CERTAINLY : POSSIBLY
}
