/** What is known of an asset on its chain. */
import type { OtherFamily } from './other-families.ts'
import type { UtxoNetwork } from './utxo-networks.ts'

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

/** An asset whose raw transactions are not decoded; its addresses can be read. */
export interface OtherAsset {
  readonly family: OtherFamily
  readonly decimals?: number
  /** Token contract, mint or issuer, as the vendor spells it; absent for the native coin. */
  readonly contract?: string
  /** Of addresses in Bech32; for chains of Cosmos. */
  readonly prefix?: string
  readonly coinTypes?: readonly number[]
}

export type Asset = EvmAsset | UtxoAsset | OtherAsset

/** Asset id, as the vendor spells it, to what it is. */
export type Assets = ReadonlyMap<string, Asset>
