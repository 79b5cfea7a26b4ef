/** Turns what a condition lists (one text, several, named lists) into what it accepts, by the rules of its field. */
import { describeWanted } from './check.ts'
import type { ListedReadings } from './listed-readings.ts'
import type { Accepted, OnUnknown } from './check.ts'
import type { FieldKind } from '../fields.ts'
import type { Reading } from '../readings/answer.ts'
import { isGlob } from './glob.ts'
import { listedKeys } from '../chains/listed-address.ts'
import type { Findings, NamedList } from './lists.ts'
import type { Path } from '../file/problems.ts'
import type { Texts } from '../file/schema.ts'

export interface CompileContext {
  readonly lists: ReadonlyMap<string, NamedList>
  readonly findings: Findings
  readonly listedReadings: ListedReadings
  /** How the rule reads what a request has several of. */
  readonly reading: Reading
  /** Notes that a condition refers to a list. */
  useList(name: string): void
  /** `unknown: no-match`, if it is written where it means something; elsewhere it is reported. */
  onUnknown(written: OnUnknown, path: Path): OnUnknown
}

/** What the condition accepts; problems go to the context. */
export function compileTexts(
  entry: Texts,
  kind: FieldKind,
  path: Path,
  context: CompileContext,
): Accepted {
  if (typeof entry === 'object' && 'list' in entry)
    return fromLists(entry.list, kind, path, context)
  const values = typeof entry === 'string' ? [entry] : entry
  const exact = new Set<string>()
  const globs: string[] = []
  for (const [index, value] of values.entries()) {
    const at = typeof entry === 'string' ? path : [...path, index]
    if (isGlob(value) && kind.globs) {
      globs.push(value)
      continue
    }
    const { keys, problem } = exactKeys(value, kind)
    if (problem !== undefined) context.findings.report(at, problem)
    else for (const key of keys) exact.add(key)
  }
  return {
    sets: [exact],
    globs,
    wants: describeWanted(values),
    key: JSON.stringify([[...exact].toSorted(), globs.toSorted()]),
  }
}

function exactKeys(
  value: string,
  kind: FieldKind,
): { readonly keys: readonly string[]; readonly problem?: string } {
  if (kind.addresses === true) return listedKeys(value)
  if (isGlob(value)) {
    return {
      keys: [],
      problem: 'patterns are not understood here; leave the condition out to match anything',
    }
  }
  if (kind.form !== undefined && !kind.form.pattern.test(value)) {
    return { keys: [], problem: `expected ${kind.form.expected}` }
  }
  return { keys: [kind.canonical?.(value) ?? value] }
}

function fromLists(
  names: string | readonly string[],
  kind: FieldKind,
  path: Path,
  context: CompileContext,
): Accepted {
  const sets: ReadonlySet<string>[] = []
  const all = typeof names === 'string' ? [names] : names
  for (const name of all) {
    const list = context.lists.get(name)
    context.useList(name)
    if (list === undefined) {
      context.findings.report([...path, 'list'], `there is no list \`${name}\``)
    } else if (!kind.lists.includes(list.kind)) {
      const wanted = kind.lists.map((each) => `\`${each}\``).join(' or ')
      context.findings.report(
        [...path, 'list'],
        `list \`${name}\` holds ${list.kind}, ${wanted} wanted here`,
      )
    } else {
      sets.push(list.keys)
    }
  }
  return {
    sets,
    globs: [],
    wants: `in list ${all.map((name) => `\`${name}\``).join(' or ')}`,
    key: JSON.stringify({ lists: all.toSorted() }),
  }
}
