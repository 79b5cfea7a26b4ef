/** EIP-712 atomic and dynamic values as 32-byte words, in range and in one spelling of each kind. */
import type { JsonValue } from '../../protocol/json-value.ts'
import { JsonNumber } from '../../protocol/json-value.ts'
import { bytesToHex, hexToBytes, keccak_256 } from './bytes.ts'
import { parseEvmAddress } from '../chains/evm-address.ts'

const INTEGER = /^(u?)int([0-9]{1,3})$/
const FIXED_BYTES = /^bytes([1-9]|[12][0-9]|3[012])$/
const HEX = /^0x[0-9a-fA-F]*$/
const NUMBER = /^(?:0|-?[1-9][0-9]{0,77}|0x[0-9a-fA-F]{1,64})$/

/** The word in hex, 64 digits; undefined when the type is not known or the value is not one of it. */
export function encodeAtom(type: string, value: JsonValue | undefined): string | undefined {
  if (type === 'bool') return encodeBool(value)
  const [, unsigned, bits] = INTEGER.exec(type) ?? []
  if (bits !== undefined) return encodeInteger(value, unsigned === 'u', Number(bits))
  if (typeof value !== 'string') return undefined
  if (type === 'string') return encodeText(value)
  if (type === 'address') return parseEvmAddress(value)?.slice(2).padStart(64, '0')
  const [, size] = FIXED_BYTES.exec(type) ?? []
  if (value.length % 2 !== 0 || !HEX.test(value)) return undefined
  const hex = value.slice(2).toLowerCase()
  if (type === 'bytes') return bytesToHex(keccak_256(hexToBytes(hex)))
  return hex.length === 2 * Number(size) ? hex.padEnd(64, '0') : undefined
}

function encodeBool(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'boolean') return undefined
  return (value ? '1' : '0').padStart(64, '0')
}

/** A JSON number or its text, decimal or `0x…`; never rounded. */
function encodeInteger(
  value: JsonValue | undefined,
  unsigned: boolean,
  bits: number,
): string | undefined {
  const text = value instanceof JsonNumber ? value.text : value
  if (typeof text !== 'string' || !NUMBER.test(text)) return undefined
  if (bits === 0 || bits > 256 || bits % 8 !== 0) return undefined
  const number = BigInt(text)
  const bound = 1n << BigInt(unsigned ? bits : bits - 1)
  if (number >= bound || number < (unsigned ? 0n : -bound)) return undefined
  return BigInt.asUintN(256, number).toString(16).padStart(64, '0')
}

/** UTF-8; a lone surrogate has none. */
function encodeText(text: string): string | undefined {
  if (/\p{Surrogate}/u.test(text)) return undefined
  return bytesToHex(keccak_256(new TextEncoder().encode(text)))
}
