/** Tron: Base58Check of version 0x41, and the same 21 bytes in hex. */
import { hexToBytes } from '../../rawtx/bytes.ts'
import { checked, withChecksum } from '../base58.ts'
import type { AddressFamily } from './family.ts'

const HEX = /^41[0-9a-f]{40}$/i

export const TRON: AddressFamily = {
  name: 'tron',
  hasTags: false,
  read: (text) => {
    if (HEX.test(text)) return withChecksum(hexToBytes(text.toLowerCase()))
    if (text.length !== 34 || !text.startsWith('T')) return undefined
    const body = checked(text)
    return body?.length === 21 && body[0] === 0x41 ? text : undefined
  },
}
