/** Bitcoin-like addresses to the script that pays them: base58check, bech32, bech32m and CashAddr, all checksums. */
import { bytesToHex, hexToBytes } from '../rawtx/bytes.ts'
import { checked } from './base58.ts'
import type { NetworkRules } from './utxo-networks.ts'

/** No address form of these networks is longer; base58 decoding is quadratic. */
const MAX_ADDRESS = 100

/** Hex of the output script (scriptPubKey) that the address stands for; undefined when it is none of this network. */
export function scriptOfAddress(address: string, rules: NetworkRules): string | undefined {
  if (address.length > MAX_ADDRESS) return undefined
  return (
    scriptOfWitness(address, rules.bech32) ??
    scriptOfCash(address, rules.cashaddr) ??
    scriptOfBase58(address, rules)
  )
}

/** `OP_DUP OP_HASH160 <hash> OP_EQUALVERIFY OP_CHECKSIG`. */
export function p2pkh(hash: string): string {
  return `76a914${hash}88ac`
}

/** `OP_HASH160 <hash> OP_EQUAL`. */
export function p2sh(hash: string): string {
  return `a914${hash}87`
}

/** Witness version 0 or 1 and its program (BIP-141). */
export function witnessScript(version: 0 | 1, program: string): string {
  return `${version === 0 ? '00' : '51'}${(program.length / 2).toString(16)}${program}`
}

function scriptOfBase58(address: string, { p2pkh: keys, p2sh: scripts }: NetworkRules) {
  const body = checked(address)
  if (body?.length !== 21) return undefined
  const [version = -1] = body
  const hash = bytesToHex(body.subarray(1))
  if (keys.includes(version)) return p2pkh(hash)
  return scripts.includes(version) ? p2sh(hash) : undefined
}

/** The 32 characters of Bech32. */
export const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const BECH32_GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
/** Checksum constants of bech32 (version 0) and bech32m (version 1 and later, BIP-350). */
export const BECH32_CONSTANTS = [1, 0x2bc830a3] as const

function scriptOfWitness(address: string, prefix: string | undefined): string | undefined {
  const lower = address.toLowerCase()
  if (prefix === undefined || !lower.startsWith(`${prefix}1`)) return undefined
  // BIP-173: one case throughout.
  if (address !== lower && address !== address.toUpperCase()) return undefined
  const words = wordsOf(lower.slice(prefix.length + 1))
  const version = words?.[0]
  if (words === undefined || (version !== 0 && version !== 1)) return undefined
  if (bech32Polymod([...expandedPrefix(prefix), ...words]) !== BECH32_CONSTANTS[version]) {
    return undefined
  }
  const program = regroup(words.slice(1, -6))
  const lengths = version === 0 ? [20, 32] : [32]
  if (program === undefined || !lengths.includes(program.length)) return undefined
  return witnessScript(version, bytesToHex(program))
}

/** The prefix as the checksum reads it (BIP-173). */
export function expandedPrefix(prefix: string): number[] {
  const head = Array.from(prefix, (character) => character.charCodeAt(0))
  return [...head.map((code) => code >> 5), 0, ...head.map((code) => code & 31)]
}

/** The checksum of 5-bit words (BIP-173). */
export function bech32Polymod(words: readonly number[]): number {
  let checksum = 1
  for (const word of words) {
    const top = checksum >>> 25
    checksum = ((checksum & 0x1ffffff) << 5) ^ word
    for (const [bit, generator] of BECH32_GENERATORS.entries()) {
      if ((top >>> bit) & 1) checksum ^= generator
    }
  }
  return checksum
}

const CASH_GENERATORS = [0x98f2bc8e61n, 0x79b76d99e2n, 0xf33e5fb3c4n, 0xae2eabe2a8n, 0x1e4f43e470n]

/** Version bytes of a key and of a script hash; the second of each says that its owner understands tokens. */
const CASH_VERSIONS = { key: [0, 16], script: [8, 24] } as const

/** CashAddr (Bitcoin Cash specification; CHIP-2022-02 for tokens): the prefix may be left out. */
function scriptOfCash(address: string, prefix: string | undefined): string | undefined {
  if (prefix === undefined) return undefined
  const lower = address.toLowerCase()
  if (address !== lower && address !== address.toUpperCase()) return undefined
  const body = lower.startsWith(`${prefix}:`) ? lower.slice(prefix.length + 1) : lower
  const words = wordsOf(body)
  if (words === undefined) return undefined
  if (cashPolymod([...cashHead(prefix), ...words]) !== 1n) return undefined
  const program = regroup(words.slice(0, -8))
  const version = program?.[0]
  if (program === undefined || program.length !== 21) return undefined
  const hash = bytesToHex(program.subarray(1))
  if (CASH_VERSIONS.key.some((each) => each === version)) return p2pkh(hash)
  return CASH_VERSIONS.script.some((each) => each === version) ? p2sh(hash) : undefined
}

/** The CashAddr text of 20 bytes of hash, with its prefix. */
export function cashAddress(prefix: string, kind: 'key' | 'script', hash: string): string {
  const bytes = [CASH_VERSIONS[kind][0], ...hexToBytes(hash)]
  let value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n) << 2n
  const words = Array.from({ length: 34 }, () => {
    const word = Number(value & 31n)
    value >>= 5n
    return word
  }).toReversed()
  const checksum = cashPolymod([...cashHead(prefix), ...words, ...new Uint8Array(8)]) ^ 1n
  const tail = Array.from({ length: 8 }, (_, i) => Number((checksum >> BigInt(5 * (7 - i))) & 31n))
  return `${prefix}:${[...words, ...tail].map((word) => BECH32.charAt(word)).join('')}`
}

function cashHead(prefix: string): number[] {
  return [...Array.from(prefix, (character) => character.charCodeAt(0) & 31), 0]
}

function cashPolymod(words: readonly number[]): bigint {
  let checksum = 1n
  for (const word of words) {
    const top = checksum >> 35n
    checksum = ((checksum & 0x07ffffffffn) << 5n) ^ BigInt(word)
    for (const [bit, generator] of CASH_GENERATORS.entries()) {
      if ((top >> BigInt(bit)) & 1n) checksum ^= generator
    }
  }
  return checksum
}

function wordsOf(text: string): number[] | undefined {
  const words = Array.from(text, (character) => BECH32.indexOf(character))
  return words.includes(-1) ? undefined : words
}

/** 5-bit words to bytes; the padding must be short and zero. */
function regroup(words: readonly number[]): Uint8Array | undefined {
  const bytes: number[] = []
  let buffer = 0
  let bits = 0
  for (const word of words) {
    buffer = ((buffer << 5) | word) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((buffer >> bits) & 0xff)
    }
  }
  return bits >= 5 || (buffer & ((1 << bits) - 1)) !== 0 ? undefined : Uint8Array.from(bytes)
}
