import { describe, expect, it } from '@jest/globals'
import { policyOf, problemsIn } from './policy.ts'

const files = (text: string) => new Map([['vault.abi.json', text]])
const abi = (...items: readonly object[]) => files(JSON.stringify(items))
const inputs = (...types: readonly string[]) => types.map((type) => ({ name: '', type }))

const YAML = 'abiFiles: vault.abi.json'

describe('abiFiles', () => {
  it('gives the functions of a contract with their selectors', () => {
    const transfer = {
      type: 'function',
      name: 'transfer',
      inputs: [
        { name: 'to', type: 'address', internalType: 'address' },
        { name: '', type: 'uint' },
      ],
      stateMutability: 'nonpayable',
    }
    const event = { type: 'event', name: 'Gone', inputs: [{ type: 'of no function' }] }
    const { form } = policyOf(YAML, abi(transfer, event, { type: 'constructor' }))
    // The selector of ERC-20 (EIP-20).
    expect(form.abi).toEqual([
      {
        selector: '0xa9059cbb',
        declaration: 'function transfer(address to, uint256 _1)',
        file: 'vault.abi.json',
      },
    ])
  })

  it('writes tuples out, and takes the artifact of a compiler', () => {
    const orders = {
      name: 'orders',
      type: 'tuple[2][]',
      components: [
        { name: 'to', type: 'address' },
        { name: 'fee', type: 'tuple', components: inputs('int', 'bytes4') },
      ],
    }
    const artifact = {
      contractName: 'Desk',
      abi: [{ type: 'function', name: 'run', inputs: [orders] }],
    }
    const { form } = policyOf(YAML, files(JSON.stringify(artifact)))
    expect(form.abi[0]?.declaration).toBe(
      'function run((address to, (int256 _0, bytes4 _1) fee)[2][] orders)',
    )
  })

  it('is part of the digest, and decides nothing', () => {
    const [pause, play] = ['pause', 'play'].map((name) =>
      policyOf(YAML, abi({ type: 'function', name })),
    )
    expect(pause?.digest).not.toBe(play?.digest)
    expect(pause?.rules).toEqual(play?.rules)
  })

  it.each([
    ['no JSON', files('{')],
    ['no list', files('{"abi":{}}')],
    ['a list of something else', files('[1]')],
    ['a name that is none', abi({ type: 'function', name: 'a) approve(b' })],
    ['a type that is none', abi({ type: 'function', name: 'f', inputs: inputs('uint7') })],
    ['a tuple without members', abi({ type: 'function', name: 'f', inputs: inputs('tuple') })],
    [
      'members of what is no tuple',
      abi({ type: 'function', name: 'f', inputs: [{ type: 'bool', components: inputs('bool') }] }),
    ],
  ])('refuses %s', (_what, text) => {
    expect(problemsIn(YAML, text)).toEqual([
      expect.stringContaining('`vault.abi.json` is no contract ABI in JSON'),
    ])
  })

  it('refuses a file elsewhere, one that is missing, and more functions than anybody has', () => {
    expect(problemsIn('abiFiles: ../vault.abi.json')[0]).toContain('beside the policy')
    expect(problemsIn(YAML)[0]).toContain('was not found')
    const many = Array.from({ length: 5_001 }, (_, n) => ({ type: 'function', name: `f${n}` }))
    expect(problemsIn(YAML, abi(...many))[0]).toContain('more than 5000 functions')
  })
})
