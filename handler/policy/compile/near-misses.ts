/** Values that a policy most likely misspells: close to a word that the vendor has, and so a condition that never holds. */
import type { Path } from '../file/problems.ts'
import type { PolicyFile, Texts, WhenClause } from '../file/schema.ts'
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
  /** One letter may be wrong, not only case and separators. */
  readonly isTypo: boolean
}

const OPERATIONS = ['TRANSFER', 'CONTRACT_CALL', ...WITHOUT_DESTINATION]

const TYPES = [
  ...ACCOUNT_TYPES,
  ...NO_TYPE,
  ...COARSE.keys(),
  ...Array.from(COARSE.values(), (finer) => [...finer]).flat(),
  'VAULT_ACCOUNT',
  'EXCHANGE_ACCOUNT',
  'ONE_TIME',
  'ONE_TIME_ADDRESS',
]

/** Types of configuration changes that documents name, with or without members (vendor: approve configuration changes). */
const CHANGES = [
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
]

/** A list longer than this is data, not vocabulary. */
const MAX_LISTED = 1_000

/** Every near miss in the conditions of a file. `assets`: the asset ids that are known. */
export function nearMissesIn(
  file: Pick<PolicyFile, 'rules'>,
  lists: ReadonlyMap<string, NamedList>,
  assets: Iterable<string>,
): NearMiss[] {
  const operations: Words = { known: new Set([...OPERATIONS, ANY_OPERATION]), isTypo: true }
  const accounts: Words = { known: new Set(TYPES), isTypo: true }
  const changes: Words = { known: new Set(CHANGES), isTypo: true }
  const addressTypes: Words = { known: ADDRESS_TYPES, isTypo: true }
  const subTypes: Words = { known: SUBTYPES, isTypo: false }
  const ids: Words = { known: new Set(assets), isTypo: false }

  return (file.rules ?? []).flatMap(({ when }, index) => inWhen(when, ['rules', index, 'when']))

  function inWhen(when: WhenClause, path: Path): NearMiss[] {
    const { source, destination, details } = when
    const places = [
      [destination, [...path, 'destination']],
      [destination?.every, [...path, 'destination', 'every']],
      [destination?.any, [...path, 'destination', 'any']],
    ] as const
    return [
      ...inTexts(when.operation, operations, [...path, 'operation']),
      ...inTexts(when.asset, ids, [...path, 'asset']),
      ...inTexts(when.type, changes, [...path, 'type']),
      ...inTexts(source?.type, accounts, [...path, 'source', 'type']),
      ...places.flatMap(([block, at]) => [
        ...inTexts(block?.type, accounts, [...at, 'type']),
        ...inTexts(block?.addressType, addressTypes, [...at, 'addressType']),
        ...inTexts(block?.subType, subTypes, [...at, 'subType']),
      ]),
      ...inTexts(details?.subType, subTypes, [...path, 'details', 'subType']),
      ...inTexts(details?.asset, ids, [...path, 'details', 'asset']),
      ...inBlocks(when, path, 'all-of'),
      ...inBlocks(when, path, 'any-of'),
    ]
  }

  function inBlocks(when: WhenClause, path: Path, name: 'all-of' | 'any-of'): NearMiss[] {
    return (when[name] ?? []).flatMap((block, index) => inWhen(block, [...path, name, index]))
  }

  function inTexts(texts: Texts | undefined, words: Words, path: Path): NearMiss[] {
    if (texts === undefined) return []
    const isOne = typeof texts === 'string'
    const values =
      typeof texts === 'object' && 'list' in texts ? listed(texts.list) : [texts].flat()
    return values.flatMap((value, index) => {
      const word = isGlob(value) ? undefined : intended(value, words)
      if (word === undefined) return []
      const at = isOne || values === texts ? [...path, ...(isOne ? [] : [index])] : path
      return { path: at, value, word }
    })
  }

  function listed(names: string | readonly string[]): readonly string[] {
    const all = [names].flat().map((name) => lists.get(name)?.keys ?? new Set<string>())
    return all.flatMap((keys) => (keys.size > MAX_LISTED ? [] : [...keys]))
  }
}

/** The known word that the value misses by case, a separator or, where allowed, one letter. */
function intended(value: string, { known, isTypo }: Words): string | undefined {
  if (known.has(value) || known.has(canonicalType(value))) return undefined
  const plain = plainOf(value)
  for (const word of known) {
    if (plainOf(word) === plain) return word
  }
  if (!isTypo || plain.length < 4) return undefined
  for (const word of known) {
    if (isOneEdit(plainOf(word), plain)) return word
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
