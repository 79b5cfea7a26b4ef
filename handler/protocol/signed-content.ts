/**
 * The content that a signature vouches for: strict JSON with one meaning, at a time at which it is valid. Whoever reads a
 * header reads it as strictly.
 */
import { CallbackError } from './errors.ts'
import { isObject, JsonNumber } from './json-value.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { decodePart } from './jws.ts'
import { parseLenientJson, parseStrictJson, StrictJsonError } from './strict-json.ts'

/** Bytes of JSON, or the base64url text of them. */
export interface SignedContent {
  readonly bytes: Uint8Array
  readonly form: 'base64url' | 'json'
}

/** Claims, and whether they may be looked at. */
export interface ReadContent {
  readonly claims: JsonObject
  /**
   * Why nothing but the id to answer to may be read of them: the content is well-formed and no name is twice in it, but of
   * a form that is not understood. It is answered RETRY.
   */
  readonly unreadable?: string | undefined
}

/** How far our clock may be behind a `nbf`, in seconds; an `exp` gets no grace. */
const NOT_BEFORE_GRACE_SECONDS = 30

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The claims in content that somebody vouches for, at a time at which they are valid. Throws `CallbackError`. */
export function readContent({ bytes, form }: SignedContent, now: Date): ReadContent {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read = readClaims(form === 'json' ? view : bytesOf(view.toString('latin1')))
  const timeless = checkTime(read.claims, now)
  return { claims: read.claims, unreadable: read.unreadable ?? timeless }
}

/**
 * The claims object. An answer is never a request: its `action` is a string (a request's old
 * `action` is an object).
 */
function readClaims(bytes: Buffer): ReadContent {
  try {
    const claims = readObject(bytes, 'payload')
    const isAnswer = typeof claims['action'] === 'string'
    return { claims, unreadable: isAnswer ? 'it has the `action` of an answer' : undefined }
  } catch (error) {
    const flaw = error instanceof CallbackError ? error.cause : undefined
    if (!(flaw instanceof StrictJsonError) || !FOREIGN.has(flaw.flaw)) throw error
    return { claims: readObject(bytes, 'payload', parseLenientJson), unreadable: flaw.message }
  }
}

/** Flaws of text that can have one meaning only. */
const FOREIGN: ReadonlySet<string> = new Set(['too-deep', 'lone-surrogate'])

export function readObject(bytes: Buffer, part: string, parse = parseStrictJson): JsonObject {
  const value = readJson(bytes, part, parse)
  if (isObject(value)) return value
  throw malformedToken(`the ${part} is not an object`)
}

function readJson(bytes: Buffer, part: string, parse: typeof parseStrictJson): JsonValue {
  try {
    return parse(UTF8.decode(bytes))
  } catch (cause) {
    throw malformedToken(`the ${part} is not strict JSON`, cause)
  }
}

/**
 * RFC 7519 §4.1.4 and §4.1.5, if present at all. An old `iat` means nothing: a RETRY is asked again
 * for up to 48 h. Says why nobody can tell, when a date is no number.
 */
function checkTime(claims: JsonObject, now: Date): string | undefined {
  const seconds = now.getTime() / 1000
  const ends = secondsOf(claims['exp'], Infinity)
  const begins = secondsOf(claims['nbf'], -Infinity)
  if (seconds >= ends || seconds + NOT_BEFORE_GRACE_SECONDS < begins) {
    throw new CallbackError('ERR_TOKEN_TIME', 'the token is not valid at this time')
  }
  return Number.isNaN(ends) || Number.isNaN(begins) ? '`exp` or `nbf` is no number' : undefined
}

/** NaN for a date that is no number: it compares false with everything. */
function secondsOf(value: JsonValue | undefined, absent: number): number {
  if (value === undefined) return absent
  return value instanceof JsonNumber ? Number(value.text) : Number.NaN
}

export function bytesOf(part: string): Buffer {
  const bytes = decodePart(part)
  if (bytes === undefined) throw malformedToken('a part is not canonical base64url')
  return bytes
}

export function malformedToken(message: string, cause?: unknown): CallbackError {
  return new CallbackError('ERR_TOKEN_MALFORMED', message, { cause })
}
