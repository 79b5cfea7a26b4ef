/** Turns the conditions of a rule into checks, in an order that settles most requests at the first. */
import { compareDecimals, parseDecimal } from '../../protocol/decimal.ts'
import type { Endpoint } from '../../protocol/endpoints.ts'
import {
  AMOUNT_FIELDS,
  COMMON_FIELDS,
  CONFIG_FIELDS,
  CONTENT_FIELDS,
  keysOf,
  PLAIN_TEXT,
  TX_FIELDS,
} from '../fields.ts'
import { CERTAINLY, greatest, least, NO, POSSIBLY } from '../readings/answer.ts'
import type { Answer, Reading } from '../readings/answer.ts'
import type { Subject } from '../readings/subject.ts'
import { rangeCheck, textCheck } from './check.ts'
import type { Check, Unmet } from './check.ts'
import { detailChecks } from './config-checks.ts'
import { contractCallCheck, destinationChecks, sourceChecks } from './destination-checks.ts'
import { extraParameterCheck } from './extra-parameters.ts'
import type { Path } from '../file/problems.ts'
import type { RangeEntry, WhenClause } from '../file/schema.ts'
import { compileTexts } from './texts.ts'
import type { CompileContext } from './texts.ts'
import { timeCheck } from './time-window.ts'
import { typedDataChecks } from './typed-data-check.ts'

const TX_ONLY = [
  ...keysOf(TX_FIELDS),
  ...keysOf(AMOUNT_FIELDS),
  ...keysOf(CONTENT_FIELDS),
  'source',
  'destination',
] as const

/** Says that a rule is meant for every operation, which is no condition. */
export const ANY_OPERATION = 'any'

const CONFIG_ONLY = [...keysOf(CONFIG_FIELDS), 'details'] as const

/** How deep `all-of` and `any-of` may lie in each other. */
const MAX_DEPTH = 8

/** The checks of a `when`, all of which must hold. `inherited`: the endpoint that surrounding blocks are about. */
export function compileWhen(
  when: WhenClause,
  path: Path,
  context: CompileContext,
  inherited?: Endpoint,
  depth = 0,
): Check[] {
  if (depth > MAX_DEPTH) {
    context.findings.report(path, `blocks lie more than ${MAX_DEPTH} deep`)
    return []
  }
  const endpoint = endpointOf(when, inherited, path, context)
  return [
    ...commonChecks(when, endpoint, path, context),
    ...txChecks(when, path, context),
    ...configChecks(when, path, context),
    ...timeChecks(when, path, context),
    ...blocks(when, path, context, endpoint, depth),
  ]
}

/** The endpoint that the conditions are about, written or implied; a contradiction is reported. */
function endpointOf(
  when: WhenClause,
  inherited: Endpoint | undefined,
  path: Path,
  context: CompileContext,
): Endpoint | undefined {
  const written = when.endpoint === undefined ? [] : [when.endpoint].flat()
  const claims = new Set<Endpoint>(inherited === undefined ? [] : [inherited])
  if (new Set(written).size === 1) for (const endpoint of written) claims.add(endpoint)
  if (TX_ONLY.some((field) => when[field] !== undefined)) claims.add('tx_sign_request')
  if (CONFIG_ONLY.some((field) => when[field] !== undefined))
    claims.add('config_change_sign_request')
  const [endpoint, ...more] = claims
  if (more.length > 0) {
    context.findings.report(
      path,
      'can never match: conditions on a transaction and on a configuration change',
    )
  }
  return endpoint
}

function commonChecks(
  when: WhenClause,
  endpoint: Endpoint | undefined,
  path: Path,
  context: CompileContext,
): Check[] {
  const checks: Check[] = []
  if (endpoint !== undefined) {
    const accepted = compileTexts(endpoint, PLAIN_TEXT, [...path, 'endpoint'], context)
    checks.push(textCheck('endpoint', accepted, ({ request }) => request.endpoint))
  }
  if (when.stage !== undefined) {
    const accepted = compileTexts(when.stage, PLAIN_TEXT, [...path, 'stage'], context)
    checks.push(textCheck('stage', accepted, ({ request }) => request.stage))
  }
  for (const field of keysOf(COMMON_FIELDS)) {
    const entry = when[field]
    if (entry === undefined) continue
    const { kind, read } = COMMON_FIELDS[field]
    checks.push(textCheck(field, compileTexts(entry, kind, [...path, field], context), read))
  }
  return checks
}

function txChecks(when: WhenClause, path: Path, context: CompileContext): Check[] {
  const checks: Check[] = []
  for (const field of keysOf(TX_FIELDS)) {
    const entry = when[field]
    if (entry === undefined) continue
    const { kind, of } = TX_FIELDS[field]
    if (field === 'operation' && entry === ANY_OPERATION) continue
    const accepted = compileTexts(entry, kind, [...path, field], context)
    const [member] = of
    checks.push(textCheck(field, accepted, ({ tx }) => tx?.[member]))
  }
  checks.push(...sourceChecks(when.source, [...path, 'source'], context))
  checks.push(...destinationChecks(when.destination, [...path, 'destination'], context))
  for (const field of keysOf(AMOUNT_FIELDS)) {
    const entry = when[field]
    if (entry === undefined) continue
    const bounds = compileRange(entry, [...path, field], context)
    const onUnknown = context.onUnknown(entry.unknown, [...path, field])
    checks.push(rangeCheck(field, bounds, AMOUNT_FIELDS[field].read, onUnknown))
  }
  checks.push(...contractCallCheck(when.contractCall, [...path, 'contractCall'], context))
  checks.push(...typedDataChecks(when.typedData, [...path, 'typedData'], context))
  const extra = when.extraParameters === undefined ? [] : [when.extraParameters].flat()
  for (const [index, entry] of extra.entries()) {
    const at = Array.isArray(when.extraParameters) ? [index] : []
    checks.push(extraParameterCheck(entry, [...path, 'extraParameters', ...at], context))
  }
  return checks
}

function configChecks(when: WhenClause, path: Path, context: CompileContext): Check[] {
  const checks: Check[] = []
  for (const field of keysOf(CONFIG_FIELDS)) {
    const entry = when[field]
    if (entry === undefined) continue
    const { kind, of } = CONFIG_FIELDS[field]
    const accepted = compileTexts(entry, kind, [...path, field], context)
    const [member] = of
    checks.push(textCheck(field, accepted, ({ config }) => config?.[member]))
  }
  return [...checks, ...detailChecks(when.details, [...path, 'details'], context)]
}

function timeChecks(when: WhenClause, path: Path, context: CompileContext): Check[] {
  if (when.time === undefined) return []
  return [timeCheck(when.time, [...path, 'time'], context.findings)]
}

function blocks(
  when: WhenClause,
  path: Path,
  context: CompileContext,
  endpoint: Endpoint | undefined,
  depth: number,
): Check[] {
  const nested = (name: 'all-of' | 'any-of') =>
    (when[name] ?? []).map((each, index) => {
      const at = [...path, name, index]
      const checks = compileWhen(each, at, context, endpoint, depth + 1)
      if (Object.keys(each).length === 0) context.findings.report(at, 'the block is empty')
      return checks
    })
  const all = nested('all-of').flat()
  if (when['any-of'] === undefined) return all
  const entry = JSON.stringify(when['any-of'])
  return [...all, anyOf(nested('any-of'), entry)]
}

/** As good as the best of the blocks. */
function anyOf(alternatives: readonly (readonly Check[])[], entry: string): Check {
  return {
    parts: [{ field: 'any-of', shape: { kind: 'other', text: entry } }],
    isPlural: alternatives.some((checks) => checks.some(({ isPlural }) => isPlural)),
    alternatives,
    answer: (subject, reading) => {
      let best: Answer = NO
      for (const checks of alternatives) {
        best = greatest(best, answerOf(checks, subject, reading))
        if (best === CERTAINLY) break
      }
      return best
    },
    unmet: (subject, reading) => {
      const unmet = alternatives
        .flatMap((checks) => firstUnmet(checks, subject, reading) ?? [])
        .map(({ field, found }) => `${field} is ${found}`)
      return {
        field: 'any-of',
        wants: `one of ${alternatives.length} blocks`,
        found: `none of them: ${unmet.join('; ')}`,
      }
    },
    unknown: (subject, reading) =>
      alternatives
        .filter((checks) => answerOf(checks, subject, reading) === POSSIBLY)
        .flatMap((checks) => unknownIn(checks, subject, reading)),
  }
}

/** The least of the answers of all checks. */
export function answerOf(checks: readonly Check[], subject: Subject, reading: Reading): Answer {
  let answer: Answer = CERTAINLY
  for (const check of checks) {
    answer = least(answer, check.answer(subject, reading))
    if (answer === NO) return NO
  }
  return answer
}

/** The first condition that answers no, or else the first that does not answer certainly. */
export function firstUnmet(
  checks: readonly Check[],
  subject: Subject,
  reading: Reading,
): Unmet | undefined {
  const lowest = answerOf(checks, subject, reading)
  if (lowest === CERTAINLY) return undefined
  return checks.find((check) => check.answer(subject, reading) === lowest)?.unmet(subject, reading)
}

/** The fields on whose unknown values the answer depends, each once. */
export function unknownIn(
  checks: readonly Check[],
  subject: Subject,
  reading: Reading,
): readonly string[] {
  return [...new Set(checks.flatMap((check) => check.unknown(subject, reading)))]
}

function compileRange(entry: RangeEntry, path: Path, context: CompileContext) {
  const min = entry.min === undefined ? undefined : parseDecimal(entry.min)
  const max = entry.max === undefined ? undefined : parseDecimal(entry.max)
  if (min === undefined && max === undefined) {
    context.findings.report(path, 'expected `min`, `max` or both')
  } else if (min !== undefined && max !== undefined && compareDecimals(min, max) > 0) {
    context.findings.report(path, '`min` is more than `max`')
  }
  return { min, max }
}
