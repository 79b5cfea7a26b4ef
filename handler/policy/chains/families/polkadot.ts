/** Polkadot and its relatives: SS58. The key is the account in Polkadot's own prefix, since one account has many spellings. */
import { blake2b } from '@noble/hashes/blake2.js'
import { concatBytes, sameBytes } from '../../rawtx/bytes.ts'
import { BITCOIN_BASE58 } from '../base58.ts'
import type { AddressFamily } from './family.ts'

const HEAD = new TextEncoder().encode('SS58PRE')

export const POLKADOT: AddressFamily = {
  name: 'polkadot',
  hasTags: false,
  read: (text) => {
    if (text.length < 46 || text.length > 50) return undefined
    const bytes = BITCOIN_BASE58.decode(text)
    // A network of 1 or 2 bytes, 32 bytes of account, 2 of checksum.
    const network = (bytes?.[0] ?? 0) & 0x40 ? 2 : 1
    if (bytes?.length !== network + 34) return undefined
    const body = bytes.subarray(0, -2)
    if (!sameBytes(checksumOf(body), bytes.subarray(-2))) return undefined
    const own = concatBytes(Uint8Array.of(0), body.subarray(network))
    return BITCOIN_BASE58.encode(concatBytes(own, checksumOf(own)))
  },
}

function checksumOf(body: Uint8Array): Uint8Array {
  return blake2b(concatBytes(HEAD, body), { dkLen: 64 }).subarray(0, 2)
}
