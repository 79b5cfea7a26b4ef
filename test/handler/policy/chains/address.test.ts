import { describe, expect, it } from '@jest/globals'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import * as fc from 'fast-check'
import { earlierTexts, familyFor, shownKey } from '../../../../handler/policy/chains/address.ts'
import { isSameAddress } from '../../../../handler/policy/chains/same-address.ts'
import { parseEvmAddress } from '../../../../handler/policy/chains/evm-address.ts'
import { canonicalBech32 } from '../../../../handler/policy/chains/bech32.ts'
import { compileGlob, isGlob } from '../../../../handler/policy/compile/glob.ts'
import { policyOf } from '../policy.ts'

describe('parseEvmAddress', () => {
  // EIP-55, test cases.
  it.each([
    '0x52908400098527886E0F7030069857D2E4169EE7',
    '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
    '0xde709f2102306220921060314715629080e2fb77',
    '0x27b1fdb04752bbc536007a920d24acb045561c26',
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
    '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
    '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
  ])('takes %s as it is', (address) => {
    expect(parseEvmAddress(address)).toBe(address.toLowerCase())
  })

  it('forgets what it has checked, and checks again, when that becomes too much', () => {
    for (let n = 0; n < 5_000; n += 1) {
      const lower = n.toString(16).padStart(40, 'ab')
      const hash = bytesToHex(keccak_256(utf8ToBytes(lower)))
      const spelled = Array.from(lower, (digit, i) =>
        Number.parseInt(hash.charAt(i), 16) >= 8 ? digit.toUpperCase() : digit,
      ).join('')
      expect(parseEvmAddress(`0x${spelled}`)).toBe(`0x${lower}`)
      expect(parseEvmAddress(`0x${spelled}`)).toBe(`0x${lower}`)
    }
    expect(parseEvmAddress('0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed')).toBeUndefined()
  })

  it('refuses every other mixture of cases', () => {
    const good = '5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
    for (let i = 0; i < 40; i += 1) {
      const letter = good.charAt(i)
      const flipped = letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase()
      if (flipped === letter) continue
      expect(parseEvmAddress(`0x${good.slice(0, i)}${flipped}${good.slice(i + 1)}`)).toBeUndefined()
    }
  })
})

describe('isSameAddress', () => {
  const R = 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'

  it.each([
    ['anything and itself', 'x', 'x', 'ETH'],
    [
      'CashAddr without its prefix',
      'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
      'qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
      'BCH',
    ],
    [
      'the same where nothing is known of the asset',
      'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
      '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu',
      'NEW',
    ],
    [
      'TON that does not bounce',
      'EQBJZ1dAqs4JXqjY8RlfaxjeGnBxKG9XUqxwAy9HfxGmJl1t',
      'UQBJZ1dAqs4JXqjY8RlfaxjeGnBxKG9XUqxwAy9HfxGmJgCo',
      'TON',
    ],
    [
      'Litecoin scripts in both versions',
      'MJuSKwwYajAJUtkqby8EJF41q6rBwyqLUB',
      '3ChJ24XadcJsgPUwW68tUbocWQFjz9GHtF',
      'LTC',
    ],
    ['a tag in one of the texts', R, `${R}:12`, 'XRP'],
  ])('%s', (_name, left, right, asset) => {
    expect(isSameAddress(left, right, asset)).toBe(true)
    expect(isSameAddress(right, left, asset)).toBe(true)
  })

  it.each([
    ['two addresses', `0x${'ab'.repeat(20)}`, `0x${'cd'.repeat(20)}`, 'ETH'],
    ['two tags', `${R}:1`, `${R}:2`, 'XRP'],
    ['one that cannot be read', R, `${R}?dt=1`, 'XRP'],
    [
      'another spelling that the chain does not know',
      '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu',
      'qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
      'BTC',
    ],
  ])('not %s', (_name, left, right, asset) => {
    expect(isSameAddress(left, right, asset)).toBe(false)
    expect(isSameAddress(right, left, asset)).toBe(false)
  })
})

describe('shownKey', () => {
  it('shows a tag that is not known as such', () => {
    expect(shownKey('rX\n\n')).toBe('rX (tag unknown)')
    expect(shownKey('rX\n')).toBe('rX')
  })
})

describe('canonicalBech32', () => {
  // BIP-173 and BIP-350, test vectors.
  it.each([
    'A12UEL5L',
    'an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs',
    'abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw',
    '?1ezyfcl',
    'A1LQFN3A',
    'abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx',
    'split1checkupstagehandshakeupstreamerranterredcaperredlc445v',
    '?1v759aa',
  ])('takes %s', (text) => {
    expect(canonicalBech32(text)).toBe(text.toLowerCase())
  })

  it.each([
    '\u00201nwldj5',
    '\u007f1axkwrx',
    'pzry9x0s0muk',
    '1pzry9x0s0muk',
    'x1b4n0q5v',
    'li1dgmt3',
    'A1G7SGD8',
    '10a06t8',
    '1qzzfhee',
    'A12uEL5L',
    'de1lg7wt\u00ff',
    '',
  ])('refuses %j', (text) => {
    expect(canonicalBech32(text)).toBeUndefined()
  })
})

describe('compileGlob', () => {
  it('matches as the regular expression that says the same', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 8 })
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 12 })
    fc.assert(
      fc.property(letters, text, (pattern, value) => {
        const source = Array.from(pattern, (character) => {
          if (character === '*') return '[^]*'
          return character === '?' ? '[^]' : `[${character}]`
        }).join('')
        return compileGlob(pattern)(value) === new RegExp(`^${source}$`).test(value)
      }),
      { numRuns: 5000 },
    )
  })

  it('is not slowed down by patterns that make regular expressions explode', () => {
    const text = 'a'.repeat(200_000)
    const started = performance.now()
    expect(compileGlob('*a*a*a*a*a*a*a*a*a*b')(text)).toBe(false)
    expect(compileGlob('a*aaaaaaaaaab*a')(text)).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('knows a pattern from a text', () => {
    expect(['a*', 'a?', 'a.+'].map(isGlob)).toEqual([true, true, false])
  })
})

describe('texts that an earlier version kept apart', () => {
  const { addresses } = policyOf('rules: []')
  const earlier = (asset: string, text: string) =>
    earlierTexts(text, familyFor(addresses, asset)).toSorted()
  const LEGACY = '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu'
  const CASH = 'qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a'

  it('are the spellings of one hash, whichever is written', () => {
    expect(earlier('BCH', LEGACY)).toEqual([LEGACY, CASH].toSorted())
    expect(earlier('BCH', `bitcoincash:${CASH}`)).toEqual([LEGACY, CASH].toSorted())
    expect(earlier('BCH', 'bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq')).toEqual([
      '3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC',
      'ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq',
    ])
  })

  it('are none of an address that cannot be read, nor of one without other spellings', () => {
    expect(earlier('BCH', 'no address')).toEqual([])
    const witness = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    expect(earlier('BTC', witness)).toEqual([])
  })
})
