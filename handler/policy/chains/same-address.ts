/** Whether two texts may be one address, where no policy says what the asset is. */
import { readAddress } from './address.ts'
import { familyOf, LISTED_FAMILIES } from './address-families.ts'
import { BUILT_IN_ASSETS } from './built-in-assets.ts'
import type { AddressFamily } from './families/family.ts'

/**
 * True when the family of the asset, or any family for an asset that is not built in, gives both one key, and their texts do
 * not name two tags.
 */
export function isSameAddress(left: string, right: string, asset: unknown): boolean {
  if (left === right) return true
  const known = typeof asset === 'string' ? BUILT_IN_ASSETS.get(asset) : undefined
  const families = known === undefined ? LISTED_FAMILIES : [familyOf(known)]
  return families.some((family) => agree(left, right, family))
}

function agree(left: string, right: string, family: AddressFamily): boolean {
  const one = readAddress(left, family)
  if (one === undefined) return false
  const other = readAddress(right, family)
  if (one.bare !== other?.bare) return false
  return one.tag === undefined || other.tag === undefined || one.tag === other.tag
}
