import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse as parseYaml } from 'yaml'
import {
  assetsSchema,
  BUILT_IN_ASSETS,
  mergeAssets,
} from '../../../../handler/policy/chains/assets.ts'
import { NETWORK_RULES } from '../../../../handler/policy/chains/utxo-networks.ts'

const parse = (value: unknown) => assetsSchema.safeParse(value)

it('the example in the documentation is valid', () => {
  const text = readFileSync(
    join(import.meta.dirname, '../../../../docs/raw-transactions.md'),
    'utf8',
  )
  const example = /```yaml\n([^`]*)```/.exec(text)?.[1] ?? ''
  const { assets } = parseYaml(example) as { assets: object }
  expect(Object.keys(assets)).toHaveLength(3)
  expect(parse(assets).success).toBe(true)
})

describe('the built-in table', () => {
  it('has every chain once, and contracts in lower case', () => {
    const natives = [...BUILT_IN_ASSETS.values()].filter(
      (asset) => asset.family === 'evm' && asset.contract === undefined,
    )
    const chains = natives.map((asset) => (asset.family === 'evm' ? asset.chainId : 0))
    expect(new Set(chains).size).toBe(chains.length)
    for (const asset of BUILT_IN_ASSETS.values()) {
      if (asset.family !== 'evm' || asset.contract === undefined) continue
      expect(asset.contract).toMatch(/^0x[0-9a-f]{40}$/)
    }
  })

  it('would itself pass as the section of a policy', () => {
    const result = parse(Object.fromEntries(BUILT_IN_ASSETS))
    expect(result.data).toEqual(Object.fromEntries(BUILT_IN_ASSETS))
  })

  it('names every network it uses', () => {
    for (const asset of BUILT_IN_ASSETS.values()) {
      if (asset.family === 'utxo') expect(NETWORK_RULES[asset.network]).toBeDefined()
    }
  })
})

describe('the assets of a policy', () => {
  it('are added, and win over the built-in ones', () => {
    const result = parse({
      MYTOKEN: {
        family: 'evm',
        chainId: 137,
        decimals: 2,
        contract: '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48',
      },
      ETH: { family: 'evm', chainId: 1 },
      TEST: { family: 'utxo', network: 'bitcoin-testnet', coinTypes: [1] },
      LTC: { family: 'utxo', network: 'litecoin' },
    })
    const assets = mergeAssets(result.data ?? {})
    expect(assets.get('MYTOKEN')).toEqual({
      family: 'evm',
      chainId: 137,
      decimals: 2,
      contract: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
    })
    expect(assets.get('ETH')).toEqual({ family: 'evm', chainId: 1, decimals: 18 })
    expect(assets.get('LTC')).toEqual({ family: 'utxo', network: 'litecoin' })
    expect(assets.get('USDC')).toBe(BUILT_IN_ASSETS.get('USDC'))
  })

  it.each([
    ['an unknown family', { family: 'solana' }],
    ['an unknown network', { family: 'utxo', network: 'zcash' }],
    ['a member that means nothing', { family: 'evm', chainId: 1, symbol: 'X' }],
    ['no chain id', { family: 'evm' }],
    ['chain 0', { family: 'evm', chainId: 0 }],
    [
      'a contract with a wrong checksum',
      { family: 'evm', chainId: 1, contract: '0xa0B86991c6218b36c1d19D4a2e9Eb0cE3606eB48' },
    ],
    ['no coin types', { family: 'evm', chainId: 1, coinTypes: [] }],
  ])('with %s: refused', (_, asset) => {
    expect(parse({ X: asset }).success).toBe(false)
  })
})
