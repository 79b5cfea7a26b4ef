/** EVM addresses: 20 bytes, with the EIP-55 checksum wherever the text has mixed case. */
import { bytesToHex, keccak_256 } from '../rawtx/bytes.ts'

const ADDRESS = /^0x(?:[0-9a-f]{40}|[0-9A-F]{40})$/
const MIXED = /^0x[0-9a-fA-F]{40}$/

/** Lower-case `0x…` of a valid address: one case throughout, or a correct EIP-55 checksum; undefined otherwise. */
export function parseEvmAddress(text: string): string | undefined {
  if (ADDRESS.test(text)) return text.toLowerCase()
  if (!MIXED.test(text)) return undefined
  const lower = text.toLowerCase()
  return checksummed(lower) === text ? lower : undefined
}

/** The address in EIP-55 spelling; takes lower-case `0x…`. */
export function checksummed(lower: string): string {
  const digits = lower.slice(2)
  const hash = bytesToHex(keccak_256(new TextEncoder().encode(digits)))
  return `0x${Array.from(digits, (digit, index) => (hash.charCodeAt(index) >= 0x38 ? digit.toUpperCase() : digit)).join('')}`
}
