/** Amounts: the text is the amount, the deprecated number next to it may only agree. */
import { parseDecimal } from './decimal.ts'
import type { Decimal } from './decimal.ts'
import type { JsonNumber } from './json-value.ts'

const NUMBER = /^([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?$/

/** Published tokens write numbers with at most 8 decimal places, whatever the asset has. */
const VENDOR_STEP = 1e-8

/** A few units in the last place of a double, relative. */
const DOUBLE_STEP = 2 ** -50

/** As JavaScript, Java and the vendor print amounts: an exponent, no digit before or after the point, leading zeros. */
const WRITTEN = /^([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?$/

/** The exact value of an amount text; undefined when it is no decimal, negative or longer than 78 digits written out. */
export function decimalOfText(text: string): Decimal | undefined {
  const plain = parseDecimal(text)
  if (plain !== undefined) return plain
  const match = WRITTEN.exec(text)
  if (match === null) return undefined
  const [, whole = '', fraction = '', exponent = '0'] = match
  if (whole + fraction === '') return undefined
  return parseDecimal(shiftPoint(whole, fraction, Number(exponent)))
}

/** The exact value of a JSON number; undefined when negative or outside the range of `Decimal`. */
export function decimalOfNumber(number: JsonNumber): Decimal | undefined {
  const match = NUMBER.exec(number.text)
  if (match === null) return undefined
  const [, whole = '', fraction = '', exponent = '0'] = match
  return parseDecimal(shiftPoint(whole, fraction, Number(exponent)))
}

/**
 * True when the number can be the same amount as the text, given that a double and the vendor's 8
 * decimal places stand between them. A consistency hint only: nothing is decided by the number, so
 * doubles may be compared here.
 */
export function agrees(number: JsonNumber, text: string): boolean {
  const hint = Number(number.text)
  const amount = Number(text)
  // No amount: `-1` stands for an unknown one.
  if (hint === -1) return true
  const difference = Math.abs(hint - amount)
  return difference <= Math.max(VENDOR_STEP, Math.abs(amount) * DOUBLE_STEP)
}

/** Plain notation of `whole.fraction × 10^exponent`, without leading zeros. */
function shiftPoint(whole: string, fraction: string, exponent: number): string {
  const digits = whole + fraction
  const point = whole.length + exponent
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const at = Math.max(point, 1)
  const left = padded.slice(0, at).replace(/^0+(?=[0-9])/, '')
  const right = padded.slice(at)
  return right === '' ? left : `${left}.${right}`
}
