/** What an asset id means on its chain: exact, short, and extended by the policy; an asset not here is never guessed. */
import { z } from 'zod'
import type { Asset, Assets, EvmAsset, OtherAsset, UtxoAsset } from './asset.ts'
import { BUILT_IN_ASSETS } from './built-in-assets.ts'
import { parseEvmAddress } from './evm-address.ts'
import { OTHER_FAMILIES } from './other-families.ts'
import { UTXO_NETWORKS } from './utxo-networks.ts'

export type { Asset, Assets, EvmAsset, OtherAsset, UtxoAsset } from './asset.ts'
export { BUILT_IN_ASSETS }

const coinTypes = z.array(z.int().min(0).max(0x7fffffff)).min(1).max(8).optional()

const evmAsset = z
  .strictObject({
    family: z.literal('evm'),
    chainId: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
    decimals: z.int().min(0).max(36).default(18),
    contract: z
      .string()
      .transform((text, context) => {
        const address = parseEvmAddress(text)
        if (address !== undefined) return address
        context.addIssue('not a valid EVM address')
        return z.NEVER
      })
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

const otherAsset = z
  .strictObject({
    family: z.enum(OTHER_FAMILIES),
    decimals: z.int().min(0).max(36).optional(),
    contract: z.string().min(1).max(256).optional(),
    prefix: z
      .string()
      .regex(/^[a-z0-9]{1,20}$/, 'expected a prefix of Bech32 in lower case')
      .optional(),
    coinTypes,
  })
  .transform(({ family, decimals, contract, prefix, coinTypes: types }): OtherAsset => ({
    family,
    ...(types === undefined ? {} : { coinTypes: types }),
    ...(decimals === undefined ? {} : { decimals }),
    ...(contract === undefined ? {} : { contract }),
    ...(prefix === undefined ? {} : { prefix }),
  }))

/**
 * The policy's `assets:` section: asset id to `{ family: evm, chainId, decimals, contract }`, `{ family: utxo, network }`, or
 * another family, of which only the addresses are read.
 */
export const assetsSchema = z.record(
  z.string().min(1).max(128),
  z.union([evmAsset, utxoAsset, otherAsset]),
)

/** The built-in table with a policy's section laid over it: what the policy says about an id wins. */
export function mergeAssets(extra: Readonly<Record<string, Asset>>): Assets {
  return new Map([...BUILT_IN_ASSETS, ...Object.entries(extra)])
}
