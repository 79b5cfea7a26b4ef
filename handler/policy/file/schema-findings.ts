/** Says what zod found in the words of a policy's author: what was expected, what is there, and the usual mistake. */
import type { z } from 'zod'
import { describeText } from '../compile/check.ts'
import type { Finding, Path } from './problems.ts'

type Issue = z.core.$ZodIssue

/** The findings behind a refused policy; `root` is the value that was parsed. */
export function findingsOf(issues: readonly Issue[], root: unknown): Finding[] {
  return issues.flatMap((issue) => findingsIn(issue, [], root))
}

function findingsIn(issue: Issue, prefix: Path, root: unknown): Finding[] {
  const path = [...prefix, ...issue.path.map(step)]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path, key, message: `unknown key \`${key}\`` }))
  }
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => ({ path, message: lowerFirst(message) }))
  }
  if (issue.code === 'invalid_union') return unionFindings(issue.errors, path, root)
  return [{ path, message: messageOf(issue, valueAt(root, path)) }]
}

/** Of the forms that a value may have, the one that the author most likely meant. */
function unionFindings(
  branches: readonly (readonly Issue[])[],
  path: Path,
  root: unknown,
): Finding[] {
  const [meant] = branches
    .filter((issues) => !issues.some(isWrongType))
    .toSorted((a, b) => a.length - b.length)
  if (meant !== undefined) return meant.flatMap((issue) => findingsIn(issue, path, root))
  const value = valueAt(root, path)
  const quote = quoteHint(value)
  if (quote !== undefined) return [{ path, message: `expected a text, found ${quote}` }]
  const wanted = [...new Set(branches.flat().filter(isMistyped).flatMap(wantedBy))].join(' or ')
  if (value === undefined) return [{ path, message: `missing, expected ${wanted}` }]
  return [{ path, message: `expected ${wanted}, found ${nameOf(value)}` }]
}

type Mistyped = Extract<
  Issue,
  { readonly code: 'invalid_type' | 'invalid_value' | 'invalid_union' }
>

function isMistyped(issue: Issue): issue is Mistyped {
  return ['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code)
}

/** The branch is for another type of value altogether. */
function isWrongType(issue: Issue): boolean {
  return issue.path.length === 0 && isMistyped(issue)
}

function messageOf(issue: Issue, value: unknown): string {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') {
    return lowerFirst(issue.message)
  }
  if (value === undefined) return `missing, expected ${wantedBy(issue).join(', ')}`
  const quote = issue.code === 'invalid_type' && issue.expected === 'string' && quoteHint(value)
  return `expected ${wantedBy(issue).join(', ')}, found ${quote || nameOf(value)}`
}

/** What would have been right, in words; several for a value that may have several forms. */
function wantedBy(issue: Mistyped): string[] {
  if (issue.code === 'invalid_type') return [nameOfType(issue.expected)]
  if (issue.code === 'invalid_value') return issue.values.map((value) => `\`${String(value)}\``)
  return issue.errors.flat().filter(isMistyped).flatMap(wantedBy)
}

function nameOfType(type: string): string {
  if (type === 'string') return 'a text'
  if (type === 'array') return 'a list'
  if (type === 'object' || type === 'record') return 'a map'
  return type === 'boolean' ? '`true` or `false`' : 'a whole number'
}

/** YAML reads unquoted digits as a number, which has lost its exact text. */
function quoteHint(value: unknown): string | undefined {
  if (typeof value !== 'number' && typeof value !== 'boolean') return undefined
  return `\`${value}\` without quotes, which YAML reads as a ${typeof value}; quote it: \`"…"\``
}

function nameOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? describeText(value) : `\`${JSON.stringify(value)}\``
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const name of path) value = Reflect.get(Object(value), name)
  return value
}

function step(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : String(key)
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}
