/** Conditions on members of `extraParameters`, which customers fill as they like. */
import { JsonNumber } from '../../protocol/json-value.ts'
import type { JsonValue } from '../../protocol/json-value.ts'
import { Unreadable } from '../../protocol/request.ts'
import { absenceOf } from '../readings/absence.ts'
import { CERTAINLY, greatest, isAbsent, least, NO, POSSIBLY } from '../readings/answer.ts'
import type { Answer } from '../readings/answer.ts'
import type { Subject } from '../readings/subject.ts'
import type { Path } from '../file/problems.ts'
import type { ExtraParameterEntry } from '../file/schema.ts'
import { describeFound, simpleCheck } from './check.ts'
import type { Check } from './check.ts'
import { quantified } from './quantifier.ts'
import type { CompileContext } from './texts.ts'

/**
 * About the values that a path leads to: not null (`present`), or one of those in `equals` (texts, booleans, and numbers
 * by their exact text). `*` in a path stands for every element of an array, of which there must be one.
 */
export function extraParameterCheck(
  entry: ExtraParameterEntry,
  path: Path,
  context: CompileContext,
): Check {
  const { block, at, isEvery } = quantified(entry, path, context)
  if (block.path === undefined) context.findings.report(at, 'expected a `path`')
  if ((block.equals === undefined) === (block.present === undefined)) {
    context.findings.report(at, 'expected either `equals` or `present: true`')
  }
  const steps = (block.path ?? '').split('.')
  const wanted = block.equals === undefined ? undefined : new Set([block.equals].flat())
  const field = `extraParameters.${block.path}`
  const isNoValue = absenceOf(field)
  const answerOne = (subject: Subject, value: unknown): Answer => {
    if (value instanceof Unreadable) return POSSIBLY
    if (isAbsent(value)) return isNoValue(subject) ? NO : POSSIBLY
    return isWanted(value, wanted) ? CERTAINLY : NO
  }
  const read = ({ tx }: Subject): readonly (JsonValue | Unreadable | undefined)[] => {
    const start = tx?.extraParameters ?? undefined
    return start instanceof Unreadable ? [start] : valuesAt(start, steps)
  }
  return simpleCheck({
    field,
    wants: wanted === undefined ? 'present' : [...wanted].map((each) => `\`${each}\``).join(' or '),
    shape: { kind: 'other', text: JSON.stringify(entry) },
    isPlural: true,
    onUnknown: context.onUnknown(block.unknown, at),
    answer: (subject, reading) => {
      const answers = read(subject).map((value) => answerOne(subject, value))
      return reading === 'any' && !isEvery
        ? answers.reduce(greatest, NO)
        : answers.reduce(least, CERTAINLY)
    },
    found: (subject) => {
      const values = read(subject)
      const value = values.find((each) => answerOne(subject, each) !== CERTAINLY) ?? values[0]
      return describeValue(value, isNoValue(subject))
    },
  })
}

function isWanted(value: unknown, wanted: ReadonlySet<string | boolean> | undefined): boolean {
  if (wanted === undefined) return true
  if (typeof value === 'string' || typeof value === 'boolean') return wanted.has(value)
  return value instanceof JsonNumber && wanted.has(value.text)
}

/** Every value that the path leads to; undefined where it leads nowhere. */
function valuesAt(
  start: JsonValue | undefined,
  steps: readonly string[],
): readonly (JsonValue | undefined)[] {
  let values: readonly (JsonValue | undefined)[] = [start]
  for (const step of steps) {
    values = values.flatMap((value) => (step === '*' ? elementsOf(value) : [memberOf(value, step)]))
  }
  return values
}

function elementsOf(value: JsonValue | undefined): readonly (JsonValue | undefined)[] {
  return isArray(value) && value.length > 0 ? value : [undefined]
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return undefined
  if (isArray(value)) return /^(?:0|[1-9][0-9]{0,5})$/.test(name) ? value[Number(name)] : undefined
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function describeValue(value: JsonValue | Unreadable | undefined, isNoValue: boolean): string {
  if (value instanceof Unreadable) return 'unreadable'
  if (typeof value === 'boolean') return `\`${value}\``
  if (value instanceof JsonNumber) return `\`${value.text}\``
  if (typeof value === 'object' && value !== null) return 'an object or a list'
  return describeFound(value, isNoValue)
}
