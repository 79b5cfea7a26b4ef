/** A policy in parts: what goes from one thread to another is read as a whole, and must not take long. */
import type { NamedList } from '../policy/compile/lists.ts'
import type { CompiledForm } from '../policy/compile/policy.ts'
import type { PolicyFile, RuleEntry, TestEntry } from '../policy/file/schema.ts'

/** How much goes into one part: about a millisecond of reading. */
const RULES = 50
const KEYS = 2_000

/** A policy in the right form without what may be long, which follows in parts. */
export interface FormHead extends Omit<CompiledForm, 'file' | 'lists'> {
  readonly file: Omit<PolicyFile, 'rules' | 'tests' | 'lists'>
  readonly lists: readonly Omit<NamedList, 'keys'>[]
}

export type Part =
  | { readonly kind: 'rules'; readonly rules: readonly RuleEntry[] }
  | { readonly kind: 'tests'; readonly tests: readonly TestEntry[] }
  | { readonly kind: 'keys'; readonly list: string; readonly keys: readonly string[] }

/** The first message. */
export function headOf({ file, digest, lists, conflicts, abi }: CompiledForm): FormHead {
  const { rules: _rules, tests: _tests, ...head } = file
  return {
    digest,
    conflicts,
    abi,
    file: head,
    lists: Array.from(lists.values(), ({ keys: _keys, ...list }) => list),
  }
}

/** All others. */
export function* partsOf({ file, lists }: CompiledForm): Generator<Part, undefined, undefined> {
  for (const rules of pieces(file.rules ?? [], RULES)) yield { kind: 'rules', rules }
  for (const tests of pieces(file.tests ?? [], RULES)) yield { kind: 'tests', tests }
  for (const { name, keys } of lists.values()) {
    for (const piece of pieces([...keys], KEYS)) yield { kind: 'keys', list: name, keys: piece }
  }
}

function* pieces<T>(
  all: readonly T[],
  size: number,
): Generator<readonly T[], undefined, undefined> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

/** Puts a policy together again. */
export function createAssembly(head: FormHead): {
  readonly add: (part: Part) => void
  readonly form: () => CompiledForm
} {
  const rules: RuleEntry[] = []
  const tests: TestEntry[] = []
  const keys = new Map(head.lists.map(({ name }) => [name, new Set<string>()]))
  return {
    add(part) {
      if (part.kind === 'rules') rules.push(...part.rules)
      else if (part.kind === 'tests') tests.push(...part.tests)
      else for (const key of part.keys) keys.get(part.list)?.add(key)
    },
    form: () => {
      const lists = head.lists.map((list) => ({ ...list, keys: keys.get(list.name) ?? new Set() }))
      return {
        digest: head.digest,
        conflicts: head.conflicts,
        abi: head.abi,
        file: { ...head.file, rules, tests },
        lists: new Map(lists.map((list) => [list.name, list])),
      }
    },
  }
}
