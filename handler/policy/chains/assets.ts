/** What an asset id means on its chain: exact, short, and extended by the policy; an asset not here is never guessed. */
import { z } from 'zod'
import { parseEvmAddress } from './evm-address.ts'
import type { UtxoNetwork } from './utxo-networks.ts'
import { UTXO_NETWORKS } from './utxo-networks.ts'

/** The native coin of an EVM chain, or an ERC-20 token on it. */
export interface EvmAsset {
  readonly family: 'evm'
  /** EIP-155 chain id. */
  readonly chainId: number
  /** Of the asset; fees are always in the chain's native coin, which has 18. */
  readonly decimals: number
  /** Token contract, lower-case `0x…`; absent for the native coin. */
  readonly contract?: string
  /** SLIP-44 coin types (second path element) that sign for it; not checked when absent. */
  readonly coinTypes?: readonly number[]
}

/** The native coin of a Bitcoin-like network; amounts have 8 decimals. */
export interface UtxoAsset {
  readonly family: 'utxo'
  readonly network: UtxoNetwork
  readonly coinTypes?: readonly number[]
}

export type Asset = EvmAsset | UtxoAsset

/** Asset id, as the vendor spells it, to what it is. */
export type Assets = ReadonlyMap<string, Asset>

const coinTypes = z.array(z.int().min(0).max(0x7fffffff)).min(1).max(8).optional()

const evmAsset = z
  .strictObject({
    family: z.literal('evm'),
    chainId: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
    decimals: z.int().min(0).max(36).default(18),
    contract: z
      .string()
      .refine((text) => parseEvmAddress(text) !== undefined, 'not a valid EVM address')
      .transform((text) => text.toLowerCase())
      .optional(),
    coinTypes,
  })
  .transform(({ family, chainId, decimals, contract, coinTypes: types }): EvmAsset => ({
    family,
    chainId,
    decimals,
    ...(contract === undefined ? {} : { contract }),
    ...(types === undefined ? {} : { coinTypes: types }),
  }))

const utxoAsset = z
  .strictObject({ family: z.literal('utxo'), network: z.enum(UTXO_NETWORKS), coinTypes })
  .transform(({ family, network, coinTypes: types }): UtxoAsset => ({
    family,
    network,
    ...(types === undefined ? {} : { coinTypes: types }),
  }))

/** The policy's `assets:` section: asset id to `{ family: evm, chainId, decimals, contract }` or `{ family: utxo, network }`. */
export const assetsSchema = z.record(z.string().min(1).max(128), z.union([evmAsset, utxoAsset]))

/** The built-in table with a policy's section laid over it: what the policy says about an id wins. */
export function mergeAssets(extra: Readonly<Record<string, Asset>>): Assets {
  return new Map([...BUILT_IN_ASSETS, ...Object.entries(extra)])
}

/**
 * Ids, decimals and contracts: the vendor's public asset list (github.com/fireblocks/recovery,
 * packages/asset-config/data/globalAssets.ts). Chain ids: github.com/fireblocks/fireblocks-web3-provider,
 * src/constants.ts, and EIP-155 registries. Coin types: 60 and 0 by the published samples, the others by the wallets of
 * github.com/fireblocks/recovery (1 on test networks); where neither says it, none is checked.
 */
export const BUILT_IN_ASSETS: Assets = new Map<string, Asset>([
  ['ETH', { ...native(1), coinTypes: [60] }],
  ['ETH_TEST5', { ...native(11_155_111), coinTypes: [1, 60] }],
  ['ETH_TEST6', { ...native(17_000), coinTypes: [1, 60] }],
  ['BNB_BSC', native(56)],
  ['BNB_TEST', native(97)],
  ['MATIC_POLYGON', native(137)],
  ['AMOY_POLYGON_TEST', native(80_002)],
  ['AVAX', native(43_114)],
  ['AVAXTEST', native(43_113)],
  ['ETH-AETH', native(42_161)],
  ['ETH-AETH_SEPOLIA', native(421_614)],
  ['ETH-OPT', native(10)],
  ['ETH-OPT_SEPOLIA', native(11_155_420)],
  ['BASECHAIN_ETH', native(8453)],
  ['BASECHAIN_ETH_TEST5', native(84_532)],
  ['LINEA', native(59_144)],
  ['USDC', token('0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48', 6)],
  ['USDT_ERC20', token('0xdac17f958d2ee523a2206206994597c13d831ec7', 6)],
  ['DAI', token('0x6b175474e89094c44da98b954eedeac495271d0f', 18)],
  ['WBTC', token('0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 8)],
  ['BTC', { family: 'utxo', network: 'bitcoin', coinTypes: [0] }],
  ['BTC_TEST', { family: 'utxo', network: 'bitcoin-testnet', coinTypes: [1] }],
  ['LTC', { family: 'utxo', network: 'litecoin', coinTypes: [2] }],
  ['LTC_TEST', { family: 'utxo', network: 'litecoin-testnet', coinTypes: [1] }],
  ['DOGE', { family: 'utxo', network: 'dogecoin', coinTypes: [3] }],
  ['DOGE_TEST', { family: 'utxo', network: 'dogecoin-testnet', coinTypes: [1] }],
  ['DASH', { family: 'utxo', network: 'dash', coinTypes: [5] }],
  ['DASH_TEST', { family: 'utxo', network: 'dash-testnet', coinTypes: [1] }],
  ['BCH', { family: 'utxo', network: 'bitcoin-cash', coinTypes: [145] }],
  ['BCH_TEST', { family: 'utxo', network: 'bitcoin-cash-testnet', coinTypes: [1] }],
  ['BSV', { family: 'utxo', network: 'bitcoin-sv', coinTypes: [236] }],
  ['BSV_TEST', { family: 'utxo', network: 'bitcoin-sv-testnet', coinTypes: [1] }],
])

function native(chainId: number): EvmAsset {
  return { family: 'evm', chainId, decimals: 18 }
}

/** A token on Ethereum itself. */
function token(contract: string, decimals: number): EvmAsset {
  return { family: 'evm', chainId: 1, decimals, contract, coinTypes: [60] }
}
