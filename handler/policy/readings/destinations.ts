/** The destinations of a transaction as one list, made of the top level and of `destinations`. */
import {
  earlierTexts,
  familyFor,
  partsOf,
  readAddress,
  taggedKeys,
  vaultAddressKey,
} from '../chains/address.ts'
import type { AddressRules, ReadAddress } from '../chains/address.ts'
import type { AddressFamily } from '../chains/families/family.ts'
import type { Destination, TxSignRequest } from '../../protocol/request.ts'
import { Unreadable } from '../../protocol/request.ts'
import type { Recipient } from '../rawtx/recipient.ts'
import { isAbsent, stated } from './answer.ts'
import type { Stated } from './answer.ts'
import {
  ACCOUNT_TYPES,
  ADDRESS_TYPES,
  canonicalType,
  COARSE,
  NO_TYPE,
  UNMANAGED_KINDS,
} from './vocabulary.ts'

/** Members of a destination that are texts. */
export type DestinationMember = 'type' | 'id' | 'addressType' | 'name' | 'subType'

/** Where a transaction goes. */
export interface DestinationReading extends Readonly<Record<DestinationMember, Stated>> {
  readonly type: StatedType
  /** Keys that compare equal exactly when the addresses do; computed when first asked for. */
  address(): Stated
  /** The texts by which version 0.1.0 may have known the addresses, besides their keys. */
  earlierTexts(): readonly string[]
  /** Neither type, nor id, nor address is stated. */
  readonly isEmpty: boolean
  /** Named by the id of an account. */
  readonly isAccount: boolean
  /**
   * It is called a vault account, its address is known, and the policy's list of vault addresses does not have it for that
   * account: the label proves nothing.
   */
  isUnproven(): boolean
}

/** Canonical types, and what follows from them. */
export interface StatedType extends Stated {
  /** Words that are true as well: `UNMANAGED` of a `CONTRACT`. */
  readonly also: readonly string[]
  /** Words that may be true: the kinds of an `UNMANAGED` without subtype. */
  readonly perhaps: readonly string[]
  /** The entry's word for a type that only the top level can name; refusing rules heed it. */
  readonly coarse: string | undefined
}

/** The list; never empty. `recipient`: who is paid, by the bytes, where the request states no address. */
export function destinationsOf(
  tx: TxSignRequest,
  rules: AddressRules,
  recipient?: Recipient,
): readonly DestinationReading[] {
  const context = { family: familyFor(rules, tx.asset), asset: tx.asset, rules }
  const paid = (index: number) => (recipient?.index === index ? recipient.address : undefined)
  const { destinations } = tx
  if (destinations instanceof Unreadable) return [topLevel(tx, context), UNREADABLE_DESTINATION]
  const [only, ...more] = destinations ?? []
  if (only === undefined) return [topLevel(tx, context, paid(0))]
  if (more.length === 0) return [readingOf(only, tx, context, paid(0))]
  const list = (destinations ?? []).map((entry, index) =>
    readingOf(entry, undefined, context, paid(index)),
  )
  const top = topLevel(tx, context)
  const isSilent = top.isEmpty && top.addressType.texts.length === 0
  if (!isSilent && !list.some((each) => hasAll(each, top))) list.push(top)
  return list
}

type Top = Pick<TxSignRequest, 'destType' | 'destId' | 'destAddressType' | 'destAddress'>

/** The top level alone, as a destination. */
function topLevel(tx: TxSignRequest, context: Context, paid?: string): DestinationReading {
  return readingOf({}, tx, context, paid)
}

/** How the addresses of a transaction are read. */
interface Context {
  readonly family: AddressFamily | undefined
  readonly asset: unknown
  readonly rules: AddressRules
}

/** One entry; the top level completes it, and what both state is stated twice. `paid`: by the bytes. */
function readingOf(
  entry: Partial<Destination> | undefined,
  top: Top | undefined,
  context: Context,
  paid: string | undefined,
): DestinationReading {
  if (typeof entry !== 'object' || entry === null) return UNREADABLE_DESTINATION
  const { dstType, dstId, dstAddressType, dstName, dstSubType, dstAddress } = entry
  const type = typesOf(dstType, dstSubType, top?.destType)
  const id = stated(dstId, top?.destId)
  const given = [dstAddress, entry.displayDstAddress, top?.destAddress]
  const addresses = given.every(isAbsent) ? [paid] : given
  let keys: Stated | undefined
  const address = () => (keys ??= keysOf(addresses, tagsIn(entry), context))
  return {
    type,
    id,
    addressType: stated(dstAddressType, usableAddressType(top?.destAddressType)),
    name: stated(dstName),
    subType: stated(dstSubType),
    address,
    earlierTexts: () => [...new Set(addresses.flatMap((text) => earlierIn(text, context)))],
    isUnproven: () => type.texts.includes('VAULT') && isForeign(address(), id, context),
    isEmpty: isNothing(type) && isNothing(id) && addresses.every(isAbsent),
    isAccount:
      type.texts.length > 0 &&
      type.texts.every((text) => ACCOUNT_TYPES.has(text)) &&
      id.texts.length > 0,
  }
}

function earlierIn(address: unknown, { family }: Context): readonly string[] {
  return typeof address === 'string' && address !== '' ? earlierTexts(address, family) : []
}

/** True when an address is known that is not in the list of vault addresses for the account. */
function isForeign({ texts, unreadable }: Stated, id: Stated, { asset, rules }: Context): boolean {
  const { vaultAddresses } = rules
  if (vaultAddresses === undefined || (texts.length === 0 && !unreadable)) return false
  if (unreadable || id.texts.length === 0) return true
  return !texts.every((key) =>
    id.texts.every((vault) =>
      vaultAddresses.has(vaultAddressKey(vault, String(asset), partsOf(key).bare)),
    ),
  )
}

const HIDDEN: Stated = { texts: [], unreadable: true }

/** Stands for an entry, or a list, of a form that is not understood. */
const UNREADABLE_DESTINATION: DestinationReading = {
  type: { ...HIDDEN, also: [], perhaps: [], coarse: undefined },
  id: HIDDEN,
  addressType: HIDDEN,
  name: HIDDEN,
  subType: HIDDEN,
  address: () => HIDDEN,
  earlierTexts: () => [],
  isEmpty: false,
  isAccount: false,
  isUnproven: () => false,
}

/** The vendor also puts a contract address into the top-level field; that says nothing about the address type. */
function usableAddressType(word: unknown): unknown {
  return typeof word === 'string' && !ADDRESS_TYPES.has(word) ? undefined : word
}

const NO_WORDS: readonly string[] = []
const KINDS = [...UNMANAGED_KINDS.values()]
const IS_KIND: ReadonlySet<string> = new Set(KINDS)

function typesOf(entryType: unknown, subType: unknown, topType: unknown): StatedType {
  const entry = wordOf(entryType)
  const top = wordOf(topType)
  const isFiner = typeof entry === 'string' && COARSE.get(entry)?.has(String(top)) === true
  const { texts, unreadable } = isFiner ? stated(top) : stated(entry, top)
  const [type] = texts
  if (type === undefined || texts.length > 1) {
    return { texts, unreadable, also: NO_WORDS, perhaps: NO_WORDS, coarse: undefined }
  }
  const kind = type === 'UNMANAGED' ? kindOf(subType) : undefined
  return {
    texts,
    unreadable,
    also: IS_KIND.has(type) ? ['UNMANAGED'] : kind === undefined ? NO_WORDS : [kind],
    perhaps: type === 'UNMANAGED' && kind === undefined ? KINDS : NO_WORDS,
    coarse: isFiner ? entry : undefined,
  }
}

function wordOf(type: unknown): unknown {
  if (typeof type !== 'string') return type
  const word = canonicalType(type)
  return NO_TYPE.has(word) ? undefined : word
}

function kindOf(subType: unknown): string | undefined {
  return typeof subType === 'string' ? UNMANAGED_KINDS.get(subType) : undefined
}

/** What the members for tags state; empty and null say that there is none, unless the other states one. */
interface StatedTags {
  readonly texts: readonly string[]
  readonly isStated: boolean
  readonly unreadable: boolean
}

function tagsIn(entry: object): StatedTags {
  const values = TAG_MEMBERS.map((name): unknown => Reflect.get(entry, name))
  const texts = values.filter((value) => typeof value === 'string' && value !== '')
  return {
    texts: [...new Set(texts)].map(String),
    isStated: values.some((value) => value !== undefined),
    unreadable: values.some((value) => !isAbsent(value) && typeof value !== 'string'),
  }
}

const TAG_MEMBERS = ['dstTag', 'displayDstTag'] as const

/** The keys of all addresses that are given, each once, with every tag that is stated. */
function keysOf(
  addresses: readonly unknown[],
  members: StatedTags,
  { family, rules: { tagsSent } }: Context,
): Stated {
  const read: ReadAddress[] = []
  let unreadable = false
  let last: unknown
  for (const address of addresses) {
    if (isAbsent(address) || address === last) continue
    last = address
    const one = typeof address === 'string' ? readAddress(address, family) : undefined
    if (one === undefined) unreadable = true
    else read.push(one)
  }
  const tags = new Set(members.texts)
  for (const { tag } of read) if (tag !== undefined) tags.add(tag)
  const isUnknown = !members.isStated && !tagsSent
  const keys = new Set(read.flatMap((one) => taggedKeys(one, [...tags], isUnknown)))
  const hidesTag = members.unreadable && read.some(({ hasTags }) => hasTags !== 'no')
  return { texts: [...keys], unreadable: unreadable || hidesTag }
}

/** True when the entry states all that the top level states. */
function hasAll(entry: DestinationReading, top: DestinationReading): boolean {
  return (
    top.type.texts.every(
      (type) => entry.type.texts.includes(type) || isCoarseFor(entry.type.texts, type),
    ) &&
    has(entry.id, top.id) &&
    has(entry.addressType, top.addressType) &&
    has(entry.address(), top.address())
  )
}

function isCoarseFor(words: readonly string[], type: string): boolean {
  return words.some((word) => COARSE.get(word)?.has(type) === true)
}

function has(entry: Stated, top: Stated): boolean {
  return !top.unreadable && top.texts.every((text) => entry.texts.includes(text))
}

function isNothing({ texts, unreadable }: Stated): boolean {
  return texts.length === 0 && !unreadable
}
