/** Algorand: 32 bytes and the last 4 of their SHA-512/256, in Base32. The text is the key; a note serves as a tag. */
import { sha512_256 } from '@noble/hashes/sha2.js'
import { sameBytes } from '../../rawtx/bytes.ts'
import { fromBase32 } from '../base32.ts'
import type { AddressFamily } from './family.ts'

export const ALGORAND: AddressFamily = {
  name: 'algorand',
  hasTags: true,
  read: (text) => {
    if (text.length !== 58) return undefined
    const bytes = fromBase32(text)
    if (bytes === undefined) return undefined
    const checksum = sha512_256(bytes.subarray(0, 32)).subarray(-4)
    return sameBytes(checksum, bytes.subarray(32)) ? text : undefined
  },
}
