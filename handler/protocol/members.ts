/**
 * Kinds of members of verified claims: the right JSON type or a named flaw, nothing coerced; and
 * their canonical texts.
 */
import { agrees, decimalOfNumber } from './amounts.ts'
import { canonicalAmount, canonicalJson, canonicalList, canonicalText } from './canonical.ts'
import { type Decimal, parseDecimal } from './decimal.ts'
import { isList, isObject, JsonNumber, type JsonObject, type JsonValue } from './json-value.ts'

/**
 * A text field as sent. `undefined` = absent, `null` = sent as null; both match no rule, and
 * neither is `''`.
 */
export type Text = string | null | undefined

/** An amount field: absent, null, or an exact decimal in the asset's units. */
export type Amount = Decimal | null | undefined

/** What can be wrong with a member; goes into `rejectionReason` together with the member's name. */
export type ReasonCode =
  | 'MISSING'
  | 'WRONG_TYPE'
  | 'BAD_IDENTIFIER'
  | 'BAD_AMOUNT'
  | 'AMOUNT_CONTRADICTION'
  | 'WRONG_ENDPOINT'

/** How a member is taken out of an object, and the canonical text of its value. */
export interface Kind<T> {
  /** Throws `Malformation`. */
  read(this: void, source: Source, name: string): T
  canonical(this: void, value: T): string
  /** A second name on the wire, that the value is read from too. */
  readonly textName?: string
}

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

/** Longest id of any kind, in characters: what is kept of requests in memory is kept by their ids. */
export const MAX_ID_LENGTH = 128

/** Identifiers are compared, stored and echoed: short, and printable ASCII only. */
const IDENTIFIER = new RegExp(`^[\\x20-\\x7e]{1,${MAX_ID_LENGTH}}$`)

/** True for a usable id. */
export function isIdentifier(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && IDENTIFIER.test(value)
}

/** A text member. */
export const TEXT: Kind<Text> = { read: textOf, canonical: canonicalText }

/** An id that must be there. */
export const IDENTIFIED: Kind<string> = {
  read: ({ object, path }, name) => {
    const value = object[name]
    if (isIdentifier(value)) return value
    const missing = value === undefined || value === null
    throw new Malformation(missing ? 'MISSING' : 'BAD_IDENTIFIER', path + name)
  },
  canonical: canonicalText,
}

/** An id that may be missing; of those that only our own memory and the policy look at, nothing but the length counts. */
export const OPTIONAL_ID: Kind<Text> = {
  read: (source, name) => {
    const value = textOf(source, name)
    if ((value ?? '').length <= MAX_ID_LENGTH) return value
    throw new Malformation('BAD_IDENTIFIER', source.path + name)
  },
  canonical: canonicalText,
}

/** `TRANSFER` is the documented default of an absent operation, and of nothing else. */
export const OPERATION: Kind<string> = {
  read: (source, name) => {
    const operation = textOf(source, name)
    if (operation === null) throw wrongType(source, name)
    return operation ?? 'TRANSFER'
  },
  canonical: canonicalText,
}

/** A decimal text member, such as `fee`. */
export const DECIMAL: Kind<Amount> = { read: decimalOf, canonical: canonicalAmount }

/**
 * A decimal text member such as `amountStr`, which the deprecated number next to it, `amount`, may
 * not contradict.
 */
export function amountWithText(textName: string): Kind<Amount> {
  const read = (source: Source, name: string) => {
    const hint = numberOf(source, name)
    const amount = decimalOf(source, textName)
    const text = source.object[textName]
    if (hint instanceof JsonNumber && typeof text === 'string' && !agrees(hint, text)) {
      throw new Malformation('AMOUNT_CONTRADICTION', source.path + name)
    }
    return amount
  }
  return { read, canonical: canonicalAmount, textName }
}

/** A number member, exactly. */
export const EXACT_NUMBER: Kind<Amount> = {
  read: (source, name) => {
    const number = numberOf(source, name)
    if (!(number instanceof JsonNumber)) return number
    const amount = decimalOfNumber(number)
    if (amount === undefined) throw new Malformation('BAD_AMOUNT', source.path + name)
    return amount
  },
  canonical: canonicalAmount,
}

/** An object member. */
export const OBJECT: Kind<JsonObject | null | undefined> = {
  read: (source, name) => {
    const value = source.object[name]
    if (value === undefined || value === null || isObject(value)) return value
    throw wrongType(source, name)
  },
  canonical: canonicalJson,
}

/** A list of texts. */
export const TEXTS: Kind<readonly string[] | null | undefined> = {
  read: (source, name) => listOf(source, name, stringOf),
  canonical: (values) => canonicalList(values, canonicalText),
}

/**
 * A derivation path: text as documented, or the numbers, which some co-signers may send, in the
 * same notation.
 */
export const DERIVATION_PATH: Kind<Text> = {
  read: (source, name) => {
    const value = source.object[name]
    if (!isList(value)) return textOf(source, name)
    const steps = value.map((step) => {
      if (step instanceof JsonNumber && /^[0-9]{1,10}$/.test(step.text)) return step.text
      throw wrongType(source, name)
    })
    return `[ ${steps.join(', ')} ]`
  },
  canonical: canonicalText,
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

function stringOf(element: JsonValue, path: string): string {
  if (typeof element === 'string') return element
  throw new Malformation('WRONG_TYPE', path)
}

function textOf(source: Source, name: string): Text {
  const value = source.object[name]
  if (typeof value === 'string' || value === undefined || value === null) return value
  throw wrongType(source, name)
}

function decimalOf(source: Source, name: string): Amount {
  const text = textOf(source, name)
  if (typeof text !== 'string') return text
  const amount = parseDecimal(text)
  if (amount === undefined) throw new Malformation('BAD_AMOUNT', source.path + name)
  return amount
}

function numberOf(source: Source, name: string): JsonNumber | null | undefined {
  const value = source.object[name]
  if (value === undefined || value === null || value instanceof JsonNumber) return value
  throw wrongType(source, name)
}

function wrongType(source: Source, name: string): Malformation {
  return new Malformation('WRONG_TYPE', source.path + name)
}
