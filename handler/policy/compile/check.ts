/** One condition of a rule: what it wants, whether a request has it, and how both are said in words. */
import { compareDecimals, formatDecimal } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { Text } from '../../protocol/request.ts'
import { compileGlob } from './glob.ts'
import type { Matcher } from './glob.ts'
import type { Subject } from './subject.ts'

/** Fields by which rules are filed, so that only those that could match are looked at. */
export type Dimension =
  | 'asset'
  | 'operation'
  | 'source.id'
  | 'destination.id'
  | 'destination.address'
  | 'signerId'
  | 'externalTxId'
  | 'type'

/** What a check accepts, as far as two checks can be compared: does one accept all that the other does? */
export type Shape =
  | { readonly kind: 'set'; readonly sets: readonly ReadonlySet<string>[] }
  | {
      readonly kind: 'range'
      readonly min: Decimal | undefined
      readonly max: Decimal | undefined
    }
  | { readonly kind: 'other'; readonly text: string }

export interface Check {
  /** Name in the policy, e.g. `destination.address`. */
  readonly field: string
  /** What is wanted, e.g. `` one of `ETH`, `BTC` ``. */
  readonly wants: string
  readonly shape: Shape
  /** Never true for a field that is absent or null. */
  test(subject: Subject): boolean
  /** What the request has instead, in words. */
  found(subject: Subject): string
}

/** Reads the texts that all must match; none means absent. */
export type ReadTexts = (subject: Subject) => readonly Text[]

/** Texts that a condition accepts: members of sets, and patterns. */
export interface Accepted {
  readonly sets: readonly ReadonlySet<string>[]
  readonly globs: readonly string[]
  readonly wants: string
  /** Canonical text: equal texts accept the same. */
  readonly key: string
}

/** Holds when there is at least one text and each one is accepted. */
export function textsCheck(field: string, accepted: Accepted, read: ReadTexts): Check {
  const accepts = accepter(accepted)
  return {
    field,
    wants: accepted.wants,
    shape: textsShape(accepted),
    test: (subject) => {
      const texts = read(subject)
      for (const text of texts) {
        if (typeof text !== 'string' || !accepts(text)) return false
      }
      return texts.length > 0
    },
    found: (subject) => {
      const texts = read(subject)
      return texts.length === 0 ? 'absent' : describeText(texts.find((text) => !isAccepted(text)))
    },
  }

  function isAccepted(text: Text): boolean {
    return typeof text === 'string' && accepts(text)
  }
}

/** Holds when the text is there and accepted; the same as `textsCheck` with one text, without its list. */
export function textCheck(
  field: string,
  accepted: Accepted,
  read: (subject: Subject) => Text,
): Check {
  const accepts = accepter(accepted)
  return {
    field,
    wants: accepted.wants,
    shape: textsShape(accepted),
    test: (subject) => {
      const text = read(subject)
      return typeof text === 'string' && accepts(text)
    },
    found: (subject) => describeText(read(subject)),
  }
}

/** Holds when the amount is there and within the inclusive bounds. */
export function rangeCheck(
  field: string,
  bounds: { readonly min: Decimal | undefined; readonly max: Decimal | undefined },
  read: (subject: Subject) => Decimal | null | undefined,
): Check {
  const { min, max } = bounds
  return {
    field,
    wants: describeRange(min, max),
    shape: { kind: 'range', min, max },
    test: (subject) => {
      const value = read(subject)
      if (value === undefined || value === null) return false
      if (min !== undefined && compareDecimals(value, min) < 0) return false
      return max === undefined || compareDecimals(value, max) <= 0
    },
    found: (subject) => {
      const value = read(subject)
      return value === undefined || value === null
        ? describeText(value)
        : `\`${formatDecimal(value)}\``
    },
  }
}

function accepter({ sets, globs }: Accepted): Matcher {
  const [only, ...more] = sets
  if (globs.length === 0 && only !== undefined && more.length === 0) return (text) => only.has(text)
  const matchers = globs.map(compileGlob)
  return (text) => sets.some((set) => set.has(text)) || matchers.some((matches) => matches(text))
}

function textsShape({ sets, globs, key }: Accepted): Shape {
  return globs.length === 0 ? { kind: 'set', sets } : { kind: 'other', text: key }
}

function describeRange(min: Decimal | undefined, max: Decimal | undefined): string {
  if (min === undefined) return max === undefined ? 'any' : `at most \`${formatDecimal(max)}\``
  if (max === undefined) return `at least \`${formatDecimal(min)}\``
  return `\`${formatDecimal(min)}\` to \`${formatDecimal(max)}\``
}

/** A text of a request, for a person to read: escaped, bounded, and never mistaken for its absence. */
export function describeText(text: Text): string {
  if (text === undefined) return 'absent'
  if (text === null) return 'null'
  const quoted = JSON.stringify(text).slice(1, -1)
  return quoted.length > 80 ? `\`${quoted.slice(0, 80)}…\`` : `\`${quoted}\``
}

/** `` `ETH` `` or `` one of `ETH`, `BTC` and 3 more ``. */
export function describeWanted(values: readonly string[]): string {
  const shown = values.slice(0, 5).map((value) => `\`${value}\``)
  const rest = values.length - shown.length
  if (values.length === 1) return shown.join('')
  return `one of ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
