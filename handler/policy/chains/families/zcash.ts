/** Zcash: transparent addresses in Base58Check, Sapling and unified ones in Bech32 and Bech32m. The text is the key. */
import { checked } from '../base58.ts'
import { canonicalBech32 } from '../bech32.ts'
import type { AddressFamily } from './family.ts'

/** Two version bytes of keys and scripts (chainparams.cpp of zcashd), on the main and the test network. */
const VERSIONS: ReadonlySet<number> = new Set([0x1cb8, 0x1cbd, 0x1d25, 0x1cba])
const SHIELDED = /^(?:zs|ztestsapling|u|utest)1/

export const ZCASH: AddressFamily = {
  name: 'zcash',
  hasTags: false,
  read: (text) => {
    if (SHIELDED.test(text)) return canonicalBech32(text)
    if (text.length !== 35) return undefined
    const body = checked(text)
    if (body?.length !== 22) return undefined
    const [high = 0, low = 0] = body
    return VERSIONS.has(high * 256 + low) ? text : undefined
  },
}
