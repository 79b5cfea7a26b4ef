/** Files rules by what they ask for, so that a request meets only those that could match, in the order of the file. */
import type { Check, Dimension } from './check.ts'
import type { Rule } from './rules.ts'
import type { Subject } from './subject.ts'
import { destinationTexts } from './subject.ts'

export interface RuleIndex {
  /** Positions of rules that no dimension could file, ascending. */
  readonly unfiled: readonly number[]
  readonly files: readonly {
    readonly dimension: Dimension
    readonly read: (subject: Subject) => string | undefined
    /** Value → positions of the rules that accept it, ascending. */
    readonly rules: ReadonlyMap<string, readonly number[]>
  }[]
}

/**
 * The one value of a request by which a dimension looks rules up. A rule that is filed under a dimension cannot match
 * a request whose value it does not accept; INVARIANT: the value is one that the dimension's check insists on.
 */
const READ: Readonly<Record<Dimension, (subject: Subject) => string | null | undefined>> = {
  'destination.address': (subject) => subject.addressKeys()[0],
  'source.id': ({ tx }) => tx?.sourceId,
  'destination.id': ({ tx }) => tx && destinationTexts(tx, 'id')[0],
  externalTxId: ({ tx }) => tx?.externalTxId,
  signerId: ({ request }) => request.signerId,
  asset: ({ tx }) => tx?.asset,
  type: ({ config }) => config?.type,
  operation: ({ tx }) => tx?.operation,
}

/** A rule that accepts more values than this in a dimension is not filed under it. */
const MAX_VALUES = 64

/** Files each rule under the dimension in which it has the least company. */
export function indexRules(rules: readonly Rule[]): RuleIndex {
  const filings = rules.map(filingsOf)
  const crowd = new Map<string, number>()
  for (const { dimension, values } of filings.flat()) {
    for (const value of values) {
      const key = `${dimension}:${value}`
      crowd.set(key, (crowd.get(key) ?? 0) + 1)
    }
  }
  const unfiled: number[] = []
  const files = new Map<Dimension, Map<string, number[]>>()
  for (const [position, options] of filings.entries()) {
    const best = leastCrowded(options, crowd)
    if (best === undefined) unfiled.push(position)
    else file(files, best, position)
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
export function firstMatch(
  { unfiled, files }: RuleIndex,
  rules: readonly Rule[],
  subject: Subject,
): Rule | undefined {
  const queues: (readonly number[])[] = unfiled.length > 0 ? [unfiled] : []
  for (const { read, rules: byValue } of files) {
    const value = read(subject)
    const found = value === undefined ? undefined : byValue.get(value)
    if (found !== undefined) queues.push(found)
  }
  const heads = queues.map(() => 0)
  for (;;) {
    const queue = nextQueue(queues, heads)
    if (queue === undefined) return undefined
    const head = heads[queue] ?? 0
    heads[queue] = head + 1
    const rule = rules[queues[queue]?.[head] ?? -1]
    if (rule !== undefined && matches(rule, subject)) return rule
  }
}

/** True when every check of the rule holds. */
export function matches({ checks }: Rule, subject: Subject): boolean {
  for (const check of checks) {
    if (!check.test(subject)) return false
  }
  return true
}

/** The queue whose next position is the lowest; undefined when all are empty. */
function nextQueue(queues: readonly (readonly number[])[], heads: readonly number[]) {
  let best: number | undefined
  let lowest = Number.POSITIVE_INFINITY
  for (let queue = 0; queue < queues.length; queue += 1) {
    const position = queues[queue]?.[heads[queue] ?? 0]
    if (position !== undefined && position < lowest) {
      lowest = position
      best = queue
    }
  }
  return best
}

interface Filing {
  readonly dimension: Dimension
  readonly values: readonly string[]
}

function filingsOf({ checks }: Rule): Filing[] {
  return checks.flatMap((check) => {
    if (!isDimension(check.field) || check.shape.kind !== 'set') return []
    const values = smallUnion(check)
    return values === undefined ? [] : { dimension: check.field, values }
  })
}

function smallUnion({ shape }: Check): readonly string[] | undefined {
  if (shape.kind !== 'set') return undefined
  if (shape.sets.some((set) => set.size > MAX_VALUES)) return undefined
  return [...new Set(shape.sets.flatMap((set) => [...set]))]
}

function leastCrowded(
  options: readonly Filing[],
  crowd: ReadonlyMap<string, number>,
): Filing | undefined {
  let best: Filing | undefined
  let least = Number.POSITIVE_INFINITY
  for (const option of options) {
    const company = Math.max(
      0,
      ...option.values.map((value) => crowd.get(`${option.dimension}:${value}`) ?? 0),
    )
    if (company < least) {
      least = company
      best = option
    }
  }
  return best
}

function file(
  files: Map<Dimension, Map<string, number[]>>,
  { dimension, values }: Filing,
  position: number,
): void {
  const byValue = files.get(dimension) ?? new Map<string, number[]>()
  files.set(dimension, byValue)
  for (const value of values) {
    const positions = byValue.get(value)
    if (positions === undefined) byValue.set(value, [position])
    else positions.push(position)
  }
}

function isDimension(field: string): field is Dimension {
  return Object.hasOwn(READ, field)
}
