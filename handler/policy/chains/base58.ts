/** Base58 texts and their bytes, with the checksum of Bitcoin's addresses, in both alphabets that are in use. */
import { concatBytes, sameBytes, sha256d } from '../rawtx/bytes.ts'

/** No address in Base58 is longer: Byron addresses of Cardano have up to 114 characters. Decoding is quadratic. */
const MAX_LENGTH = 120

export interface Base58 {
  /** Undefined for a text outside the alphabet, empty or too long. */
  decode(text: string): Uint8Array | undefined
  encode(bytes: Uint8Array): string
}

function base58(alphabet: string): Base58 {
  const values = new Map(Array.from(alphabet, (character, value) => [character, value]))
  const zero = alphabet.charAt(0)
  return {
    decode: (text) => {
      if (text.length === 0 || text.length > MAX_LENGTH) return undefined
      // Little-endian, grown as needed.
      const bytes: number[] = []
      let zeros = 0
      for (const character of text) {
        let carry = values.get(character)
        if (carry === undefined) return undefined
        if (bytes.length === 0 && carry === 0) zeros += 1
        for (let i = 0; i < bytes.length; i += 1) {
          carry += 58 * Number(bytes[i])
          bytes[i] = carry & 255
          carry >>= 8
        }
        if (carry > 0) bytes.push(carry)
      }
      const decoded = new Uint8Array(zeros + bytes.length)
      for (const [i, byte] of bytes.entries()) decoded[decoded.length - 1 - i] = byte
      return decoded
    },
    encode: (bytes) => {
      const digits: number[] = []
      for (const byte of bytes) {
        let carry = byte
        for (let i = 0; i < digits.length; i += 1) {
          carry += 256 * Number(digits[i])
          digits[i] = carry % 58
          carry = Math.floor(carry / 58)
        }
        for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58)
      }
      const first = bytes.findIndex((byte) => byte !== 0)
      const zeros = first < 0 ? bytes.length : first
      const rest = digits.toReversed().map((digit) => alphabet.charAt(digit))
      return zero.repeat(zeros) + rest.join('')
    },
  }
}

/** Bitcoin's alphabet, which all but XRP use. */
export const BITCOIN_BASE58 = base58('123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz')

export const XRP_BASE58 = base58('rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz')

/** What precedes the 4 bytes of checksum (SHA-256 twice); undefined when the checksum does not hold. */
export function checked(text: string, coder: Base58 = BITCOIN_BASE58): Uint8Array | undefined {
  const bytes = coder.decode(text)
  if (bytes === undefined || bytes.length < 5) return undefined
  const body = bytes.subarray(0, -4)
  return sameBytes(sha256d(body).subarray(0, 4), bytes.subarray(-4)) ? body : undefined
}

/** The text of bytes with their checksum. */
export function withChecksum(body: Uint8Array, coder: Base58 = BITCOIN_BASE58): string {
  return coder.encode(concatBytes(body, sha256d(body).subarray(0, 4)))
}
