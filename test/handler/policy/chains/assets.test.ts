import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse as parseYaml } from 'yaml'
import {
  assetsSchema,
  BUILT_IN_ASSETS,
  mergeAssets,
} from '../../../../handler/policy/chains/assets.ts'
import { familyOf } from '../../../../handler/policy/chains/address-families.ts'
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

  it('has more than a hundred assets, each of a family that can read addresses', () => {
    expect(BUILT_IN_ASSETS.size).toBeGreaterThan(100)
    for (const asset of BUILT_IN_ASSETS.values()) expect(familyOf(asset).name).toBeDefined()
  })

  it('has contracts that their own family reads, where they are addresses', () => {
    for (const asset of BUILT_IN_ASSETS.values()) {
      if (!('contract' in asset) || asset.family === 'algorand') continue
      expect(familyOf(asset).read(asset.contract ?? '')).toBeDefined()
    }
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

  it('may be of a family of which only addresses are read', () => {
    const token = { family: 'tron', decimals: 6, contract: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t' }
    const juno = { family: 'cosmos', prefix: 'juno', coinTypes: [118] }
    const result = parse({ T: token, JUNO: juno, X: { family: 'exact' } })
    expect(result.data).toEqual({ T: token, JUNO: juno, X: { family: 'exact' } })
  })

  it('may be spelled as XDC does', () => {
    const contract = 'xdca0b86991c6218b36c1d19d4a2e9eb0ce3606eb48'
    const result = parse({ X: { family: 'evm', chainId: 50, contract } })
    expect(result.data?.['X']).toMatchObject({ contract: `0x${contract.slice(3)}` })
  })

  it.each([
    ['an unknown family', { family: 'bitcoin' }],
    ['a prefix in capitals', { family: 'cosmos', prefix: 'COSMOS' }],
    ['a chain of a family that has none', { family: 'solana', chainId: 1 }],
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
