/** Keys of an address that a policy lists: under every family that can read it, since a list does not say whose it is. */
import { beforeColon, readAddress, taggedKeys, withAnyTag, withTag } from './address.ts'
import { LISTED_FAMILIES } from './address-families.ts'
import { isBech32Like } from './bech32.ts'
import { looksEvm } from './evm-address.ts'
import type { AddressFamily } from './families/family.ts'

export interface ListedAddress {
  /** As the keys of requests are compared with them. */
  readonly keys: readonly string[]
  /** Why it can be no address. */
  readonly problem?: string
  /** Why it most likely is none that a request could have. */
  readonly doubt?: string
}

const ASCII = /^[\x21-\x7e]+$/

/** Written behind an address: whatever its tag. */
const ANY = ':*'

/**
 * The keys of `address`, `address:tag` or `address:*`. An address that no known chain has is compared as it is, which serves
 * assets of which nothing is known.
 */
export function listedKeys(value: string): ListedAddress {
  const text = value.endsWith(ANY) ? value.slice(0, -ANY.length) : value
  const anyTag = text !== value
  const keys = new Set<string>()
  for (const family of LISTED_FAMILIES) addKeys(keys, family, text, anyTag)
  const isRead = keys.size > 0
  const head = beforeColon(text)
  if (!looksEvm(head)) addExact(keys, text, anyTag)
  if (!ASCII.test(value)) {
    return { keys: [...keys], problem: 'an address has no spaces and only ASCII characters' }
  }
  if (/[*?]/.test(text)) return { keys: [...keys], problem: 'patterns are not allowed in lists' }
  if (isRead) return { keys: [...keys] }
  if (looksEvm(head) || isBech32Like(head)) {
    const problem = `\`${value}\` is no address: its checksum or its upper and lower case is wrong`
    return { keys: [...keys], problem }
  }
  return { keys: [...keys], doubt: `\`${value}\` is no address of a known chain` }
}

function addKeys(keys: Set<string>, family: AddressFamily, text: string, anyTag: boolean): void {
  const read = readAddress(text, family)
  if (read === undefined) return
  if (anyTag && read.hasTags === 'yes') keys.add(withAnyTag(read.bare))
  else
    for (const key of taggedKeys(read, read.tag === undefined ? [] : [read.tag], false))
      keys.add(key)
}

/** As it is, for assets of which nothing is known; there a tag is what stands behind the first `:`. */
function addExact(keys: Set<string>, text: string, anyTag: boolean): void {
  keys.add(text)
  if (anyTag) keys.add(withAnyTag(text))
  const colon = text.indexOf(':')
  if (!anyTag && colon > 0) keys.add(withTag(text.slice(0, colon), text.slice(colon + 1)))
}
