/** What a policy knows besides its rules: assets from the vendor's list, and the addresses of its own vault accounts. */
import { describe, expect, it } from '@jest/globals'
import { adviceOn } from '../../../handler/policy/compile/advice.ts'
import { contradictionOf, importAssets } from '../../../handler/policy/compile/asset-import.ts'
import { evaluate } from '../../../handler/policy/evaluate.ts'
import { explain } from '../../../handler/policy/explain.ts'
import { formatProblem } from '../../../handler/policy/file/problems.ts'
import { parsePolicy } from '../../../handler/policy/parse.ts'
import type { TxSignRequest } from '../../../handler/protocol/request.ts'
import { policyOf } from './policy.ts'
import { ADDRESS, destination, FACTS, OTHER_ADDRESS, txRequest } from './requests.ts'

const files = (name: string, text: string) => new Map([[name, text]])

function problemsIn(yaml: string, lists: ReadonlyMap<string, string>, version = 1): string[] {
  const result = parsePolicy(`version: ${version}\n${yaml}`, 'policy.yaml', lists)
  return result.ok ? [] : result.problems.map(formatProblem)
}

// Version 0.1.0 believed a label: "VAULT 1" with a stranger's address was approved without amount, limit or hook.
describe('vaultAddresses', () => {
  const YAML = `
vaultAddresses: { file: own.txt }
lists: { blocked: { kind: vaults, values: ["9"] } }
rules:
  - { id: no, when: { destination: { type: VAULT, id: { list: blocked } } }, then: REJECT }
  - { id: back, when: { operation: TRANSFER, destination: { type: VAULT, id: "1" } }, then: APPROVE }
  - { id: any, when: { operation: MINT, destination: { type: VAULT } }, then: APPROVE }
`
  const OWN = `# vault asset address
1 ETH ${ADDRESS}
1 ETH ${OTHER_ADDRESS.toLowerCase()}   # a second one
9 ETH 0x${'99'.repeat(20)}
1 XRP rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh:12
1 NEW some-text
`
  const policy = policyOf(YAML, files('own.txt', OWN))
  const decide = (changes: Partial<TxSignRequest>) => {
    const { action, rule } = evaluate(policy, txRequest(changes), FACTS).decision
    return `${action} ${rule}`
  }
  const at = (displayDstAddress: string | undefined, dstId = '1') => ({
    destId: dstId,
    destAddress: displayDstAddress,
    destinations: [destination({ displayDstAddress, dstId })],
  })

  it.each<[string, string, Partial<TxSignRequest>]>([
    ['an own address', 'APPROVE back', at(ADDRESS)],
    ['the other own address, in another spelling', 'APPROVE back', at(OTHER_ADDRESS)],
    ['a stranger', 'RETRY default', at(`0x${'11'.repeat(20)}`)],
    ['an address of another vault', 'RETRY default', at(`0x${'99'.repeat(20)}`)],
    ['an address that cannot be read', 'RETRY default', at('0x12')],
    ['no address, at the approval stage', 'APPROVE back', { ...at(undefined), stage: 'approval' }],
    ['an own address for another asset', 'RETRY default', { ...at(ADDRESS), asset: 'USDC' }],
    [
      'an own address of a chain with tags, whatever the tag',
      'APPROVE back',
      { ...at('rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'), asset: 'XRP' },
    ],
    ['an asset of which nothing is known', 'APPROVE back', { ...at('some-text'), asset: 'NEW' }],
    ['a refused vault with a stranger’s address', 'REJECT no', at(`0x${'11'.repeat(20)}`, '9')],
    [
      'a vault without an id',
      'RETRY uncertain',
      {
        operation: 'MINT',
        destId: undefined,
        destinations: [destination({ dstId: undefined })],
      },
    ],
    [
      'an own address beside a stranger’s',
      'RETRY default',
      {
        destinations: [
          destination({ dstAddress: ADDRESS, displayDstAddress: `0x${'11'.repeat(20)}` }),
        ],
      },
    ],
  ])('%s: %s', (_name, expected, changes) => {
    expect(decide(changes)).toBe(expected)
  })

  it('is what explain names', () => {
    const request = txRequest(at(`0x${'11'.repeat(20)}`))
    const { rules } = explain(policy, request, FACTS)
    expect(rules.find(({ id }) => id === 'back')).toMatchObject({
      answer: 'possibly',
      unmet: { found: '`VAULT` (its address is not in `vaultAddresses`)' },
      unknown: ['destination.type', 'destination.id'],
    })
  })

  it('is asked for where a label is believed', () => {
    const labelled = `rules: [{ id: back, when: { operation: TRANSFER, destination: { type: VAULT, id: "1" } }, then: APPROVE }]`
    const advice = (yaml: string, lists?: ReadonlyMap<string, string>) =>
      adviceOn(policyOf(yaml, lists)).filter(({ message }) => message.includes('vaultAddresses'))
    expect(advice(labelled)).toHaveLength(1)
    expect(advice(`vaultAddresses: { file: own.txt }\n${labelled}`, files('own.txt', OWN))).toEqual(
      [],
    )
    expect(advice(labelled.replace('id: "1"', `address: "${ADDRESS}"`))).toEqual([])
    expect(advice(labelled.replace('when: {', 'when: { stage: approval,'))).toEqual([])
    expect(advice(labelled.replace('VAULT', 'UNMANAGED'))).toEqual([])
    expect(advice(labelled.replace('APPROVE', 'REJECT'))).toEqual([])
  })

  it('reports a line of another form, a file that is missing, and doubts an address that is none', () => {
    const yaml = 'vaultAddresses: { file: own.txt }'
    expect(problemsIn(yaml, files('own.txt', '1 ETH\n'))).toEqual([
      'own.txt:1:1: expected `<vault id> <asset id> <address>`',
    ])
    expect(problemsIn(yaml, new Map())[0]).toContain('was not found beside the policy')
    expect(problemsIn('vaultAddresses: { file: ../own.txt }', new Map())[0]).toContain('beside')
    const many = Array.from({ length: 30 }, (_, n) => `${n} ETH 0x12`).join('\n')
    expect(policyOf(yaml, files('own.txt', many)).doubts).toHaveLength(20)
  })
})

describe('assetsFile', () => {
  const file = (assets: object) => files('assets.json', JSON.stringify({ assets }))
  const USDC = {
    family: 'evm',
    chainId: 1,
    decimals: 6,
    contract: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
  }

  it('adds what is not built in, and leaves alone what is the same', () => {
    const mine = { family: 'evm', chainId: 137, decimals: 2, contract: `0x${'12'.repeat(20)}` }
    const { assets } = policyOf('assetsFile: assets.json', file({ MINE: mine, USDC }))
    expect(assets.get('MINE')).toEqual(mine)
    expect(assets.get('USDC')).toMatchObject({ coinTypes: [60] })
  })

  it('may not contradict the built-in table in version 2; in version 1 it counts, with a warning', () => {
    const wrong = { ...USDC, decimals: 18 }
    const said = '`USDC` in `assets.json`: `decimals` is `18`, built in is `6`'
    expect(problemsIn('assetsFile: assets.json', file({ USDC: wrong }), 2)[0]).toContain(said)
    const policy = policyOf('assetsFile: assets.json', file({ USDC: wrong }))
    expect(policy.assets.get('USDC')).toEqual(wrong)
    expect(adviceOn(policy).map(({ message }) => message)).toContain(`assetsFile: ${said}`)
  })

  it('gives way to what the policy itself says', () => {
    const yaml = 'assetsFile: assets.json\nassets: { MINE: { family: evm, chainId: 10 } }'
    const { assets } = policyOf(yaml, file({ MINE: { family: 'solana' } }))
    expect(assets.get('MINE')).toEqual({ family: 'evm', chainId: 10, decimals: 18 })
  })

  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['no assets', '{}'],
    ['an asset of no family', '{"assets":{"X":{"family":"none"}}}'],
  ])('refuses %s', (_name, text) => {
    expect(problemsIn('assetsFile: assets.json', files('assets.json', text))[0]).toContain(
      'is no file of `policy assets import`',
    )
  })

  it('must lie beside the policy', () => {
    expect(problemsIn('assetsFile: ../assets.json', new Map())[0]).toContain('beside the policy')
    expect(problemsIn('assetsFile: assets.json', new Map())[0]).toContain('was not found')
  })
})

describe('importAssets', () => {
  const row = (id: string, changes: object = {}) => ({
    id,
    name: id,
    type: 'ERC20',
    nativeAsset: 'ETH',
    decimals: 6,
    contractAddress: `0x${'AB'.repeat(20)}`,
    ...changes,
  })
  const imported = (...rows: object[]) => importAssets(rows)?.assets

  it('reads coins and tokens of chains that are known', () => {
    expect(
      imported(
        row('TOKEN'),
        row('MATIC_POLYGON', { nativeAsset: 'MATIC_POLYGON', contractAddress: '', decimals: 18 }),
        row('BTC', { nativeAsset: undefined, contractAddress: '', decimals: 8 }),
        row('XRP', { nativeAsset: 'XRP', contractAddress: '', decimals: undefined }),
        row('TRX_X', { nativeAsset: 'TRX', contractAddress: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t' }),
        row('SOL_X', { nativeAsset: 'SOL', contractAddress: '', issuerAddress: 'So1' }),
        row('OSMO', { nativeAsset: 'OSMO', contractAddress: '' }),
      ),
    ).toEqual({
      BTC: { family: 'utxo', network: 'bitcoin' },
      MATIC_POLYGON: { family: 'evm', chainId: 137, decimals: 18 },
      OSMO: { family: 'cosmos', decimals: 6, prefix: 'osmo' },
      SOL_X: { family: 'solana', decimals: 6, contract: 'So1' },
      TOKEN: { family: 'evm', chainId: 1, decimals: 6, contract: `0x${'ab'.repeat(20)}` },
      TRX_X: { family: 'tron', decimals: 6, contract: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t' },
      XRP: { family: 'xrp' },
    })
  })

  it('leaves out what is not known well enough', () => {
    const rows = [
      row('NEW', { nativeAsset: 'NEWCHAIN' }),
      row('OMNI', { nativeAsset: 'BTC' }),
      row('NOCONTRACT', { contractAddress: '' }),
      row('NODECIMALS', { decimals: undefined }),
      row('ODD', { decimals: 1.5 }),
      row('SOL_Y', { nativeAsset: 'SOL', contractAddress: '' }),
    ]
    expect(importAssets(rows)).toEqual({ assets: {}, left: rows.map(({ id }) => id) })
  })

  it.each([[{}], [[1]], [[{ id: '' }]], [[{ name: 'x' }]]])('%j is no answer', (answer) => {
    expect(importAssets(answer)).toBeUndefined()
  })

  it('names the first contradiction', () => {
    expect(contradictionOf('ETH', { family: 'utxo', network: 'bitcoin' })).toBe(
      '`family` is `utxo`, built in is `evm`',
    )
    expect(contradictionOf('USDC', { family: 'evm', chainId: 1, decimals: 6 })).toContain(
      '`contract`',
    )
    expect(contradictionOf('XRP', { family: 'xrp' })).toBeUndefined()
    expect(contradictionOf('MINE', { family: 'xrp' })).toBeUndefined()
  })
})
