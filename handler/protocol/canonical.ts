/**
 * Canonical texts of values, from which identities are hashed. Member order, escapes and trailing
 * zeros do not count; every value, absence and null does.
 */
import { decimalOfNumber } from './amounts.ts'
import { formatDecimal } from './decimal.ts'
import type { Decimal } from './decimal.ts'
import { isList, JsonNumber } from './json-value.ts'
import type { JsonValue } from './json-value.ts'

// INVARIANT: each value says its kind and, where it can vary, its length, so that no two sequences
// of values have the same canonical form.

/** A text, absent or null. */
export function canonicalText(value: string | null | undefined): string {
  return typeof value === 'string' ? `s${value.length}:${value}` : missing(value)
}

/** An amount by its value, absent or null. */
export function canonicalAmount(value: Decimal | null | undefined): string {
  return value === undefined || value === null ? missing(value) : `d${formatDecimal(value)};`
}

/** A list, absent or null; `canonical` gives the form of one element. */
export function canonicalList<T>(
  values: readonly T[] | null | undefined,
  canonical: (value: T) => string,
): string {
  if (values === undefined || values === null) return missing(values)
  let form = `a${values.length}:`
  for (const value of values) form += canonical(value)
  return form
}

/**
 * Any JSON value. Depth is bounded by the parser. Numbers count by value where they have a decimal
 * one.
 */
export function canonicalJson(value: JsonValue | undefined): string {
  if (value === undefined || value === null || typeof value === 'string') {
    return canonicalText(value)
  }
  if (typeof value === 'boolean') return value ? 't' : 'f'
  if (value instanceof JsonNumber) return canonicalNumber(value)
  if (isList(value)) return canonicalList(value, canonicalJson)
  const names = Object.keys(value).toSorted()
  let form = `o${names.length}:`
  for (const name of names) form += canonicalText(name) + canonicalJson(value[name])
  return form
}

function canonicalNumber(value: JsonNumber): string {
  const decimal = decimalOfNumber(value)
  return decimal === undefined ? `x${value.text};` : canonicalAmount(decimal)
}

function missing(value: null | undefined): string {
  return value === null ? 'n' : 'u'
}
