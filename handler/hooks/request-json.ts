/**
 * The parsed request as plain JSON for other systems: amounts as exact decimal text, absent members left out, and what is
 * unreadable as it was sent.
 */
import { formatDecimal } from '../protocol/decimal.ts'
import { JsonNumber } from '../protocol/json-value.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { Unreadable } from '../protocol/request.ts'

/** A value that `JSON.stringify` writes without losing anything but the type of numbers, which become text. */
export function requestJson(request: CallbackRequest): object {
  return Object.fromEntries(entriesOf(request))
}

function entriesOf(value: object): [string, unknown][] {
  return Object.entries(value).flatMap(([name, member]): [string, unknown][] =>
    member === undefined ? [] : [[name, plain(member)]],
  )
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Unreadable) return plain(value.sent)
  if (Array.isArray(value)) return value.map(plain)
  return isDecimal(value) ? formatDecimal(value) : Object.fromEntries(entriesOf(value))
}

/** No other value of a request holds a bigint. */
function isDecimal(value: object): value is { units: bigint; scale: number } {
  return 'units' in value && typeof value.units === 'bigint' && 'scale' in value
}
