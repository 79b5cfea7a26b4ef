/** From an output script to the address that stands for it: the reverse of `scriptOfAddress`. */
import { concatBytes, hexToBytes } from '../rawtx/bytes.ts'
import { withChecksum } from './base58.ts'
import { BECH32, BECH32_CONSTANTS, bech32Polymod, expandedPrefix } from './utxo-address.ts'
import type { NetworkRules } from './utxo-networks.ts'

const KEY = /^76a914([0-9a-f]{40})88ac$/
const SCRIPT = /^a914([0-9a-f]{40})87$/
const WITNESS_0 = /^00(?:14([0-9a-f]{40})|20([0-9a-f]{64}))$/
const WITNESS_1 = /^5120([0-9a-f]{64})$/

/** The address of a script that pays a key, a script hash or a witness program; undefined for any other. */
export function addressOfScript(script: string, rules: NetworkRules): string | undefined {
  const [keyVersion = 0] = rules.p2pkh
  const [scriptVersion = 0] = rules.p2sh
  const key = KEY.exec(script)?.[1]
  if (key !== undefined) return base58Check(keyVersion, key)
  const hash = SCRIPT.exec(script)?.[1]
  if (hash !== undefined) return base58Check(scriptVersion, hash)
  if (rules.bech32 === undefined) return undefined
  const [, short, long] = WITNESS_0.exec(script) ?? []
  const program = short ?? long
  if (program !== undefined) return witnessAddress(rules.bech32, 0, program)
  const key32 = WITNESS_1.exec(script)?.[1]
  return key32 === undefined ? undefined : witnessAddress(rules.bech32, 1, key32)
}

function base58Check(version: number, hash: string): string {
  return withChecksum(concatBytes(Uint8Array.of(version), hexToBytes(hash)))
}

function witnessAddress(prefix: string, version: 0 | 1, program: string): string {
  const words = [version, ...fiveBits(hexToBytes(program))]
  const checked = [...expandedPrefix(prefix), ...words, 0, 0, 0, 0, 0, 0]
  const sum = bech32Polymod(checked) ^ BECH32_CONSTANTS[version]
  const checksum = [25, 20, 15, 10, 5, 0].map((shift) => (sum >>> shift) & 31)
  return `${prefix}1${[...words, ...checksum].map((word) => BECH32.charAt(word)).join('')}`
}

/** Bytes to 5-bit words, the last one filled with zeros. */
function fiveBits(bytes: Uint8Array): number[] {
  const words: number[] = []
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) words.push((buffer >> (bits - 5)) & 31)
  }
  if (bits > 0) words.push((buffer << (5 - bits)) & 31)
  return words
}
