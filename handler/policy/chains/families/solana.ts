/** Solana: 32 bytes in Base58, without a checksum. */
import { BITCOIN_BASE58 } from '../base58.ts'
import type { AddressFamily } from './family.ts'

export const SOLANA: AddressFamily = {
  name: 'solana',
  hasTags: false,
  read: (text) => {
    if (text.length < 32 || text.length > 44) return undefined
    return BITCOIN_BASE58.decode(text)?.length === 32 ? text : undefined
  },
}
