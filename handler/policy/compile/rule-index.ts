/** Files rules by what they ask for, so that a request meets only those that could match, in the order of the file. */
import { absenceOf } from '../readings/absence.ts'
import { isAbsent } from '../readings/answer.ts'
import type { Stated } from '../readings/answer.ts'
import type { DestinationReading } from '../readings/destinations.ts'
import type { Subject } from '../readings/subject.ts'
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
    readonly dimension: Dimension
    readonly read: ReadKey
    /** Value → the rules that accept it. */
    readonly rules: ReadonlyMap<string, readonly Filed[]>
    /** Every rule of this dimension, for a request whose value is unknown. */
    readonly all: readonly Filed[]
  }[]
}

/** The value by which rules are looked up; null when it is unknown, undefined when the request has no such value. */
type ReadKey = (subject: Subject) => string | null | undefined

/**
 * INVARIANT: a rule that is filed under a dimension answers no to a request whose key, if known, it does not accept. Rules
 * that refuse are satisfied by any destination, so they are not filed by destinations.
 */
const KEYS: Readonly<Record<Dimension, ReadKey>> = {
  'destination.address': ofEveryDestination('destination.address', (each) => each.address()),
  'source.id': oneText('source.id', ({ tx }) => tx?.sourceId),
  'destination.id': ofEveryDestination('destination.id', (each) => each.id),
  externalTxId: oneText('externalTxId', ({ tx }) => tx?.externalTxId),
  signerId: oneText('signerId', ({ request }) => request.signerId),
  asset: oneText('asset', ({ tx }) => tx?.asset),
  type: oneText('type', ({ config }) => config?.type),
  operation: oneText('operation', ({ tx }) => tx?.operation),
}

function oneText(field: Dimension, read: (subject: Subject) => unknown): ReadKey {
  const isNoValue = absenceOf(field)
  return (subject) => {
    const value = read(subject)
    if (typeof value === 'string' && value !== '') return value
    return isAbsent(value) && isNoValue(subject) ? undefined : null
  }
}

/** One known value settles it: a rule that reads every destination must accept it. */
function ofEveryDestination(field: Dimension, read: (each: DestinationReading) => Stated): ReadKey {
  const isNoValue = absenceOf(field)
  return (subject) => {
    let key: string | null | undefined
    for (const each of subject.destinations()) {
      const { texts, unreadable } = read(each)
      if (texts[0] !== undefined) return texts[0]
      if (unreadable || !isNoValue(subject, each)) key = null
    }
    return key
  }
}

/** A rule that accepts more values than this in a dimension is not filed under it. */
const MAX_VALUES = 64

/** Files each rule under the dimension in which it has the least company. Two steps per rule. */
export function* indexRules(rules: readonly Rule[]): Steps<RuleIndex> {
  const crowd = new Map<string, number>()
  const companyOf = (dimension: Dimension, value: string) => crowd.get(`${dimension}:${value}`) ?? 0
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
  const files = new Map<Dimension, File>()
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
    const key = read(subject)
    const filed = key === null ? all : key === undefined ? undefined : rules.get(key)
    if (filed !== undefined) queues.push({ filed, at: 0 })
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

/** Takes the rule with the lowest position from the head of its queue; undefined when all are empty. */
function take(queues: readonly Queue[]): Filed | undefined {
  let from: Queue | undefined
  let first: Filed | undefined
  for (const queue of queues) {
    const head = queue.filed[queue.at]
    if (head === undefined) continue
    if (first !== undefined && first.position < head.position) continue
    first = head
    from = queue
  }
  if (from !== undefined) from.at += 1
  return first
}

interface Filing {
  readonly dimension: Dimension
  readonly values: readonly string[]
}

/** The dimensions under which a rule could be filed. */
function filingsOf({ checks, reading }: Rule): Filing[] {
  return checks
    .flatMap(({ parts }) => parts)
    .flatMap(({ field, shape }) => {
      if (!isDimension(field) || shape.kind !== 'set') return []
      if (reading === 'any' && field.startsWith('destination.')) return []
      if (shape.sets.some((set) => set.size > MAX_VALUES)) return []
      return { dimension: field, values: [...new Set(shape.sets.flatMap((set) => [...set]))] }
    })
}

function leastCrowded(
  options: readonly Filing[],
  companyOf: (dimension: Dimension, value: string) => number,
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

function file(files: Map<Dimension, File>, { dimension, values }: Filing, filed: Filed): void {
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
  return Object.hasOwn(KEYS, field)
}
