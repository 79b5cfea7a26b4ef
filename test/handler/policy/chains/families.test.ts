/**
 * Addresses of every family: published ones, and generated ones, made by independent encoders and spelled in every way that the
 * family knows. COUNTERSIGN_PROPERTY_RUNS says how many of each are generated.
 */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { blake2b } from '@noble/hashes/blake2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { sha256, sha512_256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import {
  base32nopad,
  base58,
  base58xrp,
  base64,
  base64url,
  bech32,
  createBase58check,
} from '@scure/base'
import { Address } from '@scure/btc-signer'
import * as fc from 'fast-check'
import { readAddress } from '../../../../handler/policy/chains/address.ts'
import { familyOf, LISTED_FAMILIES } from '../../../../handler/policy/chains/address-families.ts'
import type { Asset } from '../../../../handler/policy/chains/assets.ts'
import { fromBase32 } from '../../../../handler/policy/chains/base32.ts'
import { BITCOIN_BASE58 } from '../../../../handler/policy/chains/base58.ts'
import { listedKeys } from '../../../../handler/policy/chains/listed-address.ts'
import { OTHER_FAMILIES } from '../../../../handler/policy/chains/other-families.ts'
import { UTXO_NETWORKS } from '../../../../handler/policy/chains/utxo-networks.ts'

const RUNS = Number(process.env['COUNTERSIGN_PROPERTY_RUNS'] ?? '100')

const base58check = createBase58check(sha256)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const join = (...parts: readonly (number | Uint8Array)[]) =>
  concatBytes(...parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part)))

const EVM: Asset = { family: 'evm', chainId: 1, decimals: 18 }
const XRP: Asset = { family: 'xrp' }
const read = (text: string, asset: Asset) => familyOf(asset).read(text)

/** Spellings of one address, made from 32 random bytes; the first is today's usual one. */
type Spell = (random: Uint8Array) => readonly string[]

const FAMILIES: readonly (readonly [string, Asset, Spell])[] = [
  ['evm', EVM, (random) => evmSpellings(random.subarray(0, 20))],
  ['bitcoin', utxo('bitcoin'), (random) => bitcoinSpellings(random, 'bc', 0x00, 0x05)],
  [
    'bitcoin-testnet',
    utxo('bitcoin-testnet'),
    (random) => bitcoinSpellings(random, 'tb', 0x6f, 0xc4),
  ],
  [
    'litecoin',
    utxo('litecoin'),
    (random) =>
      isOdd(random)
        ? [check(random, 0x32), check(random, 0x05)]
        : bitcoinSpellings(random, 'ltc', 0x30, 0x32),
  ],
  [
    'litecoin-testnet',
    utxo('litecoin-testnet'),
    (random) => [check(random, 0x3a), check(random, 0xc4)],
  ],
  ['dogecoin', utxo('dogecoin'), (random) => [check(random, isOdd(random) ? 0x1e : 0x16)]],
  [
    'dogecoin-testnet',
    utxo('dogecoin-testnet'),
    (random) => [check(random, isOdd(random) ? 0x71 : 0xc4)],
  ],
  ['dash', utxo('dash'), (random) => [check(random, isOdd(random) ? 0x4c : 0x10)]],
  ['dash-testnet', utxo('dash-testnet'), (random) => [check(random, isOdd(random) ? 0x8c : 0x13)]],
  [
    'bitcoin-cash',
    utxo('bitcoin-cash'),
    (random) => cashSpellings(random, 'bitcoincash', 0x00, 0x05),
  ],
  [
    'bitcoin-cash-testnet',
    utxo('bitcoin-cash-testnet'),
    (random) => cashSpellings(random, 'bchtest', 0x6f, 0xc4),
  ],
  ['bitcoin-sv', utxo('bitcoin-sv'), (random) => [check(random, isOdd(random) ? 0x00 : 0x05)]],
  ['bitcoin-sv-testnet', utxo('bitcoin-sv-testnet'), (random) => [check(random, 0x6f)]],
  ['ecash', { family: 'ecash' }, (random) => cashSpellings(random, 'ecash', 0x00, 0x05)],
  [
    'zcash',
    { family: 'zcash' },
    (random) => [
      base58check.encode(join(0x1c, isOdd(random) ? 0xb8 : 0xbd, random.subarray(0, 20))),
    ],
  ],
  [
    'tron',
    { family: 'tron' },
    (random) => {
      const bytes = join(0x41, random.subarray(0, 20))
      return [base58check.encode(bytes), hex(bytes), hex(bytes).toUpperCase()]
    },
  ],
  ['solana', { family: 'solana' }, (random) => [base58.encode(random)]],
  ['xrp', XRP, (random) => [xrpAddress(random), xAddress(random, undefined), xAddress(random, 7)]],
  [
    'stellar',
    { family: 'stellar' },
    (random) => [
      strkey(isOdd(random) ? join(0x30, random) : join(0x60, random, new Uint8Array(8))),
    ],
  ],
  ['ton', { family: 'ton' }, tonSpellings],
  [
    'cosmos',
    { family: 'cosmos', prefix: 'cosmos' },
    (random) => bech32Spellings('cosmos', isOdd(random) ? random : random.subarray(0, 20)),
  ],
  [
    'cardano',
    { family: 'cardano' },
    (random) =>
      isOdd(random)
        ? bech32Spellings('addr', join(0x01, random, random.subarray(0, 24)))
        : [byron(random)],
  ],
  [
    'algorand',
    { family: 'algorand' },
    (random) => [base32nopad.encode(join(random, sha512_256(random).subarray(-4)))],
  ],
  [
    'hedera',
    { family: 'hedera' },
    (random) => [`0.0.${Buffer.from(random).readBigUInt64BE() >> 1n}`],
  ],
  ['eos', { family: 'eos' }, (random) => [eosName(random)]],
  [
    'polkadot',
    { family: 'polkadot' },
    (random) => [0, 2, 42, 252].map((network) => ss58(network, random)),
  ],
  [
    'aptos',
    { family: 'aptos' },
    (random) => {
      const digits = hex(isOdd(random) ? random : join(0, random.subarray(1)))
      return [`0x${digits}`, `0x${digits.replace(/^0+/, '')}`, `0x${digits.toUpperCase()}`]
    },
  ],
  ['sui', { family: 'sui' }, (random) => [`0x${hex(random)}`, `0x${hex(random).toUpperCase()}`]],
  ['near', { family: 'near' }, (random) => [hex(random)]],
  [
    'tezos',
    { family: 'tezos' },
    (random) => {
      const prefixes = ['06a19f', '06a1a1', '06a1a4', '06a1a6', '025a79']
      const prefix = prefixes[(random[0] ?? 0) % prefixes.length] ?? ''
      return [base58check.encode(join(bytesOf(prefix), random.subarray(0, 20)))]
    },
  ],
  ['exact', { family: 'exact' }, (random) => [base64.encode(random)]],
]

it('every family is generated', () => {
  const names = FAMILIES.map(([name]) => name)
  expect(names.toSorted()).toEqual(['evm', ...UTXO_NETWORKS, ...OTHER_FAMILIES].toSorted())
})

describe.each(FAMILIES)('%s', (name, asset, spell) => {
  const family = familyOf(asset)

  it('gives every spelling of an address one key, which reads as itself, and no two addresses the same', () => {
    const keys = new Set<string>()
    for (const random of seeded(name, RUNS)) {
      const spellings = spell(random)
      const [first] = spellings.map((text) => family.read(text))
      if (first === undefined) throw new Error(`${name} does not read ${String(spellings[0])}`)
      for (const text of spellings) {
        if (family.read(text) !== first) throw new Error(`${text} is not ${first}`)
      }
      if (family.read(first) !== first) throw new Error(`${first} is not its own key`)
      keys.add(first)
    }
    expect(keys.size).toBe(RUNS)
  }, 3_600_000)

  it('matches what is listed, in every spelling', () => {
    for (const random of seeded(name, Math.min(RUNS, 8))) {
      const spellings = spell(random)
      for (const listed of spellings) {
        const { keys, problem } = listedKeys(listed)
        expect(problem).toBeUndefined()
        // An X-address names its own tag, so that it lists another one than the classic address.
        for (const text of name === 'xrp' ? [listed] : spellings) {
          const found = readAddress(text, family)
          const key = found?.hasTags === 'yes' ? `${found.bare}\n${found.tag ?? ''}` : found?.bare
          expect(keys).toContain(key)
        }
      }
    }
  })

  it('takes any text without a fault, and gives no key twice removed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const key = family.read(text)
        expect(key === undefined ? undefined : family.read(key)).toBe(key)
      }),
      { numRuns: 50 },
    )
  })
})

describe('published addresses', () => {
  it.each([
    // EIP-55; EIP-1191 with chain ids 30 and 31; XDC.
    [
      EVM,
      '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed',
    ],
    [
      EVM,
      '0x5aaEB6053f3e94c9b9a09f33669435E7ef1bEAeD',
      '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed',
    ],
    [
      EVM,
      '0x5aAeb6053F3e94c9b9A09F33669435E7EF1BEaEd',
      '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed',
    ],
    [
      EVM,
      'xdc5aaeb6053f3e94c9b9a09f33669435e7ef1beaed',
      '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed',
    ],
    // The wallet of tron's own documents, and one whose letters begin like those of Bitcoin's test network.
    [
      { family: 'tron' },
      '41a614f803b6fd780986a42c78ec9c7f77e6ded13c',
      'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
    ],
    [
      { family: 'tron' },
      'TB1mukCgh6YJA6fJKizm9YN2B8zx6XnZwU',
      'TB1mukCgh6YJA6fJKizm9YN2B8zx6XnZwU',
    ],
    // XLS-5d.
    [XRP, 'X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ', 'r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59'],
    [XRP, 'X7AcgcsBL6XDcUb289X4mJ8djcdyKaGZMhc9YTE92ehJ2Fu', 'r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59'],
    [XRP, 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh', 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'],
    // SEP-23.
    [
      { family: 'stellar' },
      'GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ',
      'GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ',
    ],
    [
      { family: 'stellar' },
      'MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ',
      'MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ',
    ],
    [
      { family: 'ton' },
      'EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2',
      '0:ed1691307050047117b998b561d8de82d31fbf84910ced6eb5fc92e7485ef8a7',
    ],
    [
      { family: 'ton' },
      'UQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p9dz',
      '0:ed1691307050047117b998b561d8de82d31fbf84910ced6eb5fc92e7485ef8a7',
    ],
    // CIP-19; the second is of the Byron era.
    [
      { family: 'cardano' },
      'addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8',
      'addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8',
    ],
    [
      { family: 'cardano' },
      '37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrzT21EacHnPpz5YyUdj64na',
      '37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrzT21EacHnPpz5YyUdj64na',
    ],
    [
      { family: 'algorand' },
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY5HFKQ',
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY5HFKQ',
    ],
    // Substrate's well-known account, in its generic and in Polkadot's prefix.
    [
      { family: 'polkadot' },
      '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
      '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5',
    ],
    [
      { family: 'tezos' },
      'KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn',
      'KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn',
    ],
    // The CashAddr specification's example; eCash's of the same hash.
    [
      utxo('bitcoin-cash'),
      '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu',
      'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
    ],
    [
      utxo('bitcoin-cash'),
      'qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
      'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
    ],
    [utxo('litecoin'), '3ChJ24XadcJsgPUwW68tUbocWQFjz9GHtF', 'MJuSKwwYajAJUtkqby8EJF41q6rBwyqLUB'],
  ] as const)('%j reads %s', (asset, text, key) => {
    expect(read(text, asset)).toBe(key)
  })

  it.each([
    [EVM, '0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
    [EVM, '0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed'],
    [EVM, '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed '],
    [{ family: 'tron' }, 'TB1mukCgh6YJA6fJKizm9YN2B8zx6XnZwV'],
    [{ family: 'tron' }, '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu'],
    [utxo('bitcoin'), 'TB1mukCgh6YJA6fJKizm9YN2B8zx6XnZwU'],
    [utxo('litecoin'), 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    [XRP, 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTi'],
    [XRP, 'X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqY'],
    [{ family: 'stellar' }, 'GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGY'],
    [{ family: 'stellar' }, 'GAAA'],
    [{ family: 'ton' }, 'EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q3'],
    [{ family: 'ton' }, 'EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61/JLnSF74p4q2'],
    [{ family: 'ton' }, 'AAAAFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2'],
    [{ family: 'cosmos', prefix: 'osmo' }, 'cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh'],
    [{ family: 'cosmos' }, 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    [{ family: 'algorand' }, 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY5HFKA'],
    [{ family: 'algorand' }, '1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY5HFKQ'],
    [{ family: 'polkadot' }, '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ'],
    [{ family: 'solana' }, '0PjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v'],
    [{ family: 'hedera' }, '0.0.007'],
    [{ family: 'sui' }, '0x2'],
    [{ family: 'eos' }, 'toolongforeos99'],
    [{ family: 'near' }, 'Alice.near'],
    [{ family: 'tezos' }, 'KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitm'],
    [{ family: 'zcash' }, 't1Hsc1LR8yKnbbe3twRp88p6vFfC5t7DLbx'],
    [
      { family: 'cardano' },
      '38btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrzT21EacHnPpz5YyUdj64na',
    ],
    [{ family: 'exact' }, ''],
  ] as const)('%j does not read %s', (asset, text) => {
    expect(read(text, asset)).toBeUndefined()
  })
})

describe('texts whose checksum is right', () => {
  const account = bytesOf('ab'.repeat(20))
  const xrp = (...parts: readonly (number | Uint8Array)[]) => {
    const body = join(...parts)
    return base58xrp.encode(join(body, doubleSha(body)))
  }
  it.each<[string, Asset, string]>([
    ['an X-address of another network', XRP, xrp(0x05, 0x45, account, new Uint8Array(9))],
    ['an X-address with a tag of 64 bits', XRP, xrp(0x05, 0x44, account, 2, new Uint8Array(8))],
    [
      'an X-address without a tag, and with one',
      XRP,
      xrp(0x05, 0x44, account, 0, 7, new Uint8Array(7)),
    ],
    [
      'a Stellar key of another kind',
      { family: 'stellar' },
      strkey(join(0x31, bytesOf('ab'.repeat(32)))),
    ],
    ['a Stellar account of the other length', { family: 'stellar' }, `G${'A'.repeat(68)}`],
    [
      'a Zcash address of another version',
      { family: 'zcash' },
      base58check.encode(join(0x1c, 0x00, account)),
    ],
    [
      'a Byron address with something behind it',
      { family: 'cardano' },
      base58.encode(join(base58.decode(byron(bytesOf('ab'.repeat(32)))), 0)),
    ],
  ])('%s is not read', (_, asset, text) => {
    expect(read(text, asset)).toBeUndefined()
  })

  it('texts of Base32 have no bits left over, and zeros in Base58 are as many ones', () => {
    expect(['AA', 'AB', 'A', 'A1'].map(fromBase32)).toEqual([
      Uint8Array.of(0),
      undefined,
      undefined,
      undefined,
    ])
    expect(BITCOIN_BASE58.encode(new Uint8Array(3))).toBe('111')
    expect(BITCOIN_BASE58.decode('111')).toEqual(new Uint8Array(3))
  })
})

describe('tags in the text', () => {
  const R = 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'
  const RAW = `0:${'ab'.repeat(32)}`

  it.each([
    [XRP, R, R, undefined],
    [XRP, `${R}:7`, R, '7'],
    [XRP, `${R}:7:8`, R, '7:8'],
    [XRP, `${R}:`, R, undefined],
    [
      XRP,
      'X7AcgcsBL6XDcUb289X4mJ8djcdyKaGZMhc9YTE92ehJ2Fu',
      'r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59',
      '1',
    ],
    [{ family: 'ton' }, RAW, RAW, undefined],
    [{ family: 'ton' }, `${RAW}:memo`, RAW, 'memo'],
  ] as const)('%j reads %s', (asset, text, bare, tag) => {
    expect(readAddress(text, familyOf(asset))).toEqual({ bare, tag, hasTags: 'yes' })
  })

  it.each([
    [XRP, `${R}?dt=7`],
    [XRP, `:${R}`],
    [XRP, `7:${R}`],
    [XRP, ':'.repeat(100_000)],
    [EVM, `0x${'ab'.repeat(20)}?7`],
  ] as const)('%j does not read it elsewhere', (asset, text) => {
    expect(readAddress(text, familyOf(asset))).toBeUndefined()
  })

  it('is read on chains without tags, where it means nothing', () => {
    const address = `0x${'ab'.repeat(20)}`
    const found = readAddress(`${address}:7`, familyOf(EVM))
    expect(found).toEqual({ bare: address, tag: '7', hasTags: 'no' })
    expect(readAddress(`${address}:7`, undefined)).toEqual(found)
  })

  it('without a family only EVM is read by its form, and nothing with control characters', () => {
    const evm = { bare: `0x${'ab'.repeat(20)}`, tag: undefined, hasTags: 'no' }
    expect(readAddress(`0x${'AB'.repeat(20)}`, undefined)).toEqual(evm)
    expect(readAddress(`0x${'aB'.repeat(20)}`, undefined)).toBeUndefined()
    expect(readAddress('rX:7', undefined)).toEqual({
      bare: 'rX:7',
      tag: undefined,
      hasTags: 'perhaps',
    })
    expect(readAddress('rX\n7', undefined)).toBeUndefined()
  })
})

describe('listed addresses', () => {
  it.each([
    ['0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8', ['0x5dc69b1fbb13bafd09af88a782f0f285772ad5f8']],
    ['rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh', ['rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh\n']],
    ['rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh:7', ['rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh\n7']],
    ['rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh:*', ['rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh\n*']],
    ['rX:7', ['rX:7', 'rX\n7']],
    ['rX:*', ['rX', 'rX\n*']],
  ])('%s has the keys %j', (text, keys) => {
    const listed = listedKeys(text)
    expect(listed.problem).toBeUndefined()
    expect(listed.keys).toEqual(expect.arrayContaining(keys))
  })

  it.each([
    ['0x5DC69B1Fbb13Bafd09af88a782F0F285772Ad5f8', 'is no address'],
    ['0x5DC69B1Fbb13Bafd09af88a782F0F285772Ad5f8:7', 'is no address'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', 'is no address'],
    ['0x5d C6', 'no spaces'],
    ['rX*', 'patterns'],
    ['r?', 'patterns'],
  ])('%s can be none', (text, problem) => {
    expect(listedKeys(text).problem).toContain(problem)
  })

  it('what no chain has is compared as it is, with a doubt', () => {
    expect(listedKeys('Rx!')).toEqual({
      keys: ['Rx!'],
      doubt: '`Rx!` is no address of a known chain',
    })
    expect(listedKeys('BC1mukCgh6YJA6fJKizm9YN2B8zx6XnZwUaaaaaaaaaa').problem).toBeUndefined()
  })

  it('reads nothing of a family as of another that pays somebody else', () => {
    // The key of one family must not be another family's spelling of a different address.
    for (const [name, asset, spell] of FAMILIES) {
      for (const random of seeded(name, 20)) {
        const [text = ''] = spell(random)
        const key = familyOf(asset).read(text) ?? ''
        for (const other of LISTED_FAMILIES) {
          const again = other.read(text)
          if (again !== undefined && again === key) expect(other.read(key)).toBe(key)
        }
      }
    }
  })
})

function utxo(network: (typeof UTXO_NETWORKS)[number]): Asset {
  return { family: 'utxo', network }
}

/** 32 bytes each, the same for the same name unless the seed of all properties is changed. */
function* seeded(name: string, count: number): Generator<Uint8Array> {
  const seed = process.env['COUNTERSIGN_PROPERTY_SEED'] ?? '20261121'
  const head = seed === 'random' ? randomBytes(16).toString('hex') : seed
  for (let n = 0; n < count; n += 1) {
    yield Uint8Array.from(createHash('sha256').update(`${head} ${name} ${n}`).digest())
  }
}

function isOdd(bytes: Uint8Array): boolean {
  return (bytes[31] ?? 0) % 2 === 1
}

function check(random: Uint8Array, version: number): string {
  return base58check.encode(join(version, random.subarray(0, 20)))
}

function evmSpellings(bytes: Uint8Array): readonly string[] {
  const lower = hex(bytes)
  const spelled = ['', '300x', '310x'].map((head) => {
    const hash = hex(keccak_256(utf8ToBytes(head + lower)))
    return `0x${Array.from(lower, (digit, i) => (parseInt(hash.charAt(i), 16) >= 8 ? digit.toUpperCase() : digit)).join('')}`
  })
  return [...spelled, `0x${lower}`, `0x${lower.toUpperCase()}`, `xdc${lower}`]
}

function bitcoinSpellings(random: Uint8Array, prefix: string, key: number, script: number) {
  const coder = Address({ bech32: prefix, pubKeyHash: key, scriptHash: script, wif: 0x80 })
  const hash = random.subarray(0, 20)
  const kind = (random[30] ?? 0) % 4
  if (kind === 0) return [coder.encode({ type: 'pkh', hash })]
  if (kind === 1) return [coder.encode({ type: 'sh', hash })]
  const text = coder.encode(kind === 2 ? { type: 'wpkh', hash } : { type: 'wsh', hash: random })
  return [text, text.toUpperCase()]
}

function cashSpellings(random: Uint8Array, prefix: string, key: number, script: number) {
  const hash = random.subarray(0, 20)
  const isKey = isOdd(random)
  const [plain, tokens] = (isKey ? [0, 16] : [8, 24]).map((version) =>
    cashText(prefix, join(version, hash)),
  )
  const body = (plain ?? '').slice(prefix.length + 1)
  return [plain ?? '', body, body.toUpperCase(), tokens ?? '', check(hash, isKey ? key : script)]
}

/** By the specification, apart from the code under test: polynomial over 5-bit words. */
function cashText(prefix: string, program: Uint8Array): string {
  const words = bech32.toWords(program)
  const head = Array.from(prefix, (character) => character.charCodeAt(0) & 31)
  let c = 1n
  for (const word of [...head, 0, ...words, 0, 0, 0, 0, 0, 0, 0, 0]) {
    const top = c >> 35n
    c = ((c & 0x07ffffffffn) << 5n) ^ BigInt(word)
    const terms = [0x98f2bc8e61n, 0x79b76d99e2n, 0xf33e5fb3c4n, 0xae2eabe2a8n, 0x1e4f43e470n]
    for (const [bit, term] of terms.entries()) if ((top >> BigInt(bit)) & 1n) c ^= term
  }
  c ^= 1n
  const tail = Array.from({ length: 8 }, (_, i) => Number((c >> BigInt(5 * (7 - i))) & 31n))
  const letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
  return `${prefix}:${[...words, ...tail].map((word) => letters.charAt(word)).join('')}`
}

function bech32Spellings(prefix: string, bytes: Uint8Array): readonly string[] {
  const text = bech32.encode(prefix, bech32.toWords(bytes), false)
  return [text, text.toUpperCase()]
}

function doubleSha(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes)).subarray(0, 4)
}

function xrpAddress(random: Uint8Array): string {
  const body = join(0, random.subarray(0, 20))
  return base58xrp.encode(join(body, doubleSha(body)))
}

function xAddress(random: Uint8Array, tag: number | undefined): string {
  const tail = Buffer.alloc(9)
  if (tag !== undefined) tail.writeUInt8(1)
  if (tag !== undefined) tail.writeUInt32LE(tag, 1)
  const body = join(0x05, 0x44, random.subarray(0, 20), Uint8Array.from(tail))
  return base58xrp.encode(join(body, doubleSha(body)))
}

/** CRC-16/XMODEM by its definition, bit by bit over the whole message. */
function xmodem(bytes: Uint8Array): number {
  let register = 0
  for (const byte of [...bytes, 0, 0]) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      const out = register & 0x8000
      register = ((register << 1) | ((byte >> bit) & 1)) & 0xffff
      if (out !== 0) register ^= 0x1021
    }
  }
  return register
}

function strkey(payload: Uint8Array): string {
  const crc = xmodem(payload)
  return base32nopad.encode(join(payload, crc & 255, crc >> 8))
}

function tonSpellings(random: Uint8Array): readonly string[] {
  const workchain = isOdd(random) ? 0 : 255
  const friendly = [0x11, 0x51, 0x91, 0xd1].flatMap((flags) => {
    const body = join(flags, workchain, random)
    const crc = xmodem(body)
    const bytes = join(body, crc >> 8, crc & 255)
    return [base64url.encode(bytes), base64.encode(bytes)]
  })
  const raw = `${workchain === 0 ? '0' : '-1'}:${hex(random)}`
  return [raw, raw.toUpperCase(), ...friendly]
}

function byron(random: Uint8Array): string {
  const payload = join(0x83, 0x58, 0x1c, random.subarray(0, 28), 0xa0, 0x00)
  let crc = 0xffffffff
  for (const byte of payload) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(~crc >>> 0)
  const bytes = join(0x82, 0xd8, 0x18, 0x58, payload.length, payload, 0x1a, Uint8Array.from(sum))
  return base58.encode(bytes)
}

function eosName(random: Uint8Array): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz12345'
  return Array.from(random.subarray(0, 12), (byte) => letters.charAt(byte % 31)).join('')
}

function ss58(network: number, account: Uint8Array): string {
  const head =
    network < 64
      ? Uint8Array.of(network)
      : Uint8Array.of(
          ((network & 0b11111100) >> 2) | 0b01000000,
          (network >> 8) | ((network & 0b11) << 6),
        )
  const body = join(head, account)
  const sum = blake2b(join(utf8ToBytes('SS58PRE'), body), { dkLen: 64 }).subarray(0, 2)
  return base58.encode(join(body, sum))
}
