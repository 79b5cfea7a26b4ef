/** Bech32 and Bech32m texts (BIP-173, BIP-350): one case, a known alphabet, a checksum that holds. */

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const
const BECH32 = 1
const BECH32M = 0x2bc830a3

/**
 * The text in lower case when it is valid Bech32 or Bech32m, else undefined. Its length is not bounded by 90
 * characters: Cardano addresses are longer.
 */
export function canonicalBech32(text: string): string | undefined {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) return undefined
  const separator = lower.lastIndexOf('1')
  if (separator < 1 || lower.length - separator < 7) return undefined
  const checksum = polymod(lower, separator)
  return checksum === BECH32 || checksum === BECH32M ? lower : undefined
}

/** The checksum over prefix and data; undefined when a character is outside the alphabets. */
function polymod(text: string, separator: number): number | undefined {
  let sum = 1
  for (let i = 0; i < separator; i += 1) {
    const code = text.charCodeAt(i)
    if (code < 33 || code > 126) return undefined
    sum = step(sum, code >> 5)
  }
  sum = step(sum, 0)
  for (let i = 0; i < separator; i += 1) sum = step(sum, text.charCodeAt(i) & 31)
  for (let i = separator + 1; i < text.length; i += 1) {
    const value = ALPHABET.indexOf(text.charAt(i))
    if (value < 0) return undefined
    sum = step(sum, value)
  }
  return sum >>> 0
}

function step(sum: number, value: number): number {
  const top = sum >>> 25
  let next = ((sum & 0x1ffffff) << 5) ^ value
  for (const [bit, generator] of GENERATOR.entries()) {
    if (((top >>> bit) & 1) === 1) next ^= generator
  }
  return next
}

/** Prefixes by which people know a Bech32 address. */
const PREFIX =
  /^(?:bc|tb|bcrt|ltc|tltc|addr|addr_test|stake|stake_test|cosmos|osmo|celestia|dydx|inj|sei|axelar|tia|terra|noble|akash|juno|kava|thor)1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]+$/

/** True for a text that can hardly be anything but Bech32, whether or not its case and its checksum are right. */
export function isBech32Like(text: string): boolean {
  return PREFIX.test(text.toLowerCase())
}
