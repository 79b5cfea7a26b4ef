/**
 * Every reading of an address text, for rules that refuse: two texts that share one may be the same destination. Nothing is
 * approved by them, so no checksum is asked for.
 */
import { bytesToHex } from '@noble/hashes/utils.js'

/** What separates an address from a tag, a memo or a query that was written into its text. */
const TAIL = /[:?#,;()\s]/

const HEX = /^(?:0x|xdc)?([0-9a-f]+)$/
const TON_RAW = /^(?:-1|0):[0-9a-f]{64}$/
const TON_FRIENDLY = /^[A-Za-z0-9+/_-]{48}$/
const CASH_PREFIX = /^(?:bitcoincash|bchtest|bchreg|ecash|simpleledger):/
const CASH = /^[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{42}$/

/**
 * The readings of a text: without prefix, tail and case; the hash that a Base58 or CashAddr text holds; the account that a TON
 * text names. An address with a tag gives readings that name the tag as well.
 */
export function addressReadings(text: string): readonly string[] {
  const lower = text.trim().toLowerCase()
  if (TON_RAW.test(lower)) return [`ton:${lower}`]
  const body = lower.replace(CASH_PREFIX, '')
  const end = body.search(TAIL)
  const bare = end < 0 ? body : body.slice(0, end)
  const readings = [HEX.exec(bare)?.[1]?.replace(/^0+/, '') ?? bare]
  const offset = text.trim().length - body.length
  const spelled = text.trim().slice(offset, offset + bare.length)
  const hash = CASH.test(bare) ? cashHash(bare) : base58Hash(spelled)
  if (hash !== undefined) readings.push(`hash:${hash}`)
  const account = TON_FRIENDLY.test(spelled) ? tonAccount(spelled) : undefined
  if (account !== undefined) readings.push(`ton:${account}`)
  return readings
}

/** An address text and the tag that is written into it as `address:tag`; undefined when there is none. */
export function splitTag(
  text: string,
): { readonly address: string; readonly tag: string } | undefined {
  if (TON_RAW.test(text.toLowerCase()) || CASH_PREFIX.test(text.toLowerCase())) return undefined
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { address: text.slice(0, colon), tag: text.slice(colon + 1) }
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const DIGITS = new Map(Array.from(BASE58, (character, value) => [character, value]))

/** Bytes of version, hash and checksum in a Base58Check address. */
const BASE58CHECK_BYTES = 25

/** The 20 bytes of hash in a Base58Check text of one version byte, whichever it is. */
function base58Hash(text: string): string | undefined {
  if (text.length < 25 || text.length > 36) return undefined
  const bytes = new Uint8Array(BASE58CHECK_BYTES)
  for (const character of text) {
    let carry = DIGITS.get(character)
    if (carry === undefined) return undefined
    for (let i = BASE58CHECK_BYTES - 1; i >= 0; i -= 1) {
      carry += 58 * Number(bytes[i])
      bytes[i] = carry & 255
      carry >>= 8
    }
    if (carry > 0) return undefined
  }
  return bytesToHex(bytes.subarray(1, 21))
}

const WORDS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

/** The 20 bytes of hash in a CashAddr text without its prefix: after 8 bits of version. */
function cashHash(body: string): string | undefined {
  let value = 0n
  for (const character of body.slice(0, 34)) {
    value = value * 32n + BigInt(WORDS.indexOf(character))
  }
  return (value >> 2n).toString(16).padStart(42, '0').slice(-40)
}

/** `workchain:hash` of a user-friendly TON address: flags, workchain, 32 bytes, checksum. */
function tonAccount(text: string): string | undefined {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  return `${bytes[1] === 255 ? '-1' : '0'}:${bytesToHex(bytes.subarray(2, 34))}`
}
