/** EVM addresses: 20 bytes in hex, with the checksum of EIP-55 wherever the text has mixed case; RSK's own, and `xdc`. */
import { keccak_256 } from '../rawtx/bytes.ts'

const HEX = /^[0-9a-fA-F]{40}$/

/** True for a text that can be nothing else, whether or not its checksum holds. */
export function looksEvm(text: string): boolean {
  return text.length === 42 && /^0x/i.test(text) && HEX.test(text.slice(2))
}

/**
 * Lower-case `0x…` of a valid address: one case throughout, or a checksum that holds; undefined otherwise. XDC writes `xdc`
 * for `0x`.
 */
export function parseEvmAddress(text: string): string | undefined {
  if (text.length === 43 && text.startsWith('xdc')) return parseEvmAddress(`0x${text.slice(3)}`)
  if (text.length !== 42 || !text.startsWith('0x')) return undefined
  const digits = text.slice(2)
  if (!HEX.test(digits)) return undefined
  const lower = digits.toLowerCase()
  if (digits === lower || digits === digits.toUpperCase()) return `0x${lower}`
  if (spelledRight.has(text)) return `0x${lower}`
  if (!CHECKSUMS.some((head) => holds(digits, lower, head))) return undefined
  if (spelledRight.size >= MAX_SPELLED_RIGHT) spelledRight.clear()
  spelledRight.add(text)
  return `0x${lower}`
}

/** The address in EIP-55 spelling; takes lower-case `0x…`. */
export function checksummed(lower: string): string {
  const digits = lower.slice(2)
  const hash = hashOf(digits, '')
  return `0x${Array.from(digits, (digit, i) => (nibbleOf(hash, i) >= 8 ? digit.toUpperCase() : digit)).join('')}`
}

/** Mixed-case addresses whose checksum held: the same destinations come again and again, and the hash is not cheap. */
const spelledRight = new Set<string>()
const MAX_SPELLED_RIGHT = 4_096

/** What is hashed before the digits: nothing (EIP-55), or the chain id of RSK or of its test network (EIP-1191). */
const CHECKSUMS = ['', '300x', '310x'] as const

const ascii = new Uint8Array(44)

function hashOf(lower: string, head: string): Uint8Array {
  const text = head + lower
  for (let i = 0; i < text.length; i += 1) ascii[i] = text.charCodeAt(i)
  return keccak_256(ascii.subarray(0, text.length))
}

function nibbleOf(hash: Uint8Array, i: number): number {
  return (Number(hash[i >> 1]) >> (i % 2 === 0 ? 4 : 0)) & 15
}

/** A letter is upper case exactly where the hash has a digit of 8 or more. */
function holds(digits: string, lower: string, head: string): boolean {
  const hash = hashOf(lower, head)
  for (let i = 0; i < 40; i += 1) {
    const code = digits.charCodeAt(i)
    if (code < 65) continue
    if (nibbleOf(hash, i) >= 8 !== code < 97) return false
  }
  return true
}
