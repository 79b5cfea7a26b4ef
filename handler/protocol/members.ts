/** Takes members out of verified claims: the right JSON type or a named flaw, nothing coerced. */
import { agrees, decimalOfNumber } from './amounts.ts'
import { parseDecimal } from './decimal.ts'
import { isList, isObject, JsonNumber } from './json-value.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import type { Amount, ReasonCode, Text } from './request.ts'

/** Thrown while reading; `parseRequest` turns it into a value. */
export class Malformation extends Error {
  readonly reasonCode: ReasonCode
  /** Path of the member in names that we know, such as `destinations[1].dstId`. */
  readonly member: string

  constructor(reasonCode: ReasonCode, member: string) {
    super(`${reasonCode} ${member}`)
    this.name = 'Malformation'
    this.reasonCode = reasonCode
    this.member = member
  }
}

/** One object and where it stands: `''` for the claims, `destinations[0].` below. */
export interface Source {
  readonly object: JsonObject
  readonly path: string
}

/** Identifiers are compared, stored and echoed: short, and printable ASCII only. */
const IDENTIFIER = /^[\x20-\x7e]{1,128}$/

/** True for a usable id. */
export function isIdentifier(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && IDENTIFIER.test(value)
}

/** A text member. */
export function textOf(source: Source, name: string): Text {
  const value = source.object[name]
  if (typeof value === 'string' || value === undefined || value === null) return value
  throw wrongType(source, name)
}

/** A decimal text member, such as `fee`. */
export function decimalOf(source: Source, name: string): Amount {
  const text = textOf(source, name)
  if (typeof text !== 'string') return text
  const amount = parseDecimal(text)
  if (amount === undefined) throw new Malformation('BAD_AMOUNT', source.path + name)
  return amount
}

/** A decimal text member such as `amountStr`, which the deprecated number beside it, `amount`, may not contradict. */
export function amountOf(source: Source, name: string, textName: string): Amount {
  const hint = numberOf(source, name)
  const amount = decimalOf(source, textName)
  const text = source.object[textName]
  if (hint instanceof JsonNumber && typeof text === 'string' && !agrees(hint, text)) {
    throw new Malformation('AMOUNT_CONTRADICTION', source.path + name)
  }
  return amount
}

/** A number member, exactly. */
export function exactNumberOf(source: Source, name: string): Amount {
  const number = numberOf(source, name)
  if (!(number instanceof JsonNumber)) return number
  const amount = decimalOfNumber(number)
  if (amount === undefined) throw new Malformation('BAD_AMOUNT', source.path + name)
  return amount
}

/** An object member. */
export function objectOf(source: Source, name: string): JsonObject | null | undefined {
  const value = source.object[name]
  if (value === undefined || value === null || isObject(value)) return value
  throw wrongType(source, name)
}

/** An array member, each element read by `read`; the array is frozen. */
export function listOf<T>(
  source: Source,
  name: string,
  read: (element: JsonValue, path: string) => T,
): readonly T[] | null | undefined {
  const value = source.object[name]
  if (value === undefined || value === null) return value
  if (!isList(value)) throw wrongType(source, name)
  return Object.freeze(
    value.map((element, index) => read(element, `${source.path}${name}[${index}]`)),
  )
}

/** For elements that must be objects. */
export function sourceOf(element: JsonValue, path: string): Source {
  if (isObject(element)) return { object: element, path: `${path}.` }
  throw new Malformation('WRONG_TYPE', path)
}

/** For elements that must be text. */
export function stringOf(element: JsonValue, path: string): string {
  if (typeof element === 'string') return element
  throw new Malformation('WRONG_TYPE', path)
}

/** A derivation path: text as documented, or the numbers, which some co-signers may send, in the same notation. */
export function derivationPathOf(source: Source, name: string): Text {
  const value = source.object[name]
  if (value === undefined || value === null || !isList(value)) return textOf(source, name)
  const steps = value.map((step) => {
    if (step instanceof JsonNumber && /^[0-9]{1,10}$/.test(step.text)) return step.text
    throw wrongType(source, name)
  })
  return `[ ${steps.join(', ')} ]`
}

function numberOf(source: Source, name: string): JsonNumber | null | undefined {
  const value = source.object[name]
  if (value === undefined || value === null || value instanceof JsonNumber) return value
  throw wrongType(source, name)
}

function wrongType(source: Source, name: string): Malformation {
  return new Malformation('WRONG_TYPE', source.path + name)
}
