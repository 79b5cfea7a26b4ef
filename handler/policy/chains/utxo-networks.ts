/** What differs between Bitcoin and its relatives: address forms, and the signature hashes their consensus knows. */

/** Networks whose signature hashes are understood. Zcash is not: its digests are BLAKE2b trees (ZIP 143, 243, 244). */
export const UTXO_NETWORKS = [
  'bitcoin',
  'bitcoin-testnet',
  'litecoin',
  'litecoin-testnet',
  'dogecoin',
  'dogecoin-testnet',
  'dash',
  'dash-testnet',
  'bitcoin-cash',
  'bitcoin-cash-testnet',
  'bitcoin-sv',
  'bitcoin-sv-testnet',
] as const

export type UtxoNetwork = (typeof UTXO_NETWORKS)[number]

/** Address and hashing rules of one network. */
export interface NetworkRules {
  /** Base58check version bytes. */
  readonly p2pkh: readonly number[]
  readonly p2sh: readonly number[]
  /** Human-readable part of witness addresses (BIP-173); absent where there are no witnesses. */
  readonly bech32?: string
  /** Prefix of CashAddr addresses. */
  readonly cashaddr?: string
  /**
   * `segwit`: legacy for old inputs, BIP-143 and BIP-341 for witness inputs. `legacy`: the whole transaction only.
   * `forkid`: BIP-143 for every input, with the 0x40 bit in the hash type (replay protection of 2017).
   */
  readonly hashing: 'segwit' | 'legacy' | 'forkid'
}

const TESTNET_BASE58 = { p2pkh: [0x6f], p2sh: [0xc4] } as const

/** Sources: chainparams.cpp of each network's reference node; SLIP-173 for witness prefixes. */
export const NETWORK_RULES: Readonly<Record<UtxoNetwork, NetworkRules>> = {
  bitcoin: { p2pkh: [0x00], p2sh: [0x05], bech32: 'bc', hashing: 'segwit' },
  'bitcoin-testnet': { ...TESTNET_BASE58, bech32: 'tb', hashing: 'segwit' },
  // 0x05 and 0xc4 are the script versions of before 2017, which wallets still show.
  litecoin: { p2pkh: [0x30], p2sh: [0x32, 0x05], bech32: 'ltc', hashing: 'segwit' },
  'litecoin-testnet': { p2pkh: [0x6f], p2sh: [0x3a, 0xc4], bech32: 'tltc', hashing: 'segwit' },
  dogecoin: { p2pkh: [0x1e], p2sh: [0x16], hashing: 'legacy' },
  'dogecoin-testnet': { p2pkh: [0x71], p2sh: [0xc4], hashing: 'legacy' },
  dash: { p2pkh: [0x4c], p2sh: [0x10], hashing: 'legacy' },
  'dash-testnet': { p2pkh: [0x8c], p2sh: [0x13], hashing: 'legacy' },
  'bitcoin-cash': { p2pkh: [0x00], p2sh: [0x05], cashaddr: 'bitcoincash', hashing: 'forkid' },
  'bitcoin-cash-testnet': { ...TESTNET_BASE58, cashaddr: 'bchtest', hashing: 'forkid' },
  'bitcoin-sv': { p2pkh: [0x00], p2sh: [0x05], hashing: 'forkid' },
  'bitcoin-sv-testnet': { ...TESTNET_BASE58, hashing: 'forkid' },
}
