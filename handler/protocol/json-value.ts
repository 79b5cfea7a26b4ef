/**
 * JSON as the co-signer sent it: numbers keep their text, objects inherit nothing, names are
 * unique.
 */

/** A JSON number by its lexeme: money is never a double. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A frozen object whose prototype is empty. */
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined
}

export type JsonValue = string | boolean | null | JsonNumber | JsonObject | readonly JsonValue[]

/** True for an object: not null, an array, a number or another scalar. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  if (typeof value !== 'object' || value === null) return false
  return !(value instanceof JsonNumber) && !Array.isArray(value)
}

/** `Array.isArray`, which does not narrow readonly arrays. */
export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}
