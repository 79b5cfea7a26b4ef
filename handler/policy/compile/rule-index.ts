/** Files rules by what they ask for, so that a request meets only those that could match, in the order of the file. */
import type { Check, Dimension } from './check.ts'
import type { Rule } from './rules.ts'
import type { Subject } from './subject.ts'
import { destinationTexts } from './subject.ts'
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
    readonly read: (subject: Subject) => string | undefined
    /** Value → the rules that accept it. */
    readonly rules: ReadonlyMap<string, readonly Filed[]>
  }[]
}

/**
 * The one value of a request by which a dimension looks rules up. A rule that is filed under a dimension cannot match
 * a request whose value it does not accept; INVARIANT: the value is one that the dimension's check insists on.
 */
const READ: Readonly<Record<Dimension, (subject: Subject) => string | null | undefined>> = {
  'destination.address': (subject) => subject.addressKeys()[0],
  'source.id': ({ tx }) => tx?.sourceId,
  'destination.id': ({ tx }) => destinationTexts(tx, 'id')[0],
  externalTxId: ({ tx }) => tx?.externalTxId,
  signerId: ({ request }) => request.signerId,
  asset: ({ tx }) => tx?.asset,
  type: ({ config }) => config?.type,
  operation: ({ tx }) => tx?.operation,
}

/** A rule that accepts more values than this in a dimension is not filed under it. */
const MAX_VALUES = 64

/** Files each rule under the dimension in which it has the least company. Two steps per rule. */
export function* indexRules(rules: readonly Rule[]): Steps<RuleIndex> {
  const crowd = new Map<string, number>()
  const companyOf = (dimension: Dimension, value: string) => crowd.get(`${dimension}:${value}`) ?? 0
  const candidates: { readonly filed: Filed; readonly options: readonly Filing[] }[] = []
  for (const [position, rule] of rules.entries()) {
    const options = filingsOf(rule)
    candidates.push({ filed: { position, rule, checks: tellingFirst(rule.checks) }, options })
    for (const { dimension, values } of options) {
      for (const value of values)
        crowd.set(`${dimension}:${value}`, companyOf(dimension, value) + 1)
    }
    yield
  }
  const unfiled: Filed[] = []
  const files = new Map<Dimension, Map<string, Filed[]>>()
  for (const { filed, options } of candidates) {
    const best = leastCrowded(options, companyOf)
    if (best === undefined) unfiled.push(filed)
    else file(files, best, filed)
    yield
  }
  return {
    unfiled,
    files: Array.from(files, ([dimension, byValue]) => ({
      dimension,
      read: (subject) => READ[dimension](subject) ?? undefined,
      rules: byValue,
    })),
  }
}

/** The first rule, in the order of the file, whose checks all hold. */
export function firstMatch({ unfiled, files }: RuleIndex, subject: Subject): Rule | undefined {
  const queues: Queue[] = [{ filed: unfiled, at: 0 }]
  for (const { read, rules } of files) {
    const value = read(subject)
    const filed = value === undefined ? undefined : rules.get(value)
    if (filed !== undefined) queues.push({ filed, at: 0 })
  }
  let next = take(queues)
  while (next !== undefined && !matches(next, subject)) next = take(queues)
  return next?.rule
}

/** True when every check of the rule holds. */
function matches({ checks }: Filed, subject: Subject): boolean {
  for (const check of checks) {
    if (!check.test(subject)) return false
  }
  return true
}

/** Rules that are filed together agree in what they are filed under; often it is the amount that they differ in. */
function tellingFirst(checks: readonly Check[]): readonly Check[] {
  return [...checks.filter(isRange), ...checks.filter((check) => !isRange(check))]
}

function isRange({ shape }: Check): boolean {
  return shape.kind === 'range'
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
function filingsOf({ checks }: Rule): Filing[] {
  return checks.flatMap(({ field, shape }) => {
    if (!isDimension(field) || shape.kind !== 'set') return []
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

function file(
  files: Map<Dimension, Map<string, Filed[]>>,
  { dimension, values }: Filing,
  filed: Filed,
): void {
  const byValue = files.get(dimension) ?? new Map<string, Filed[]>()
  files.set(dimension, byValue)
  for (const value of values) {
    const others = byValue.get(value)
    if (others === undefined) byValue.set(value, [filed])
    else others.push(filed)
  }
}

function isDimension(field: string): field is Dimension {
  return Object.hasOwn(READ, field)
}
