/** Chains of Cosmos: Bech32 of 20 or 32 bytes behind the chain's own prefix. */
import { canonicalBech32 } from '../bech32.ts'
import type { AddressFamily } from './family.ts'

/** Prefixes of Bech32 that belong to other families, whose addresses could have that length. */
const FOREIGN: ReadonlySet<string> = new Set([
  'bc',
  'tb',
  'bcrt',
  'ltc',
  'tltc',
  'addr',
  'addr_test',
  'stake',
  'stake_test',
  'zs',
  'ztestsapling',
  'u',
  'utest',
  'erd',
])

/** Characters behind the prefix and its `1`: 20 or 32 bytes, and the checksum. */
const LENGTHS: ReadonlySet<number> = new Set([38, 58])

/** Addresses of any chain, for lists, which do not say whose they are. */
export const COSMOS = cosmosFamily(undefined)

const OF_PREFIX = new Map<string, AddressFamily>()

/** Addresses of one chain, by its prefix. */
export function cosmos(prefix: string | undefined): AddressFamily {
  if (prefix === undefined) return COSMOS
  const family = OF_PREFIX.get(prefix) ?? cosmosFamily(prefix)
  OF_PREFIX.set(prefix, family)
  return family
}

function cosmosFamily(only: string | undefined): AddressFamily {
  return {
    name: only === undefined ? 'cosmos' : `cosmos ${only}`,
    hasTags: true,
    read: (text) => {
      const separator = text.lastIndexOf('1')
      if (separator < 1 || !LENGTHS.has(text.length - separator - 1)) return undefined
      const prefix = text.slice(0, separator).toLowerCase()
      if (only === undefined ? FOREIGN.has(prefix) : prefix !== only) return undefined
      return canonicalBech32(text)
    },
  }
}
