/**
 * Keys of addresses: two texts are the same address exactly when their keys are equal. The family is that of the asset.
 * docs/decisions/addresses.md has the table.
 */
import { familyOf } from './address-families.ts'
import type { Assets } from './asset.ts'
import { looksEvm } from './evm-address.ts'
import { EVM } from './families/evm.ts'
import type { AddressFamily } from './families/family.ts'

/** What the policy in force says about addresses. */
export interface AddressRules {
  readonly assets: Assets
  /** Co-signers send tags wherever there are any: an absent one is none. */
  readonly tagsSent: boolean
  /** Keys of vault account, asset and address; absent where the policy names no file of them. */
  readonly vaultAddresses?: ReadonlySet<string>
}

/** Vault account, asset and address without its tag, as they are looked up. */
export function vaultAddressKey(vault: string, asset: string, bare: string): string {
  return [vault, asset, bare].join('\t')
}

/** An address as its family reads it. */
export interface ReadAddress {
  readonly bare: string
  /** The tag in its text. */
  readonly tag: string | undefined
  /** `perhaps`: the family is not known. */
  readonly hasTags: 'yes' | 'no' | 'perhaps'
}

/** The family of an asset's addresses; undefined for an asset that nothing is known of. */
export function familyFor({ assets }: AddressRules, asset: unknown): AddressFamily | undefined {
  const known = typeof asset === 'string' ? assets.get(asset) : undefined
  return known === undefined ? undefined : familyOf(known)
}

/** What stands before the first `:`. */
export function beforeColon(text: string): string {
  return text.replace(/:.*$/s, '')
}

// oxlint-disable-next-line no-control-regex -- what no key may have
const CONTROL = /[\u0000-\u001f]/

/** Of how many `:` the first or the last may begin a tag: addresses have one at most (TON, CashAddr). */
const COLONS = 2

/**
 * Reads an address and the tag that stands behind it as `address:tag`; undefined when it is none of the family. Without a
 * family: EVM by its form, anything else as it is.
 */
export function readAddress(
  text: string,
  family: AddressFamily | undefined,
): ReadAddress | undefined {
  if (family === undefined) {
    if (looksEvm(beforeColon(text))) return readAddress(text, EVM)
    return CONTROL.test(text) ? undefined : { bare: text, tag: undefined, hasTags: 'perhaps' }
  }
  const hasTags = family.hasTags ? 'yes' : 'no'
  const bare = family.read(text)
  if (bare !== undefined) return { bare, tag: family.tagIn?.(text), hasTags }
  let colon = text.indexOf(':')
  for (let n = 0; n < COLONS && colon > 0; n += 1) {
    const head = family.read(text.slice(0, colon))
    if (head !== undefined) return { bare: head, tag: text.slice(colon + 1) || undefined, hasTags }
    colon = text.indexOf(':', colon + 1)
  }
  return undefined
}

/**
 * Texts that version 0.1.0 took for other addresses than their key: as it is written, and as its family may write it
 * besides. It read EVM addresses as they are read today.
 */
export function earlierTexts(text: string, family: AddressFamily | undefined): readonly string[] {
  const read = readAddress(text, family)
  if (read === undefined || looksEvm(beforeColon(text))) return []
  const texts = new Set([text, ...(family?.spellings?.(read.bare) ?? [])])
  return [...texts].filter((one) => one !== read.bare)
}

/**
 * Stands between an address and its tag: no key has a control character. A known address without a tag ends with it.
 */
const SEPARATOR = '\n'

/** Stands for a tag that is not known. */
const UNKNOWN_TAG = '\n'

/** Stands for whatever tag, in a list. */
const EVERY_TAG = '*'

/**
 * The keys of an address with its tags. `tags`: every tag that is stated; empty when none is, and then `isUnknown` says
 * whether there may be one.
 */
export function taggedKeys(
  { bare, hasTags }: ReadAddress,
  tags: readonly string[],
  isUnknown: boolean,
): readonly string[] {
  if (hasTags === 'no') return [bare]
  if (tags.length > 0) return tags.map((tag) => withTag(bare, tag))
  if (hasTags === 'perhaps') return [bare]
  return [isUnknown ? bare + SEPARATOR + UNKNOWN_TAG : withTag(bare, '')]
}

/** The key of an address and a tag; `''` is none. */
export function withTag(bare: string, tag: string): string {
  return bare + SEPARATOR + tag
}

/** The key of a listed address with whatever tag. */
export function withAnyTag(bare: string): string {
  return withTag(bare, EVERY_TAG)
}

/** A key as its parts. */
export interface KeyParts {
  readonly bare: string
  /** `''`: none. Undefined: of a chain without tags, or of an unknown one that states none. */
  readonly tag: string | undefined
  readonly isUnknown: boolean
}

export function partsOf(key: string): KeyParts {
  const end = key.indexOf(SEPARATOR)
  if (end < 0) return { bare: key, tag: undefined, isUnknown: false }
  const tag = key.slice(end + 1)
  return { bare: key.slice(0, end), tag, isUnknown: tag === UNKNOWN_TAG }
}

/** A key for people: the address, and `:tag` where it has one. */
export function shownKey(key: string): string {
  const { bare, tag, isUnknown } = partsOf(key)
  if (isUnknown) return `${bare} (tag unknown)`
  return tag === undefined || tag === '' ? bare : `${bare}:${tag}`
}
