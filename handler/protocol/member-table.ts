/**
 * Tables of members: what is read of an object is what its identity is made of, because both are
 * made from one table.
 */
import { canonicalList } from './canonical.ts'
import { isObject } from './json-value.ts'
import type { JsonObject } from './json-value.ts'
import { type Kind, listOf, sentOr, type Unreadable } from './members.ts'

/**
 * A member of an object: how it is read, and where its value counts. INVARIANT: it counts at least
 * once.
 */
export type Member<T> = Pick<Kind<T>, 'read' | 'textName'> & (InCore<T> | InRest<T>)

/**
 * Counts as what is moved, the same in the approval and in the signing stage of one transaction.
 */
interface InCore<T> {
  core(this: void, value: T): string
  rest?(this: void, value: T): string
}

/** Counts as everything else that a rule can look at. */
interface InRest<T> {
  core?(this: void, value: T): string
  rest(this: void, value: T): string
}

type Members = Readonly<Record<string, Member<unknown>>>

/** The object that a table reads. */
export type ValuesOf<T> =
  T extends Table<infer M>
    ? { readonly [K in keyof M]: M[K] extends Member<infer V> ? V : never }
    : never

type ListOf<M> = readonly ValuesOf<Table<M>>[] | Unreadable | null | undefined

export interface Table<M> {
  /** Whether any member is part of what is moved. */
  readonly hasCore: boolean
  /** Every name on the wire that a member is read from. */
  readonly names: readonly string[]
  /** A frozen object of `head` and all members. Throws `Malformation`. */
  read<H extends Readonly<Record<string, unknown>>>(
    this: void,
    object: JsonObject,
    head: H,
  ): H & ValuesOf<Table<M>>
  /** Canonical text of what is moved. */
  core(this: void, values: ValuesOf<Table<M>>): string
  /** Canonical text of everything else. */
  rest(this: void, values: ValuesOf<Table<M>>): string
}

/** Of what is moved. */
export function moved<T>({ canonical, ...kind }: Kind<T>): Member<T> {
  return { ...kind, core: canonical }
}

/** Of what only describes. */
export function described<T>({ canonical, ...kind }: Kind<T>): Member<T> {
  return { ...kind, rest: canonical }
}

/**
 * A member that requests of before did not have: absent, it leaves no trace in the canonical text. `mark`: a letter with
 * which no canonical text begins.
 */
export function addedMember<T>(mark: string, { canonical, ...kind }: Kind<T>): Kind<T> {
  return {
    ...kind,
    canonical: (value) => (value === undefined ? '' : mark + canonical(value)),
  }
}

/** A list of objects; of each, the part that a table says. */
export function objects<M extends Members>(table: Table<M>): Member<ListOf<M>> {
  return {
    read: (object, name) =>
      listOf(object, name, (element) => (isObject(element) ? table.read(element, {}) : undefined)),
    ...(table.hasCore ? { core: sentOr((values) => canonicalList(values, table.core)) } : {}),
    rest: sentOr((values) => canonicalList(values, table.rest)),
  }
}

/**
 * The table of these members; their order is that of the canonical texts. `head` names what the
 * objects hold besides.
 */
export function tableOf<M extends Members>(members: M, head: readonly string[] = []): Table<M> {
  const names = [...head, ...Object.keys(members)]
  const entries = Object.entries(members).map(([name, member]) => ({ name, ...member }))
  const inCore = entries.flatMap(({ name, core: form }) =>
    form === undefined ? [] : { name, form },
  )
  const inRest = entries.flatMap(({ name, rest: form }) =>
    form === undefined ? [] : { name, form },
  )
  // Of one class, so that the engine gives all of them one shape: objects that grow name by name
  // cost ten times as much.
  class Values {
    [name: string]: unknown
    constructor() {
      for (const name of names) this[name] = undefined
    }
  }
  return {
    hasCore: inCore.length > 0,
    names: entries.flatMap(({ name, textName }) =>
      textName === undefined ? name : [name, textName],
    ),
    read: (object, known) => {
      const values = new Values()
      for (const name of head) values[name] = known[name]
      for (const { name, read } of entries) values[name] = read(object, name)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every member was just read
      return Object.freeze(values) as typeof known & ValuesOf<Table<M>>
    },
    core: (values) => joined(inCore, values),
    rest: (values) => joined(inRest, values),
  }
}

interface Form {
  readonly name: string
  readonly form: (value: unknown) => string
}

function joined(forms: readonly Form[], values: Readonly<Record<string, unknown>>): string {
  let text = ''
  for (const { name, form } of forms) text += form(values[name])
  return text
}
