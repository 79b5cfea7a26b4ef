/** A request as a message between threads: structured clones keep neither the class of numbers nor what is frozen. */
import { JsonNumber } from '../protocol/json-value.ts'
import type { JsonValue } from '../protocol/json-value.ts'
import { Unreadable } from '../protocol/request.ts'
import type { CallbackRequest } from '../protocol/request.ts'

export type Packed =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | PackedNumber
  | PackedSent
  | PackedList
  | PackedObject

/** A JSON number. */
interface PackedNumber {
  readonly text: string
}

/** What cannot be read, as it was sent. */
interface PackedSent {
  readonly sent: Packed
}

type PackedList = readonly Packed[]

/** A list of members, so that every name is an ordinary one. */
interface PackedObject {
  readonly members: readonly (readonly [string, Packed])[]
}

/**
 * More values than this are not shown to people, functions and services: packing, unpacking and writing them down as
 * JSON would keep the event loop for longer than a tenth of a second. A batch of a thousand destinations has 10,000.
 */
export const MAX_SHOWN_VALUES = 20_000

/** Throws when there are too many values. */
export function pack(request: CallbackRequest): Packed {
  let left = MAX_SHOWN_VALUES
  const packed = (value: unknown): Packed => {
    left -= 1
    if (left < 0) throw new RangeError(`the request has more than ${MAX_SHOWN_VALUES} values`)
    if (typeof value === 'object' && value !== null) {
      if (value instanceof JsonNumber) return { text: value.text }
      if (value instanceof Unreadable) return { sent: packed(value.sent) }
      if (Array.isArray(value)) return value.map(packed)
      return { members: Object.entries(value).map(([name, member]) => [name, packed(member)]) }
    }
    if (isScalar(value)) return value
    throw new TypeError(`no request holds a ${typeof value}`)
  }
  return packed(request)
}

/** What was packed: frozen, objects without a prototype. */
export function unpack(packed: Packed): CallbackRequest {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only requests are packed
  return valueOf(packed) as CallbackRequest
}

function valueOf(packed: Packed): unknown {
  if (typeof packed !== 'object' || packed === null) return packed
  if (isList(packed)) return Object.freeze(packed.map(valueOf))
  if ('text' in packed) return Object.freeze(new JsonNumber(packed.text))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only JSON was packed
  if ('sent' in packed) return Object.freeze(new Unreadable(valueOf(packed.sent) as JsonValue))
  const object: Record<string, unknown> = Object.create(null)
  for (const [name, member] of packed.members) object[name] = valueOf(member)
  return Object.freeze(object)
}

function isList(packed: Packed): packed is PackedList {
  return Array.isArray(packed)
}

function isScalar(value: unknown): value is string | number | boolean | bigint | null | undefined {
  return value === undefined || value === null || SCALARS.has(typeof value)
}

const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'bigint'])
