/** Exact decimal numbers: amounts are compared as integers at a common scale, never as doubles. */

/**
 * `units / 10^scale`, canonical: no trailing zero digits, so equal values are equal field by field.
 */
export interface Decimal {
  readonly units: bigint
  /** Digits after the decimal point, 0 to 78. */
  readonly scale: number
}

/** At most 78 digits: 2^256 has 78. */
const PLAIN = /^(?:0|[1-9][0-9]{0,77})(?:\.([0-9]{1,78}))?$/

/**
 * Parses a plain, non-negative decimal: digits with an optional fraction. No sign, exponent,
 * leading `+` or `.`, leading zeros, separators, or digits outside ASCII; at most 78 digits in all.
 * Anything else is undefined.
 */
export function parseDecimal(text: string): Decimal | undefined {
  const match = PLAIN.exec(text)
  if (match === null || text.length > 79) return undefined
  const fraction = (match[1] ?? '').replace(/0+$/, '')
  const whole = match[1] === undefined ? text : text.slice(0, text.length - match[1].length - 1)
  return { units: BigInt(whole + fraction), scale: fraction.length }
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale)
  const left = unitsAt(a, scale)
  const right = unitsAt(b, scale)
  if (left === right) return 0
  return left < right ? -1 : 1
}

/** The exact sum. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return canonical(unitsAt(a, scale) + unitsAt(b, scale), scale)
}

/**
 * `amount` in base units of an asset with that many decimals; undefined when it is not a whole
 * number of them.
 */
export function baseUnits(amount: Decimal, decimals: number): bigint | undefined {
  return amount.scale > decimals ? undefined : unitsAt(amount, decimals)
}

/** The decimal of a whole number of base units. */
export function fromBaseUnits(units: bigint, decimals: number): Decimal {
  return canonical(units, decimals)
}

/** Plain notation, without trailing zeros. */
export function formatDecimal(value: Decimal): string {
  const digits = value.units.toString().padStart(value.scale + 1, '0')
  return value.scale === 0
    ? digits
    : `${digits.slice(0, -value.scale)}.${digits.slice(-value.scale)}`
}

function unitsAt(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale)
}

function canonical(units: bigint, scale: number): Decimal {
  let value = units
  let digits = scale
  while (digits > 0 && value % 10n === 0n) {
    value /= 10n
    digits -= 1
  }
  return { units: value, scale: digits }
}
