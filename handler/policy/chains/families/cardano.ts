/** Cardano: Shelley addresses in Bech32, Byron ones in Base58 around a CRC-32. */
import { BITCOIN_BASE58 } from '../base58.ts'
import { canonicalBech32 } from '../bech32.ts'
import type { AddressFamily } from './family.ts'

const SHELLEY = /^(?:addr|stake)(?:_test)?1/i
const BYRON = /^[1-9A-HJ-NP-Za-km-z]{50,120}$/

export const CARDANO: AddressFamily = {
  name: 'cardano',
  hasTags: false,
  read: (text) => {
    if (SHELLEY.test(text)) return canonicalBech32(text)
    if (!BYRON.test(text)) return undefined
    const bytes = BITCOIN_BASE58.decode(text)
    return bytes !== undefined && isByron(bytes) ? text : undefined
  },
}

/** CBOR: a list of two, tag 24 around a byte string of up to 255 bytes, and the CRC-32 of these as a 32-bit number. */
function isByron(bytes: Uint8Array): boolean {
  const [list, tag, kind, string, length = 0] = bytes
  if (list !== 0x82 || tag !== 0xd8 || kind !== 0x18 || string !== 0x58) return false
  if (bytes.length !== length + 10 || bytes[length + 5] !== 0x1a) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return view.getUint32(length + 6) === crc32(bytes.subarray(5, length + 5))
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0xedb88320)
  }
  return ~crc >>> 0
}
