/** Conditions on members of `extraParameters`, which customers fill as they like. */
import { JsonNumber } from '../../protocol/json-value.ts'
import type { JsonObject, JsonValue } from '../../protocol/json-value.ts'
import { describeText } from './check.ts'
import type { Check } from './check.ts'
import type { Findings } from './lists.ts'
import type { Path } from '../file/problems.ts'
import type { ExtraParameterEntry } from '../file/schema.ts'
import type { Subject } from './subject.ts'

/**
 * Holds when the path leads to a value that is not null (`present`), or to one of the wanted values (`equals`: texts,
 * booleans, and numbers by their exact text). `*` in a path stands for every element of an array, of which there
 * must be one, and then every value must fit.
 */
export function extraParameterCheck(
  entry: ExtraParameterEntry,
  path: Path,
  findings: Findings,
): Check {
  if ((entry.equals === undefined) === (entry.present === undefined)) {
    findings.report(path, 'expected either `equals` or `present: true`')
  }
  const steps = entry.path.split('.')
  const wanted = entry.equals === undefined ? undefined : new Set([entry.equals].flat())
  const fits = (value: JsonValue | undefined) => isWanted(value, wanted)
  const read = (subject: Subject) => valuesAt(subject.tx?.extraParameters ?? undefined, steps)
  return {
    field: `extraParameters.${entry.path}`,
    wants: wanted === undefined ? 'present' : [...wanted].map((each) => `\`${each}\``).join(' or '),
    shape: { kind: 'other', text: JSON.stringify(entry) },
    test: (subject) => read(subject).every(fits),
    found: (subject) => describeValue(read(subject).find((value) => !fits(value))),
  }
}

function isWanted(
  value: JsonValue | undefined,
  wanted: ReadonlySet<string | boolean> | undefined,
): boolean {
  if (value === undefined || value === null) return false
  if (wanted === undefined) return true
  if (typeof value === 'string' || typeof value === 'boolean') return wanted.has(value)
  return value instanceof JsonNumber && wanted.has(value.text)
}

/** Every value that the path leads to; undefined where it leads nowhere. */
function valuesAt(
  start: JsonObject | undefined,
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

function describeValue(value: JsonValue | undefined): string {
  if (value === undefined || value === null || typeof value === 'string') return describeText(value)
  if (typeof value === 'boolean') return `\`${value}\``
  return value instanceof JsonNumber ? `\`${value.text}\`` : 'an object or a list'
}
