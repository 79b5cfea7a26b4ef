/** The vendor's list of supported assets as a file that a policy names: what each id means, as far as its chain is known. */
import { isObject } from '../../../common/json.ts'
import type { Asset } from '../chains/asset.ts'
import { BUILT_IN_ASSETS } from '../chains/built-in-assets.ts'
import { parseEvmAddress } from '../chains/evm-address.ts'

export interface ImportedAssets {
  /** By id, in the order of ids. */
  readonly assets: Readonly<Record<string, Asset>>
  /** Ids that were left out: of chains that are not known, or without what must be known of them. */
  readonly left: readonly string[]
}

/**
 * Reads the answer of `GET /supported_assets`: a list of `{ id, type, nativeAsset, decimals, contractAddress }`. Undefined when
 * it is none.
 */
export function importAssets(answer: unknown): ImportedAssets | undefined {
  if (!Array.isArray(answer)) return undefined
  const rows: [string, Asset][] = []
  const left: string[] = []
  for (const row of answer as readonly unknown[]) {
    const id = isObject(row) ? row['id'] : undefined
    if (!isObject(row) || typeof id !== 'string' || id === '') return undefined
    const asset = assetOf(id, row)
    if (asset === undefined) left.push(id)
    else rows.push([id, asset])
  }
  rows.sort(([a], [b]) => (a < b ? -1 : 1))
  return { assets: Object.fromEntries(rows), left }
}

function assetOf(id: string, row: Readonly<Record<string, unknown>>): Asset | undefined {
  const native = typeof row['nativeAsset'] === 'string' ? row['nativeAsset'] : id
  const chain = BUILT_IN_ASSETS.get(native)
  const decimals = decimalsOf(row['decimals'])
  if (chain === undefined) return undefined
  if (chain.family === 'utxo') return native === id ? withoutCoinTypes(chain) : undefined
  const contract = contractOf(row)
  if (chain.family !== 'evm') {
    if (native !== id && contract === undefined) return undefined
    return {
      family: chain.family,
      ...(decimals === undefined ? {} : { decimals }),
      ...(native === id || contract === undefined ? {} : { contract }),
      ...(chain.prefix === undefined ? {} : { prefix: chain.prefix }),
    }
  }
  if (decimals === undefined) return undefined
  if (native === id) return { family: 'evm', chainId: chain.chainId, decimals }
  const address = parseEvmAddress(contract ?? '')
  if (address === undefined) return undefined
  return { family: 'evm', chainId: chain.chainId, decimals, contract: address }
}

/** A list says nothing about coin types; those of the built-in row stay. */
function withoutCoinTypes(asset: Extract<Asset, { readonly family: 'utxo' }>): Asset {
  return { family: 'utxo', network: asset.network }
}

function decimalsOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 36
    ? value
    : undefined
}

/** `issuerAddress` is what answers name it for chains without contracts. */
function contractOf(row: Readonly<Record<string, unknown>>): string | undefined {
  return [row['contractAddress'], row['issuerAddress']].find(
    (value): value is string => typeof value === 'string' && value !== '',
  )
}

/** In what a row contradicts the built-in one of the same id, in words; undefined when it does not. */
export function contradictionOf(id: string, row: Asset): string | undefined {
  const known = BUILT_IN_ASSETS.get(id)
  if (known === undefined) return undefined
  for (const member of [
    'family',
    'network',
    'chainId',
    'decimals',
    'contract',
    'prefix',
  ] as const) {
    const [ours, theirs] = [valueOf(known, member), valueOf(row, member)]
    if (ours === theirs || (member === 'decimals' && theirs === undefined)) continue
    return `\`${member}\` is \`${theirs ?? 'absent'}\`, built in is \`${ours ?? 'absent'}\``
  }
  return undefined
}

function valueOf(asset: Asset, member: string): string | undefined {
  const value: unknown = Object.hasOwn(asset, member) ? Reflect.get(asset, member) : undefined
  return typeof value === 'number'
    ? value.toString()
    : typeof value === 'string'
      ? value
      : undefined
}
