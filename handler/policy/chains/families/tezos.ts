/** Tezos: Base58Check of 20 bytes behind the prefix of a kind of key or contract. The text is the key. */
import { bytesToHex } from '../../rawtx/bytes.ts'
import { checked } from '../base58.ts'
import type { AddressFamily } from './family.ts'

/** `tz1` to `tz4`, and contracts, `KT1`. */
const PREFIXES: ReadonlySet<string> = new Set(['06a19f', '06a1a1', '06a1a4', '06a1a6', '025a79'])

export const TEZOS: AddressFamily = {
  name: 'tezos',
  hasTags: false,
  read: (text) => {
    if (text.length !== 36) return undefined
    const body = checked(text)
    return body?.length === 23 && PREFIXES.has(bytesToHex(body.subarray(0, 3))) ? text : undefined
  },
}
