/** Base32 (RFC 4648, capitals, no padding) and the CRC-16 (XMODEM) that stands behind addresses of Stellar and TON. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The bytes of a text; undefined outside the alphabet, or when the last bits are not zero. */
export function fromBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let buffer = 0
  let bits = 0
  let at = 0
  for (const character of text) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) return undefined
    buffer = ((buffer << 5) | value) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at] = (buffer >> bits) & 0xff
    at += 1
  }
  return bits >= 5 || (buffer & ((1 << bits) - 1)) !== 0 ? undefined : bytes
}

/** CRC-16 with polynomial 0x1021 and initial value 0. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
    }
    crc &= 0xffff
  }
  return crc
}
