/** Reads members of `extraParameters`: JSON whose shape nobody has checked. */
import type { JsonObject, JsonValue } from '../../protocol/json-value.ts'
import { JsonNumber } from '../../protocol/json-value.ts'

/** The value as an object; undefined for anything else. */
export function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined
}

/** The value as an array; undefined for anything else. */
export function arrayOf(value: JsonValue | undefined): readonly JsonValue[] | undefined {
  return isArray(value) ? value : undefined
}

/** The value as text; undefined for anything else. */
export function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !isArray(value) && !(value instanceof JsonNumber)
  )
}
