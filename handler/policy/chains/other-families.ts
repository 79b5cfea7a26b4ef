/** Families of chains whose raw transactions are not decoded: what is known of their assets serves to read addresses. */

export const OTHER_FAMILIES = [
  'algorand',
  'aptos',
  'cardano',
  'cosmos',
  'ecash',
  'eos',
  'exact',
  'hedera',
  'near',
  'polkadot',
  'solana',
  'stellar',
  'sui',
  'tezos',
  'ton',
  'tron',
  'xrp',
  'zcash',
] as const

export type OtherFamily = (typeof OTHER_FAMILIES)[number]
