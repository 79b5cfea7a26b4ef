/** Values that a policy most likely misspells: close to a word that the vendor has, and so a condition that never holds. */
import type { Path } from '../file/problems.ts'
import type { Texts, WhenClause } from '../file/schema.ts'
import { ADDRESS_TYPES, canonicalType, COARSE, DETAILS_OF_TYPE } from '../readings/vocabulary.ts'
import { ACCOUNT_TYPES, NO_TYPE, SUBTYPES, WITHOUT_DESTINATION } from '../readings/vocabulary.ts'
import { isGlob } from './glob.ts'
import type { NamedList } from './lists.ts'
import { ANY_OPERATION } from './when.ts'

/** A value and the word that is probably meant. */
export interface NearMiss {
  readonly path: Path
  readonly value: string
  readonly word: string
}

interface Words {
  readonly known: ReadonlySet<string>
  /** The known words by their form without case and separators. */
  readonly byPlain: ReadonlyMap<string, string>
  /** One letter may be wrong, not only case and separators. */
  readonly isTypo: boolean
}

function words(known: Iterable<string>, isTypo: boolean): Words {
  const all = new Set(known)
  return { known: all, byPlain: new Map(Array.from(all, (word) => [plainOf(word), word])), isTypo }
}

const OPERATION_WORDS = words(
  ['TRANSFER', 'CONTRACT_CALL', ...WITHOUT_DESTINATION, ANY_OPERATION],
  true,
)

const ACCOUNT_WORDS = words(
  [
    ...ACCOUNT_TYPES,
    ...NO_TYPE,
    ...COARSE.keys(),
    ...Array.from(COARSE.values(), (finer) => [...finer]).flat(),
    'VAULT_ACCOUNT',
    'EXCHANGE_ACCOUNT',
    'ONE_TIME',
    'ONE_TIME_ADDRESS',
  ],
  true,
)

/** Types of configuration changes that documents name, with or without members (vendor: approve configuration changes). */
const CHANGE_WORDS = words(
  [
    ...DETAILS_OF_TYPE.keys(),
    'ADD_USER',
    'RE_ENROLL_DEVICE',
    'ENABLE_ONE_TIME_ADDRESS',
    'CHANGE_QUORUM_THRESHOLD',
    'UPDATE_APPROVAL_GROUP_MAPPING',
    'USERS_GROUP_APPROVAL',
    'POLICY_APPROVAL',
    'POLICY_CHANGE',
    'TAG_UPDATE',
    'TAG_DELETE',
    'TAG_ATTACH_DETACH',
  ],
  true,
)

const ADDRESS_TYPE_WORDS = words(ADDRESS_TYPES, true)
const SUBTYPE_WORDS = words(SUBTYPES, false)

/** A list longer than this is data, not vocabulary. */
const MAX_LISTED = 1_000

/** Finds every near miss in the conditions of a rule. `assets`: the asset ids that are known. */
export function nearMissFinder(
  lists: ReadonlyMap<string, NamedList>,
  assets: Iterable<string>,
): (when: WhenClause, path: Path) => NearMiss[] {
  const ids = words(assets, false)
  return inWhen

  function inWhen(when: WhenClause, path: Path): NearMiss[] {
    const { source, destination, details } = when
    const places = [
      [destination, [...path, 'destination']],
      [destination?.every, [...path, 'destination', 'every']],
      [destination?.any, [...path, 'destination', 'any']],
    ] as const
    return [
      ...inTexts(when.operation, OPERATION_WORDS, [...path, 'operation']),
      ...inTexts(when.asset, ids, [...path, 'asset']),
      ...inTexts(when.type, CHANGE_WORDS, [...path, 'type']),
      ...inTexts(source?.type, ACCOUNT_WORDS, [...path, 'source', 'type']),
      ...places.flatMap(([block, at]) => [
        ...inTexts(block?.type, ACCOUNT_WORDS, [...at, 'type']),
        ...inTexts(block?.addressType, ADDRESS_TYPE_WORDS, [...at, 'addressType']),
        ...inTexts(block?.subType, SUBTYPE_WORDS, [...at, 'subType']),
      ]),
      ...inTexts(details?.subType, SUBTYPE_WORDS, [...path, 'details', 'subType']),
      ...inTexts(details?.asset, ids, [...path, 'details', 'asset']),
      ...inBlocks(when, path, 'all-of'),
      ...inBlocks(when, path, 'any-of'),
    ]
  }

  function inBlocks(when: WhenClause, path: Path, name: 'all-of' | 'any-of'): NearMiss[] {
    return (when[name] ?? []).flatMap((block, index) => inWhen(block, [...path, name, index]))
  }

  function inTexts(texts: Texts | undefined, vocabulary: Words, path: Path): NearMiss[] {
    if (texts === undefined) return []
    const values =
      typeof texts === 'object' && 'list' in texts ? listed(texts.list) : [texts].flat()
    return values.flatMap((value, index) => {
      const word = isGlob(value) ? undefined : intended(value, vocabulary)
      if (word === undefined) return []
      return { path: Array.isArray(texts) ? [...path, index] : path, value, word }
    })
  }

  function listed(names: string | readonly string[]): readonly string[] {
    const all = [names].flat().map((name) => lists.get(name)?.keys ?? new Set<string>())
    return all.flatMap((keys) => (keys.size > MAX_LISTED ? [] : [...keys]))
  }
}

/** The known word that the value misses by case, a separator or, where allowed, one letter. */
function intended(value: string, { known, byPlain, isTypo }: Words): string | undefined {
  if (known.has(value) || known.has(canonicalType(value))) return undefined
  const plain = plainOf(value)
  const word = byPlain.get(plain)
  if (word !== undefined || !isTypo || plain.length < 4) return word
  for (const [other, meant] of byPlain) {
    if (isOneEdit(other, plain)) return meant
  }
  return undefined
}

function plainOf(word: string): string {
  return word.toUpperCase().replaceAll(/[-_ ]/g, '')
}

/** One letter more, less, or another, or two neighbours swapped. */
function isOneEdit(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (long.length - short.length > 1) return false
  let from = 0
  while (from < short.length && short[from] === long[from]) from += 1
  const isSwap =
    short.length === long.length &&
    short[from] === long[from + 1] &&
    short[from + 1] === long[from] &&
    short.slice(from + 2) === long.slice(from + 2)
  const rest = short.length === long.length ? short.slice(from + 1) : short.slice(from)
  return isSwap || rest === long.slice(from + 1)
}
