/** Bytes in the one text form that is accepted, and the digests that the chains use. */
import { ripemd160 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'

export { bytesToHex, concatBytes, hexToBytes, keccak_256, sha256 }

/** Longest raw transaction that is looked at: no network relays a larger one (EVM 128 KiB, Bitcoin 100 kB of base). */
export const MAX_RAW_BYTES = 512 * 1024

const LOWER_HEX = /^[0-9a-f]*$/

/**
 * The bytes of lower-case hex without prefix, the vendor's form; undefined for anything else. One text per value, so
 * that a changed character is a changed value.
 */
export function parseHex(text: string): Uint8Array | undefined {
  if (text.length > 2 * MAX_RAW_BYTES || text.length % 2 !== 0) return undefined
  if (!LOWER_HEX.test(text)) return undefined
  return hexToBytes(text)
}

/** `0x` and lower-case hex. */
export function prefixed(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`
}

/** SHA-256 twice: Bitcoin's signature hash and checksums. */
export function sha256d(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes))
}

/** RIPEMD-160 of SHA-256: Bitcoin's key and script hash. */
export function hash160(bytes: Uint8Array): Uint8Array {
  return ripemd160(sha256(bytes))
}

/** True for the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** The unsigned big-endian integer of the bytes; 0 for none. Only for fields of bounded length. */
export function bigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(prefixed(bytes))
}
