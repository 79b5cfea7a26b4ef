/**
 * Kinds of members of verified claims: the documented JSON type or unreadable, nothing coerced; and
 * their canonical texts.
 */
import { agrees, decimalOfNumber, decimalOfText } from './amounts.ts'
import { canonicalAmount, canonicalJson, canonicalList, canonicalText } from './canonical.ts'
import type { Decimal } from './decimal.ts'
import { isList, isObject, JsonNumber, type JsonObject, type JsonValue } from './json-value.ts'

/**
 * What a member holds when it is of another form than documented. It is part of the request's identity, and unknown to
 * whatever looks at it.
 */
export class Unreadable {
  /** As the co-signer sent it. */
  readonly sent: JsonValue

  constructor(sent: JsonValue) {
    this.sent = sent
  }
}

/**
 * A text field as sent. `undefined` = absent, `null` = sent as null; both match no rule, and
 * neither is `''`.
 */
export type Text = string | Unreadable | null | undefined

/** An amount field: absent, null, unreadable, or an exact decimal in the asset's units. */
export type Amount = StatedDecimal | Unreadable | null | undefined

/** The decimal in the text; `isContradicted` when the deprecated number next to it is another amount. */
export interface StatedDecimal extends Decimal {
  readonly isContradicted?: true
}

/** What can be wrong with an id; goes into `rejectionReason` together with the member's name. */
export type ReasonCode = 'MISSING' | 'BAD_IDENTIFIER'

/** How a member is taken out of an object, and the canonical text of its value. */
export interface Kind<T> {
  /** Throws `Malformation` when it is an id that must be usable; whatever else is wrong is `Unreadable`. */
  read(this: void, object: JsonObject, name: string): T
  canonical(this: void, value: T): string
  /** A second name on the wire, that the value is read from too. */
  readonly textName?: string
}

/** Thrown while reading; `parseRequest` turns it into a value. */
export class Malformation extends Error {
  readonly reasonCode: ReasonCode
  /** Its name, as we know it. */
  readonly member: string

  constructor(reasonCode: ReasonCode, member: string) {
    super(`${reasonCode} ${member}`)
    this.name = 'Malformation'
    this.reasonCode = reasonCode
    this.member = member
  }
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
export const TEXT: Kind<Text> = { read: textOf, canonical: sentOr(canonicalText) }

/** An id that must be there. */
export const IDENTIFIED: Kind<string> = {
  read: (object, name) => {
    const value = object[name]
    if (isIdentifier(value)) return value
    const missing = value === undefined || value === null
    throw new Malformation(missing ? 'MISSING' : 'BAD_IDENTIFIER', name)
  },
  canonical: canonicalText,
}

/**
 * An id that may be missing; of those that only our own memory and the policy look at, nothing but the length counts: one
 * that is longer is unreadable.
 */
export const OPTIONAL_ID: Kind<Text> = {
  read: (object, name) => {
    const value = textOf(object, name)
    const isLong = typeof value === 'string' && value.length > MAX_ID_LENGTH
    return isLong ? new Unreadable(value) : value
  },
  canonical: sentOr(canonicalText),
}

/** `TRANSFER` is the documented default of an absent operation, and of nothing else. */
export const OPERATION: Kind<string | Unreadable> = {
  read: (object, name) => {
    const value = object[name]
    if (value === undefined) return 'TRANSFER'
    return typeof value === 'string' ? value : new Unreadable(value)
  },
  canonical: sentOr(canonicalText),
}

/** A decimal text member, such as `fee`. */
export const DECIMAL: Kind<Amount> = { read: decimalOf, canonical: sentOr(canonicalStated) }

/** A decimal text member such as `amountStr`, and whether the deprecated number next to it, `amount`, is another amount. */
export function amountWithText(textName: string): Kind<Amount> {
  const read = (object: JsonObject, name: string): Amount => {
    const amount = decimalOf(object, textName)
    if (amount === undefined || amount === null || amount instanceof Unreadable) return amount
    const [number, text] = [object[name], object[textName]]
    const isOther =
      number instanceof JsonNumber && typeof text === 'string' && !agrees(number, text)
    return isOther ? { ...amount, isContradicted: true } : amount
  }
  return { read, canonical: sentOr(canonicalStated), textName }
}

/** A number member, exactly. */
export const EXACT_NUMBER: Kind<Amount> = {
  read: (object, name) => {
    const value = object[name]
    if (value === undefined || value === null) return value
    if (value === '') return null
    const amount = value instanceof JsonNumber ? decimalOfNumber(value) : undefined
    return amount ?? new Unreadable(value)
  },
  canonical: sentOr(canonicalStated),
}

/** An object member. */
export const OBJECT: Kind<JsonObject | Unreadable | null | undefined> = {
  read: (object, name) => {
    const value = object[name]
    if (value === undefined || value === null || isObject(value)) return value
    return new Unreadable(value)
  },
  canonical: sentOr(canonicalJson),
}

/** A list of texts. */
export const TEXTS: Kind<readonly string[] | Unreadable | null | undefined> = {
  read: (object, name) =>
    listOf(object, name, (element) => (typeof element === 'string' ? element : undefined)),
  canonical: sentOr((values) => canonicalList(values, canonicalText)),
}

/**
 * A derivation path: text as documented, or the numbers, which some co-signers may send, in the
 * same notation.
 */
export const DERIVATION_PATH: Kind<Text> = {
  read: (object, name) => {
    const value = object[name]
    if (!isList(value)) return textOf(object, name)
    const steps = value.map((step) =>
      step instanceof JsonNumber && /^[0-9]{1,10}$/.test(step.text) ? step.text : undefined,
    )
    return steps.includes(undefined) ? new Unreadable(value) : `[ ${steps.join(', ')} ]`
  },
  canonical: sentOr(canonicalText),
}

/**
 * An array member, each element read by `read`; the array is frozen. One element of which `read` makes nothing makes the
 * whole list unreadable.
 */
export function listOf<T>(
  object: JsonObject,
  name: string,
  read: (element: JsonValue) => T | undefined,
): readonly T[] | Unreadable | null | undefined {
  const value = object[name]
  if (value === undefined || value === null) return value
  if (!isList(value)) return new Unreadable(value)
  const elements: T[] = []
  for (const each of value) {
    const element = read(each)
    if (element === undefined) return new Unreadable(value)
    elements.push(element)
  }
  return Object.freeze(elements)
}

/** The canonical text of a value, or of what was sent instead; no other canonical text begins with `w`. */
export function sentOr<T>(canonical: (value: T) => string): (value: T | Unreadable) => string {
  return (value) =>
    value instanceof Unreadable ? `w${canonicalJson(value.sent)}` : canonical(value)
}

/** A number that is another amount counts, whichever it is. */
function canonicalStated(value: StatedDecimal | null | undefined): string {
  return value?.isContradicted === true ? `c${canonicalAmount(value)}` : canonicalAmount(value)
}

function textOf(object: JsonObject, name: string): Text {
  const value = object[name]
  if (typeof value === 'string' || value === undefined || value === null) return value
  return new Unreadable(value)
}

/** Empty text states no amount: operations without one say it so. */
function decimalOf(object: JsonObject, name: string): Amount {
  const text = textOf(object, name)
  if (typeof text !== 'string') return text
  return text === '' ? null : (decimalOfText(text) ?? new Unreadable(text))
}
