import { describe, expect, it } from '@jest/globals'
import { Address, OutScript } from '@scure/btc-signer'
import * as fc from 'fast-check'
import { addressOfScript } from '../../../../handler/policy/chains/script-address.ts'
import { scriptOfAddress } from '../../../../handler/policy/chains/utxo-address.ts'
import { NETWORK_RULES } from '../../../../handler/policy/chains/utxo-networks.ts'

const bitcoin = NETWORK_RULES.bitcoin
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('against an independent library', () => {
  const networks = [
    [{ bech32: 'bc', pubKeyHash: 0x00, scriptHash: 0x05, wif: 0x80 }, 'bitcoin'],
    [{ bech32: 'tb', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef }, 'bitcoin-testnet'],
    [{ bech32: 'ltc', pubKeyHash: 0x30, scriptHash: 0x32, wif: 0xb0 }, 'litecoin'],
  ] as const

  it.each(networks)('addresses of %j give the same script', (network, name) => {
    const coder = Address(network)
    fc.assert(
      fc.property(
        fc.constantFrom('pkh', 'sh', 'wpkh', 'wsh'),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (type, random) => {
          const hash = type === 'wsh' ? random : random.subarray(0, 20)
          const output = { type, hash } as const
          const script = hex(OutScript.encode(output))
          const address = coder.encode(output)
          expect(scriptOfAddress(address, NETWORK_RULES[name])).toBe(script)
          expect(addressOfScript(script, NETWORK_RULES[name])).toBe(address)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('scripts of Taproot have an address too; others, and those that a network does not know, have none', () => {
    const output = {
      type: 'tr',
      pubkey: Buffer.from(
        '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
        'hex',
      ),
    } as const
    const script = hex(OutScript.encode(output))
    expect(addressOfScript(script, bitcoin)).toBe(Address().encode(output))
    expect(addressOfScript(script, NETWORK_RULES.dogecoin)).toBeUndefined()
    expect(addressOfScript('6a0568656c6c6f', bitcoin)).toBeUndefined()
  })

  it('any changed character of an address is refused, or another valid address to the library too', () => {
    const coder = Address()
    fc.assert(
      fc.property(
        fc.constantFrom(
          '1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYdC',
          'bc1qjhm0h7vhdyu0d0luv34dlz654rmsvg8twywk99',
          'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
        ),
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 1 }),
        (address, at, character) => {
          const index = at % address.length
          const changed = address.slice(0, index) + character + address.slice(index + 1)
          if (changed !== address) expect(scriptOfAddress(changed, bitcoin)).toBeUndefined()
        },
      ),
      { numRuns: 1000 },
    )
    expect(
      scriptOfAddress('bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr', bitcoin),
    ).toBe(
      hex(
        OutScript.encode(
          coder.decode('bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr'),
        ),
      ),
    )
  })
})

describe('witness addresses (BIP-173, BIP-350 vectors)', () => {
  it.each([
    ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', '0014751e76e8199196d454941c45d1b3a323f1433bd6'],
    [
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
      '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    ],
  ])('%s', (address, script) => {
    expect(scriptOfAddress(address, bitcoin)).toBe(script)
  })

  it.each([
    ['mixed case', 'bc1qW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    ['another network', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'],
    ['a later version', 'bc1sw50qgdz25j'],
    ['bech32 for version 1', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd'],
    ['bech32m for version 0', 'bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47'],
    ['version 0 of 16 bytes', 'BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P'],
    [
      'version 1 of a length other than 32',
      'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
    ],
    [
      'padding of more than 4 bits',
      'bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4',
    ],
    ['a character outside the alphabet', 'bc1b508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    ['no data', 'bc1gmk9yu'],
    ['a second separator', 'bc11qw508d6'],
    ['length', 'bc1q'.padEnd(200, 'q')],
    ['emptiness', ''],
  ])('%s: refused', (_, address) => {
    expect(scriptOfAddress(address, bitcoin)).toBeUndefined()
  })

  it('padding that is not zero or too long is refused although the checksum is right', () => {
    // 20 bytes need 32 words exactly; 33 words leave 5 bits over.
    const long = encodeBech32('bc', [0, ...Array.from({ length: 33 }, () => 0)], 1)
    const dirty = encodeBech32('bc', [1, ...Array.from({ length: 52 }, () => 31)], 0x2bc830a3)
    expect(scriptOfAddress(long, bitcoin)).toBeUndefined()
    expect(scriptOfAddress(dirty, bitcoin)).toBeUndefined()
  })
})

describe('CashAddr (specification vectors)', () => {
  const cash = NETWORK_RULES['bitcoin-cash']

  it.each([
    [
      'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
      '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu',
    ],
    [
      'BITCOINCASH:QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A',
      '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu',
    ],
    ['qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy', '1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR'],
    [
      'bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq',
      '3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC',
    ],
  ])('%s pays what %s pays', (address, old) => {
    expect(scriptOfAddress(address, cash)).toBe(scriptOfAddress(old, cash))
    expect(scriptOfAddress(address, cash)).toBeDefined()
  })

  it.each([
    'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6q',
    'bitcoincash:Qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
    'bchtest:qpm2qsznhks23z7629mms6s4cwef74vcwvqcw003ap',
    'bitcoincash:q!m2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
    // A 64-byte hash, and an unknown type.
    'bitcoincash:qlg0x333p4238k0qrc5ej7rzfw5g8e4a4r6vvzyrcy8j3s5k0en7calvclhw46hudk5flttj6ydvjc0pv3nchp52amk97tqa5zygg96mtky5sv5w',
  ])('%s: refused', (address) => {
    expect(scriptOfAddress(address, cash)).toBeUndefined()
  })

  it.each([
    ['a type that is neither key nor script hash', [32, ...Buffer.alloc(20)], 0],
    ['a longer hash', [0, ...Buffer.alloc(31)], 0],
    ['padding that is not zero', [0, ...Buffer.alloc(20)], 3],
  ])('%s: refused although the checksum is right', (_, bytes, padding) => {
    expect(scriptOfAddress(encodeCash('bitcoincash', bytes, padding), cash)).toBeUndefined()
  })

  it('the encoder of this test agrees with the specification', () => {
    const address = encodeCash('bitcoincash', [0, ...Buffer.alloc(20)], 0)
    expect(scriptOfAddress(address, cash)).toBe(`76a914${'00'.repeat(20)}88ac`)
  })
})

describe('base58check', () => {
  it('the version of another network: refused', () => {
    expect(
      scriptOfAddress('1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYdC', NETWORK_RULES.dogecoin),
    ).toBeUndefined()
  })

  it.each([
    '',
    '1',
    '1111',
    '0OIl',
    '1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYd',
    '2'.repeat(34),
    'z'.repeat(35),
  ])('`%s`: refused', (address) => {
    expect(scriptOfAddress(address, bitcoin)).toBeUndefined()
  })
})

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

function encodeBech32(prefix: string, words: number[], constant: number): string {
  const codes = Array.from(prefix, (each) => each.charCodeAt(0))
  const all = [
    ...codes.map((c) => c >> 5),
    0,
    ...codes.map((c) => c & 31),
    ...words,
    0,
    0,
    0,
    0,
    0,
    0,
  ]
  let check = 1
  for (const word of all) {
    const top = check >>> 25
    check = ((check & 0x1ffffff) << 5) ^ word
    const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
    for (const [bit, generator] of generators.entries()) if ((top >>> bit) & 1) check ^= generator
  }
  check ^= constant
  const sum = [5, 4, 3, 2, 1, 0].map((index) => (check >>> (5 * index)) & 31)
  return `${prefix}1${[...words, ...sum].map((word) => ALPHABET[word]).join('')}`
}

function encodeCash(prefix: string, bytes: number[], padding: number): string {
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const words = (bits.match(/.{1,5}/g) ?? []).map((group) => parseInt(group.padEnd(5, '0'), 2))
  words.push((words.pop() ?? 0) | padding)
  const head = Array.from(prefix, (each) => each.charCodeAt(0) & 31)
  let check = 1n
  for (const word of [...head, 0, ...words, 0, 0, 0, 0, 0, 0, 0, 0]) {
    const top = check >> 35n
    check = ((check & 0x07ffffffffn) << 5n) ^ BigInt(word)
    const generators = [0x98f2bc8e61n, 0x79b76d99e2n, 0xf33e5fb3c4n, 0xae2eabe2a8n, 0x1e4f43e470n]
    for (const [bit, generator] of generators.entries()) {
      if ((top >> BigInt(bit)) & 1n) check ^= generator
    }
  }
  check ^= 1n
  const sum = [7, 6, 5, 4, 3, 2, 1, 0].map((index) => Number((check >> BigInt(5 * index)) & 31n))
  return `${prefix}:${[...words, ...sum].map((word) => ALPHABET[word]).join('')}`
}
