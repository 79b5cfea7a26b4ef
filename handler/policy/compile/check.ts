/** One condition of a rule: what it asks for, what it answers for a request, and how both are said in words. */
import { formatDecimal } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import { absenceOf } from '../readings/absence.ts'
import { withinBounds } from '../readings/amounts.ts'
import type { Bounds, StatedAmounts } from '../readings/amounts.ts'
import { answerFor, CERTAINLY, isAbsent, NO, POSSIBLY } from '../readings/answer.ts'
import type { Answer, Reading, Stated } from '../readings/answer.ts'
import type { Subject } from '../readings/subject.ts'
import { compileGlob } from './glob.ts'
import type { Matcher } from './glob.ts'

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

/** What a condition accepts, as far as two can be compared: does one accept all that the other does? */
export type Shape =
  | { readonly kind: 'set'; readonly sets: readonly ReadonlySet<string>[] }
  | ({ readonly kind: 'range' } & Bounds)
  | { readonly kind: 'other'; readonly text: string }

/** One field of a condition and what it accepts; a `destination` block has several. */
export interface Part {
  /** Name in the policy, e.g. `destination.address`. */
  readonly field: string
  readonly shape: Shape
}

export interface Check {
  readonly parts: readonly Part[]
  /** The request may state several values, so that the reading counts. */
  readonly isPlural: boolean
  /** `every` is written around it, in a rule that refuses. */
  readonly isEvery?: boolean
  /** The blocks of an `any-of`. */
  readonly alternatives?: readonly (readonly Check[])[]
  answer(subject: Subject, reading: Reading): Answer
  /** The condition that keeps the answer from being better; to be asked only when it could be. */
  unmet(subject: Subject, reading: Reading): Unmet
  /** Fields whose values are unknown, and on which the answer depends. */
  unknown(subject: Subject, reading: Reading): readonly string[]
}

/** A condition that does not hold, in words. */
export interface Unmet {
  readonly field: string
  /** What is expected, e.g. `` one of `ETH`, `BTC` ``. */
  readonly wants: string
  /** What the request has instead. */
  readonly found: string
}

/** Texts that a condition accepts: members of sets, and patterns. */
export interface Accepted {
  readonly sets: readonly ReadonlySet<string>[]
  readonly globs: readonly string[]
  readonly wants: string
  /** Canonical text: equal texts accept the same. */
  readonly key: string
}

/** What an unknown value means to a condition: `no-match` in a refusing rule, in writing. */
export type OnUnknown = 'no-match' | undefined

/** Parts of a check about one field. */
export interface SimpleCheck {
  readonly field: string
  readonly wants: string
  readonly shape: Shape
  readonly isPlural: boolean
  readonly onUnknown?: OnUnknown
  readonly answer: (subject: Subject, reading: Reading) => Answer
  readonly found: (subject: Subject, reading: Reading) => string
}

/** A check about one field. */
export function simpleCheck(simple: SimpleCheck): Check {
  const { field, wants, shape, isPlural, onUnknown } = simple
  const answer =
    onUnknown === undefined
      ? simple.answer
      : (subject: Subject, reading: Reading) => knownOnly(simple.answer(subject, reading))
  return {
    parts: [{ field, shape }],
    isPlural,
    answer,
    unmet: (subject, reading) => ({ field, wants, found: simple.found(subject, reading) }),
    unknown: (subject, reading) => (answer(subject, reading) === POSSIBLY ? [field] : []),
  }
}

/** The answer where an unknown value does not match. */
export function knownOnly(answer: Answer): Answer {
  return answer === POSSIBLY ? NO : answer
}

/** About one text; `read` may also give what is no text, which is unreadable. */
export function textCheck(
  field: string,
  accepted: Accepted,
  read: (subject: Subject) => unknown,
  onUnknown?: OnUnknown,
): Check {
  const accepts = accepter(accepted)
  const isNoValue = absenceOf(field)
  return simpleCheck({
    field,
    wants: accepted.wants,
    shape: textsShape(accepted),
    isPlural: false,
    onUnknown,
    answer: (subject) => {
      const text = read(subject)
      if (isAbsent(text)) return isNoValue(subject) ? NO : POSSIBLY
      if (typeof text !== 'string') return POSSIBLY
      return accepts(text) ? CERTAINLY : NO
    },
    found: (subject) => describeFound(read(subject), isNoValue(subject)),
  })
}

/** About several texts that the request states. */
export function statedCheck(
  field: string,
  accepted: Accepted,
  read: (subject: Subject) => Stated,
  onUnknown?: OnUnknown,
): Check {
  const accepts = accepter(accepted)
  const isNoValue = absenceOf(field)
  const missing = (subject: Subject) => (isNoValue(subject) ? NO : POSSIBLY)
  return simpleCheck({
    field,
    wants: accepted.wants,
    shape: textsShape(accepted),
    isPlural: true,
    onUnknown,
    answer: (subject, reading) =>
      answerFor(read(subject), accepts, reading, () => missing(subject)),
    found: (subject) => describeStated(read(subject), accepts, missing(subject) === NO),
  })
}

/** About an amount and its inclusive bounds. */
export function rangeCheck(
  field: string,
  bounds: Bounds,
  read: (subject: Subject) => StatedAmounts,
  onUnknown?: OnUnknown,
): Check {
  const { min, max } = bounds
  const isNoValue = absenceOf(field)
  return simpleCheck({
    field,
    wants: describeRange(min, max),
    shape: { kind: 'range', min, max },
    isPlural: true,
    onUnknown,
    answer: (subject, reading) =>
      withinBounds(read(subject), bounds, reading, () => (isNoValue(subject) ? NO : POSSIBLY)),
    found: (subject) => describeAmounts(read(subject), isNoValue(subject)),
  })
}

/** Tells whether a text is accepted. */
export function accepter({ sets, globs }: Accepted): Matcher {
  const [only, ...more] = sets
  if (globs.length === 0 && only !== undefined && more.length === 0) return (text) => only.has(text)
  const matchers = globs.map(compileGlob)
  return (text) => sets.some((set) => set.has(text)) || matchers.some((matches) => matches(text))
}

/** What the accepted texts are, for comparison with those of another rule. */
export function textsShape({ sets, globs, key }: Accepted): Shape {
  return globs.length === 0 ? { kind: 'set', sets } : { kind: 'other', text: key }
}

function describeRange(min: Decimal | undefined, max: Decimal | undefined): string {
  if (min === undefined) return max === undefined ? 'any' : `at most \`${formatDecimal(max)}\``
  if (max === undefined) return `at least \`${formatDecimal(min)}\``
  return `\`${formatDecimal(min)}\` to \`${formatDecimal(max)}\``
}

function describeAmounts({ amounts, unknown }: StatedAmounts, isNoValue: boolean): string {
  const known = amounts.map(({ value, isExact }) => {
    const text = `\`${formatDecimal(value)}\``
    return isExact ? text : `${text} or more`
  })
  if (known.length === 0) return unknown ? 'unknown' : describeFound(undefined, isNoValue)
  return [...known, ...(unknown ? ['unknown'] : [])].join(' and ')
}

/** What was stated, the text first that keeps the condition from holding. */
export function describeStated(
  { texts, unreadable }: Stated,
  accepts: (text: string) => boolean,
  isNoValue: boolean,
): string {
  const text = texts.find((each) => !accepts(each)) ?? (unreadable ? undefined : texts[0])
  if (text === undefined && unreadable) return 'unreadable'
  return describeFound(text, isNoValue)
}

/** A value for a person to read, and whether its absence is unknown. */
export function describeFound(value: unknown, isNoValue: boolean): string {
  if (typeof value === 'string' && value !== '') return describeText(value)
  if (!isAbsent(value)) return 'unreadable'
  return isNoValue ? 'no value' : 'unknown'
}

/** A text, for a person to read: escaped and bounded. */
export function describeText(text: string): string {
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
