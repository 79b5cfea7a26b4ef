/** ERC-20 calls, decoded strictly: selector and whole 32-byte words, addresses padded with zeros, nothing more. */
import { bigEndian, bytesToHex, prefixed } from './bytes.ts'

/** A token call that moves value or lets somebody move it. */
export interface Erc20Call {
  readonly method: 'transfer' | 'approve' | 'transferFrom'
  /** Who receives, or may spend: lower-case `0x…`. */
  readonly recipient: string
  /** In the token's base units. */
  readonly units: bigint
}

const METHODS: ReadonlyMap<string, { method: Erc20Call['method']; words: number }> = new Map([
  ['0xa9059cbb', { method: 'transfer', words: 2 }],
  ['0x095ea7b3', { method: 'approve', words: 2 }],
  ['0x23b872dd', { method: 'transferFrom', words: 3 }],
])

/** First four bytes as `0x…`; shorter data gives what there is. */
export function selectorOf(data: Uint8Array): string {
  return prefixed(data.subarray(0, 4))
}

/** The call, or undefined when it is another method or its arguments are not canonical. */
export function decodeErc20(data: Uint8Array): Erc20Call | undefined {
  const known = METHODS.get(selectorOf(data))
  if (known === undefined || data.length !== 4 + 32 * known.words) return undefined
  const words = Array.from({ length: known.words }, (_, index) =>
    data.subarray(4 + 32 * index, 36 + 32 * index),
  )
  const addresses = words.slice(0, -1).map(addressOf)
  const recipient = addresses.at(-1)
  if (recipient === undefined || addresses.includes(undefined)) return undefined
  return { method: known.method, recipient, units: bigEndian(data.subarray(-32)) }
}

function addressOf(word: Uint8Array): string | undefined {
  const hex = bytesToHex(word)
  return hex.startsWith('0'.repeat(24)) ? `0x${hex.slice(24)}` : undefined
}
