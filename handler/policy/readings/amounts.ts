/** Amounts as the request states them, possibly twice, and whether they lie within bounds. */
import { addDecimals, compareDecimals } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { TxSignRequest } from '../../protocol/request.ts'
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
  const entries: unknown = destinations
  if (Array.isArray(entries) && entries.length === 1 && isAbsent(destinations?.[0]?.amountNative)) {
    return undefined
  }
  return sumOver(destinations, 'amountNative')
}

function sumOver(
  entries: TxSignRequest['destinations'],
  member: 'amountNative' | 'amountUSD',
): StatedAmount | undefined {
  if (isAbsent(entries)) return undefined
  if (!Array.isArray(entries)) return { value: ZERO, isExact: false }
  if (entries.length === 0) return undefined
  let value = ZERO
  let isExact = true
  let isSilent = true
  for (const entry of entries as readonly (Readonly<Record<string, unknown>> | undefined)[]) {
    const amount = entry?.[member]
    if (!isAbsent(amount)) isSilent = false
    if (isDecimal(amount)) value = addDecimals(value, amount)
    else isExact = false
  }
  return isSilent && member === 'amountUSD' ? undefined : { value, isExact }
}

function exactly(value: Decimal): StatedAmount {
  return { value, isExact: true }
}

function isDecimal(value: unknown): value is Decimal {
  return typeof value === 'object' && value !== null && 'units' in value && 'scale' in value
}

/**
 * In the reading `every` all that is stated must lie within the bounds: `max` is judged by the largest, `min` by the
 * smallest. In the reading `any` the reverse. `missing` answers when nothing is stated.
 */
export function withinBounds(
  { amounts, unknown }: StatedAmounts,
  { min, max }: Bounds,
  reading: Reading,
  missing: () => Answer,
): Answer {
  if (amounts.length === 0) return unknown ? POSSIBLY : missing()
  if (reading === 'every') {
    let answer: Answer = unknown ? POSSIBLY : CERTAINLY
    for (const amount of amounts) {
      answer = least(answer, least(reaches(amount, min), staysWithin(amount, max)))
    }
    return answer
  }
  let low: Answer = unknown ? POSSIBLY : NO
  let high: Answer = low
  for (const amount of amounts) {
    low = greatest(low, reaches(amount, min))
    high = greatest(high, staysWithin(amount, max))
  }
  return least(low, high)
}

function reaches({ value, isExact }: StatedAmount, min: Decimal | undefined): Answer {
  if (min === undefined || compareDecimals(value, min) >= 0) return CERTAINLY
  return isExact ? NO : POSSIBLY
}

function staysWithin({ value, isExact }: StatedAmount, max: Decimal | undefined): Answer {
  if (max === undefined) return CERTAINLY
  if (compareDecimals(value, max) > 0) return NO
  return isExact ? CERTAINLY : POSSIBLY
}
