/**
 * JSON with one meaning only: RFC 8259 grammar in one linear pass, no duplicate names, no lone
 * surrogates, bounded depth. What two parsers could read differently is refused here, so that
 * nothing behind it has to think of it.
 */
import { JsonNumber } from './json-value.ts'
import type { JsonObject, JsonValue } from './json-value.ts'

/** Arrays and objects inside each other. */
export const MAX_DEPTH = 32

export type StrictJsonFlaw =
  'syntax' | 'duplicate-name' | 'too-deep' | 'lone-surrogate' | 'too-many-values'

/** Text that is not strict JSON; the message says where, never what stands there. */
export class StrictJsonError extends Error {
  readonly flaw: StrictJsonFlaw

  constructor(flaw: StrictJsonFlaw, offset: number) {
    super(`${FLAWS[flaw]} at offset ${offset}`)
    this.name = 'StrictJsonError'
    this.flaw = flaw
  }
}

const FLAWS: Readonly<Record<StrictJsonFlaw, string>> = {
  syntax: 'not JSON',
  'duplicate-name': 'duplicate member name',
  'too-deep': `nesting deeper than ${MAX_DEPTH}`,
  'lone-surrogate': 'lone surrogate',
  'too-many-values': 'too many values',
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y

/** With the `u` flag pairs are one character, so only lone halves match. */
const LONE_SURROGATE = /[\uD800-\uDFFF]/u

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** Where reading has got to; `at` never moves back. */
interface Cursor {
  readonly text: string
  /** Lone surrogates are taken, and what is nested too deep is checked, but not kept. */
  readonly isLenient: boolean
  at: number
  /** Values that may still be read. */
  left: number
}

/**
 * The value of a JSON text, deeply frozen, numbers as written; at most `maxValues` of them are read. Throws
 * `StrictJsonError`.
 */
export function parseStrictJson(text: string, maxValues = Infinity): JsonValue {
  return parse({ text, isLenient: false, at: 0, left: maxValues })
}

/**
 * The same for text that is well-formed and has no duplicate names, though surrogates stand alone in it or it is nested
 * too deep; what is nested too deep reads as null. For finding out whom to answer, never for deciding. Throws
 * `StrictJsonError`.
 */
export function parseLenientJson(text: string): JsonValue {
  return parse({ text, isLenient: true, at: 0, left: Infinity })
}

function parse(cursor: Cursor): JsonValue {
  const { text } = cursor
  const value = readValue(cursor, 0)
  skipSpace(cursor)
  if (cursor.at < text.length) throw new StrictJsonError('syntax', cursor.at)
  return value
}

function readValue(cursor: Cursor, depth: number): JsonValue {
  cursor.left -= 1
  if (cursor.left < 0) throw new StrictJsonError('too-many-values', cursor.at)
  switch (skipSpace(cursor)) {
    case QUOTE:
      return readString(cursor)
    case OPEN_BRACE:
      return readObject(cursor, depth + 1)
    case OPEN_BRACKET:
      return readArray(cursor, depth + 1)
    default:
      return readNumberOrWord(cursor)
  }
}

/**
 * Makes objects whose prototype is empty, so that `__proto__` is an ordinary name, and which the
 * engine gives the same shape when they have the same members: `Object.create(null)` makes each one
 * a hash table of its own.
 */
class Members {
  [name: string]: JsonValue
}
Object.setPrototypeOf(Members.prototype, null)
Reflect.deleteProperty(Members.prototype, 'constructor')
Object.freeze(Members.prototype)

function readObject(cursor: Cursor, depth: number): JsonObject | null {
  if (depth > MAX_DEPTH) return tooDeep(cursor)
  const object = new Members()
  cursor.at += 1
  if (skipSpace(cursor) === CLOSE_BRACE) {
    cursor.at += 1
    return Object.freeze(object)
  }
  for (;;) {
    const nameAt = cursor.at
    if (skipSpace(cursor) !== QUOTE) throw new StrictJsonError('syntax', cursor.at)
    const name = readString(cursor)
    if (object[name] !== undefined) throw new StrictJsonError('duplicate-name', nameAt)
    if (skipSpace(cursor) !== COLON) throw new StrictJsonError('syntax', cursor.at)
    cursor.at += 1
    object[name] = readValue(cursor, depth)
    if (endsAt(cursor, CLOSE_BRACE)) return Object.freeze(object)
  }
}

function readArray(cursor: Cursor, depth: number): readonly JsonValue[] | null {
  if (depth > MAX_DEPTH) return tooDeep(cursor)
  const array: JsonValue[] = []
  cursor.at += 1
  if (skipSpace(cursor) === CLOSE_BRACKET) {
    cursor.at += 1
    return Object.freeze(array)
  }
  for (;;) {
    array.push(readValue(cursor, depth))
    if (endsAt(cursor, CLOSE_BRACKET)) return Object.freeze(array)
  }
}

/** Steps over an array or object without recursion, however deep it is; each open object has the set of its names. */
function tooDeep(cursor: Cursor): null {
  if (!cursor.isLenient) throw new StrictJsonError('too-deep', cursor.at)
  const open: (Set<string> | null)[] = []
  for (;;) {
    const code = skipSpace(cursor)
    if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      cursor.at += 1
      open.push(code === OPEN_BRACE ? new Set() : null)
      if (skipSpace(cursor) !== closingOf(open)) {
        stepOverName(cursor, open.at(-1))
        continue
      }
    } else if (code === QUOTE) readString(cursor)
    else readNumberOrWord(cursor)
    while (open.length > 0 && skipSpace(cursor) === closingOf(open)) {
      cursor.at += 1
      open.pop()
    }
    if (open.length === 0) return null
    if (skipSpace(cursor) !== COMMA) throw new StrictJsonError('syntax', cursor.at)
    cursor.at += 1
    stepOverName(cursor, open.at(-1))
  }
}

function closingOf(open: readonly (Set<string> | null)[]): number {
  return open.at(-1) === null ? CLOSE_BRACKET : CLOSE_BRACE
}

/** In an object: the name and the colon. */
function stepOverName(cursor: Cursor, names: Set<string> | null | undefined): void {
  if (!names) return
  if (skipSpace(cursor) !== QUOTE) throw new StrictJsonError('syntax', cursor.at)
  const at = cursor.at
  const name = readString(cursor)
  if (names.has(name)) throw new StrictJsonError('duplicate-name', at)
  names.add(name)
  if (skipSpace(cursor) !== COLON) throw new StrictJsonError('syntax', cursor.at)
  cursor.at += 1
}

/** Steps over what follows an element: true for the closing sign, false for a comma. */
function endsAt(cursor: Cursor, closing: number): boolean {
  const code = skipSpace(cursor)
  if (code !== closing && code !== COMMA) throw new StrictJsonError('syntax', cursor.at)
  cursor.at += 1
  return code === closing
}

/** Reads a string from its opening quote; the common case is a slice of the text. */
function readString(cursor: Cursor): string {
  const start = cursor.at + 1
  const end = plainEnd(cursor.text, start)
  if (cursor.text.charCodeAt(end) !== QUOTE) return readUnusualString(cursor)
  cursor.at = end + 1
  return cursor.text.slice(start, end)
}

/**
 * The first position from `at` that is a quote, backslash, control character, surrogate, or the
 * end.
 */
function plainEnd(text: string, at: number): number {
  for (let index = at; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code === QUOTE || code === BACKSLASH || isSurrogate(code)) return index
  }
  return text.length
}

/**
 * A string with escapes or with characters outside the Basic Multilingual Plane: found here,
 * decoded by the platform.
 */
function readUnusualString(cursor: Cursor): string {
  const { text, at: start } = cursor
  let end = start + 1
  while (end < text.length && text.charCodeAt(end) !== QUOTE) {
    end += text.charCodeAt(end) === BACKSLASH ? 2 : 1
  }
  cursor.at = end + 1
  const value = decodeString(text.slice(start, cursor.at), start)
  if (!cursor.isLenient && LONE_SURROGATE.test(value))
    throw new StrictJsonError('lone-surrogate', start)
  return value
}

/**
 * `JSON.parse` knows the grammar of one string; its message would quote the text, so it is dropped.
 */
function decodeString(quoted: string, offset: number): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    throw new StrictJsonError('syntax', offset)
  }
}

function readNumberOrWord(cursor: Cursor): JsonValue {
  NUMBER.lastIndex = cursor.at
  const number = NUMBER.exec(cursor.text)?.[0]
  if (number !== undefined) {
    cursor.at += number.length
    return Object.freeze(new JsonNumber(number))
  }
  for (const [word, value] of WORDS) {
    if (cursor.text.startsWith(word, cursor.at)) {
      cursor.at += word.length
      return value
    }
  }
  throw new StrictJsonError('syntax', cursor.at)
}

/** Steps over white space; the code of the character there, or 0 at the end. */
function skipSpace(cursor: Cursor): number {
  const { text } = cursor
  while (cursor.at < text.length) {
    const code = text.charCodeAt(cursor.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code
    cursor.at += 1
  }
  return 0
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff
}
