import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { addressReadings, splitTag } from '../../../../handler/policy/chains/address-readings.ts'

const EVM = '0x52908400098527886E0F7030069857D2E4169EE7'
const CASH = 'bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy'
const TON = 'EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2'

/** True when two texts share a reading. */
function alike(left: string, right: string): boolean {
  const readings = addressReadings(right)
  return addressReadings(left).some((reading) => readings.includes(reading))
}

describe('addressReadings', () => {
  it.each([
    ['EVM in another case', EVM, EVM.toLowerCase()],
    ['EVM with a capital X', EVM, EVM.replace('0x', '0X')],
    ['EVM without its prefix', EVM, EVM.slice(2)],
    ['EVM as XDC spells it', EVM, `xdc${EVM.slice(2)}`],
    ['EVM with a blank behind it', EVM, `${EVM} `],
    [
      'an address with a tag',
      'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh',
      'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh:7',
    ],
    [
      'an address with a query',
      'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh',
      'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh?dt=7',
    ],
    ['CashAddr without its prefix', CASH, CASH.slice(12)],
    ['CashAddr in capitals', CASH, CASH.toUpperCase()],
    ['CashAddr and legacy', CASH, '1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR'],
    [
      'Litecoin scripts in both versions',
      'MLit9pjiFN8QKcjPVocU7dzeuF2yXTSu52',
      '3EWjqwKkJFGyX7TVPvd8HzkFaYSXTapAyC',
    ],
    ['TON that does not bounce', TON, 'UQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p9dz'],
    [
      'TON in its raw form',
      TON,
      '0:ed1691307050047117b998b561d8de82d31fbf84910ced6eb5fc92e7485ef8a7',
    ],
    [
      'TON of the masterchain',
      'Ef8zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM0vF',
      `-1:${'33'.repeat(32)}`,
    ],
    ['hex of 64 digits in capitals', `0x${'ab'.repeat(32)}`, `0x${'AB'.repeat(32)}`],
  ])('reads %s as the same', (_name, left, right) => {
    expect(alike(left, right)).toBe(true)
  })

  it.each([
    ['two EVM addresses', EVM, '0x5dC69B1Fbb13Bafd09af88a782F0F285772Ad5f8'],
    [
      'two Base58 addresses',
      '1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR',
      '1DpivPqJkLxbRwm4GpxXsNPKS29ou1NYdC',
    ],
    ['two TON accounts', TON, 'EQBmzW4wYlFW0tiBgj5sP1CgSlLdYs-VpjPWM7oPYPYWQBqW'],
    ['two names', 'alice.near', 'bob.near'],
  ])('tells %s apart', (_name, left, right) => {
    expect(alike(left, right)).toBe(false)
  })

  it('splits a tag off, but no prefix and no workchain', () => {
    expect(splitTag('rX:7')).toEqual({ address: 'rX', tag: '7' })
    expect(splitTag(CASH)).toBeUndefined()
    expect(splitTag(`0:${'ab'.repeat(32)}`)).toBeUndefined()
    expect(splitTag('rX')).toBeUndefined()
  })

  it('takes any text, and always reads it as itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        expect(addressReadings(text).length).toBeGreaterThan(0)
        expect(alike(text, text)).toBe(true)
      }),
    )
  })
})
