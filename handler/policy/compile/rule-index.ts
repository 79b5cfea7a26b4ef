/** Files rules by what they ask for, so that a request meets only those that could match, in the order of the file. */
import { absenceOf } from '../readings/absence.ts'
import { isAbsent } from '../readings/answer.ts'
import type { Stated } from '../readings/answer.ts'
import type { DestinationReading } from '../readings/destinations.ts'
import type { Subject } from '../readings/subject.ts'
import { approvedKeys, likenessKeys } from './address-check.ts'
import { readingsOfListed } from './listed-readings.ts'
import type { Check, Dimension } from './check.ts'
import type { Rule } from './rules.ts'
import type { Steps } from '../steps.ts'

/** A rule with its position in the file. */
export interface Filed {
  readonly position: number
  readonly rule: Rule
  /** The rule's checks, those first that are the most likely to fail among rules in the same place. */
  readonly checks: readonly Check[]
}

/** All lists are in the order of the file. */
export interface RuleIndex {
  /** Rules that no dimension could file. */
  readonly unfiled: readonly Filed[]
  readonly files: readonly {
    readonly dimension: Filing['dimension']
    readonly read: ReadKeys
    /** Value → the rules that accept it. */
    readonly rules: ReadonlyMap<string, readonly Filed[]>
    /** Every rule of this dimension, for a request whose value is unknown. */
    readonly all: readonly Filed[]
  }[]
}

/** The values by which rules are looked up; null when one is unknown, so that every rule must be tried. */
type ReadKeys = (subject: Subject) => readonly string[] | null

/** Destinations as rules that refuse are filed by them: any one is enough. */
type AnyDestination = 'any destination.address' | 'any destination.id'

/**
 * INVARIANT: a rule that is filed under a dimension answers no to a request of which all keys are known and none is among
 * its own.
 */
const KEYS: Readonly<Record<Dimension | AnyDestination, ReadKeys>> = {
  'destination.address': ofEvery('destination.address', (each) => each.address(), approvedKeys),
  'any destination.address': ofAny('destination.address', (each) => each.address(), likenessKeys),
  'source.id': oneText('source.id', ({ tx }) => tx?.sourceId),
  'destination.id': ofEvery(
    'destination.id',
    (each) => each.id,
    (id) => [id],
  ),
  'any destination.id': ofAny(
    'destination.id',
    (each) => each.id,
    (id) => [id],
  ),
  externalTxId: oneText('externalTxId', ({ tx }) => tx?.externalTxId),
  signerId: oneText('signerId', ({ request }) => request.signerId),
  asset: oneText('asset', ({ tx }) => tx?.asset),
  type: oneText('type', ({ config }) => config?.type),
  operation: oneText('operation', ({ tx }) => tx?.operation),
}

const NO_KEYS: readonly string[] = []

function oneText(field: Dimension, read: (subject: Subject) => unknown): ReadKeys {
  const isNoValue = absenceOf(field)
  return (subject) => {
    const value = read(subject)
    if (typeof value === 'string' && value !== '') return [value]
    return isAbsent(value) && isNoValue(subject) ? NO_KEYS : null
  }
}

type ReadStated = (destination: DestinationReading) => Stated

/** One known value settles it: a rule that reads every destination must accept it. */
function ofEvery(
  field: Dimension,
  read: ReadStated,
  keysOf: (text: string) => readonly string[] | null,
): ReadKeys {
  const isNoValue = absenceOf(field)
  return (subject) => {
    let isUnknown = false
    for (const each of subject.destinations()) {
      const { texts, unreadable } = read(each)
      const keys = texts[0] === undefined ? null : keysOf(texts[0])
      if (keys !== null) return keys
      if (unreadable || texts.length > 0 || !isNoValue(subject, each)) isUnknown = true
    }
    return isUnknown ? null : NO_KEYS
  }
}

/** Every known value counts, and one that is unknown may be any. */
function ofAny(
  field: Dimension,
  read: ReadStated,
  keysOf: (text: string) => readonly string[],
): ReadKeys {
  const isNoValue = absenceOf(field)
  return (subject) => {
    const keys = new Set<string>()
    for (const each of subject.destinations()) {
      const { texts, unreadable } = read(each)
      if (unreadable || (texts.length === 0 && !isNoValue(subject, each))) return null
      for (const text of texts) for (const key of keysOf(text)) keys.add(key)
    }
    return [...keys]
  }
}

/** A rule that accepts more values than this in a dimension is not filed under it; an address has a few keys. */
const MAX_VALUES = 192

/** Files each rule under the dimension in which it has the least company. Two steps per rule. */
export function* indexRules(rules: readonly Rule[]): Steps<RuleIndex> {
  const crowd = new Map<string, number>()
  const companyOf = (dimension: string, value: string) => crowd.get(`${dimension}:${value}`) ?? 0
  const filings: { readonly filed: Filed; readonly options: readonly Filing[] }[] = []
  for (const [position, rule] of rules.entries()) {
    const options = filingsOf(rule)
    filings.push({ filed: { position, rule, checks: tellingFirst(rule.checks) }, options })
    for (const { dimension, values } of options) {
      for (const value of values)
        crowd.set(`${dimension}:${value}`, companyOf(dimension, value) + 1)
    }
    yield
  }
  const unfiled: Filed[] = []
  const files = new Map<Filing['dimension'], File>()
  for (const { filed, options } of filings) {
    const best = leastCrowded(options, companyOf)
    if (best === undefined) unfiled.push(filed)
    else file(files, best, filed)
    yield
  }
  return {
    unfiled,
    files: Array.from(files, ([dimension, { rules: byValue, all }]) => ({
      dimension,
      read: KEYS[dimension],
      rules: byValue,
      all,
    })),
  }
}

/** The rules that could match, in the order of the file; undefined when there are no more. */
export function candidates(
  { unfiled, files }: RuleIndex,
  subject: Subject,
): () => Filed | undefined {
  const queues: Queue[] = [{ filed: unfiled, at: 0 }]
  for (const { read, rules, all } of files) {
    const keys = read(subject)
    if (keys === null) queues.push({ filed: all, at: 0 })
    for (const key of keys ?? NO_KEYS) {
      const filed = rules.get(key)
      if (filed !== undefined) queues.push({ filed, at: 0 })
    }
  }
  return () => take(queues)
}

/** Rules that are filed together agree in what they are filed under; often it is the amount that they differ in. */
function tellingFirst(checks: readonly Check[]): readonly Check[] {
  return [...checks.filter(isRange), ...checks.filter((check) => !isRange(check))]
}

function isRange({ parts }: Check): boolean {
  return parts[0]?.shape.kind === 'range'
}

interface Queue {
  readonly filed: readonly Filed[]
  at: number
}

/** Takes the rule with the lowest position from the heads of all queues that have it; undefined when all are empty. */
function take(queues: readonly Queue[]): Filed | undefined {
  let first: Filed | undefined
  for (const queue of queues) {
    const head = queue.filed[queue.at]
    if (head === undefined) continue
    if (first === undefined || head.position < first.position) first = head
  }
  if (first === undefined) return undefined
  for (const queue of queues) {
    if (queue.filed[queue.at] === first) queue.at += 1
  }
  return first
}

interface Filing {
  readonly dimension: Dimension | AnyDestination
  readonly values: readonly string[]
}

/** The dimensions under which a rule could be filed. */
function filingsOf({ checks, reading }: Rule): Filing[] {
  return checks
    .flatMap(({ parts }) => parts)
    .flatMap(({ field, shape }): Filing[] => {
      if (!isDimension(field) || shape.kind !== 'set') return []
      const { sets } = shape
      if (sets.some((set) => set.size > MAX_VALUES)) return []
      const values = [...new Set(sets.flatMap((set) => [...set]))]
      if (reading === 'every') return [{ dimension: field, values }]
      if (field === 'destination.id') return [{ dimension: 'any destination.id', values }]
      if (field !== 'destination.address') return [{ dimension: field, values }]
      const all = new Set(values.flatMap((value) => [value, ...readingsOfListed(value)]))
      return [{ dimension: 'any destination.address', values: [...all] }]
    })
}

function leastCrowded(
  options: readonly Filing[],
  companyOf: (dimension: string, value: string) => number,
): Filing | undefined {
  let best: Filing | undefined
  let least = Number.POSITIVE_INFINITY
  for (const option of options) {
    const { dimension, values } = option
    const company = Math.max(0, ...values.map((value) => companyOf(dimension, value)))
    if (company >= least) continue
    least = company
    best = option
  }
  return best
}

interface File {
  readonly rules: Map<string, Filed[]>
  readonly all: Filed[]
}

function file(
  files: Map<Filing['dimension'], File>,
  { dimension, values }: Filing,
  filed: Filed,
): void {
  const { rules: byValue, all }: File = files.get(dimension) ?? { rules: new Map(), all: [] }
  files.set(dimension, { rules: byValue, all })
  all.push(filed)
  for (const value of values) {
    const others = byValue.get(value)
    if (others === undefined) byValue.set(value, [filed])
    else others.push(filed)
  }
}

function isDimension(field: string): field is Dimension {
  return Object.hasOwn(KEYS, field) && !field.startsWith('any ')
}
