/** One key per address: two texts are the same address exactly when their keys are equal. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { canonicalBech32 } from './bech32.ts'

const EVM = /^0x[0-9a-fA-F]{40}$/i

/** Prefixes of chains whose addresses are always Bech32: a text with one of them must pass the checksum. */
const BECH32_PREFIX =
  /^(?:bc|tb|bcrt|ltc|tltc|addr|addr_test|stake|stake_test|cosmos|osmo|celestia|dydx|inj|sei|axelar|tia|terra|noble|akash|juno|kava|thor)1/i

/**
 * The key of an address, which may be followed by `:` and its tag or memo; undefined when the text contradicts its
 * own family's rules and so is no address. EVM: lower case, after the EIP-55 checksum held if upper and lower case are
 * mixed. Bech32 and Bech32m: lower case, one case only, checksum verified. All else, Base58 among it: the text itself.
 */
export function addressKey(text: string): string | undefined {
  const colon = text.indexOf(':')
  if (colon < 0) return bareKey(text)
  const address = text.slice(0, colon)
  if (!isEvm(address) && !isBech32(address)) return text
  const key = bareKey(address)
  return key === undefined ? undefined : key + text.slice(colon)
}

/** The key of an address and its tag; an empty or missing tag adds nothing. */
export function taggedKey(address: string, tag: string | null | undefined): string | undefined {
  return addressKey(tag === undefined || tag === null || tag === '' ? address : `${address}:${tag}`)
}

function bareKey(text: string): string | undefined {
  if (isEvm(text)) return evmKey(text)
  return canonicalBech32(text) ?? (isBech32(text) ? undefined : text)
}

function isEvm(text: string): boolean {
  return text.length === 42 && EVM.test(text)
}

function isBech32(text: string): boolean {
  return BECH32_PREFIX.test(text)
}

function evmKey(text: string): string | undefined {
  const digits = text.slice(2)
  const lower = digits.toLowerCase()
  if (!text.startsWith('0x')) return undefined
  if (digits === lower || digits === digits.toUpperCase()) return `0x${lower}`
  if (spelledRight.has(text)) return `0x${lower}`
  if (!holdsEip55(digits, lower)) return undefined
  if (spelledRight.size >= MAX_SPELLED_RIGHT) spelledRight.clear()
  spelledRight.add(text)
  return `0x${lower}`
}

/** Mixed-case addresses whose checksum held: the same destinations come again and again, and the hash is not cheap. */
const spelledRight = new Set<string>()
const MAX_SPELLED_RIGHT = 4_096

const ascii = new Uint8Array(40)

/** EIP-55: a letter is upper case exactly where the hash of the lower-case digits has a digit of 8 or more. */
function holdsEip55(digits: string, lower: string): boolean {
  for (let i = 0; i < 40; i += 1) ascii[i] = lower.charCodeAt(i)
  const hash = keccak_256(ascii)
  for (let i = 0; i < 40; i += 1) {
    const code = digits.charCodeAt(i)
    if (code < 65) continue
    const nibble = (Number(hash[i >> 1]) >> (i % 2 === 0 ? 4 : 0)) & 15
    if (nibble >= 8 !== code < 97) return false
  }
  return true
}
