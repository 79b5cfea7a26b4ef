import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import {
  addDecimals,
  baseUnits,
  compareDecimals,
  formatDecimal,
  fromBaseUnits,
  parseDecimal,
} from '../../../handler/protocol/decimal.ts'
import type { Decimal } from '../../../handler/protocol/decimal.ts'

/** Any amount as it may stand in a request, trailing zeros included. */
const amounts = fc
  .tuple(
    fc.bigInt({ min: 0n, max: 10n ** 38n }),
    fc.bigInt({ min: 0n, max: 10n ** 30n }),
    fc.nat(30),
  )
  .map(([whole, fraction, places]) =>
    places === 0
      ? `${whole}`
      : `${whole}.${fraction.toString().padStart(places, '0').slice(-places)}`,
  )

function decimal(text: string): Decimal {
  const value = parseDecimal(text)
  if (value === undefined) throw new Error(`not an amount: ${text}`)
  return value
}

/** The value at 40 decimal places, computed by string arithmetic alone. */
function scaled(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(40, '0'))
}

describe('decimals', () => {
  it.each([
    ['0', { units: 0n, scale: 0 }],
    ['0.000', { units: 0n, scale: 0 }],
    ['10', { units: 10n, scale: 0 }],
    ['0.010000000000000000', { units: 1n, scale: 2 }],
    ['1.000000000000000005', { units: 1000000000000000005n, scale: 18 }],
    [`${2n ** 256n - 1n}`, { units: 2n ** 256n - 1n, scale: 0 }],
  ])('parse %s', (text, value) => {
    expect(parseDecimal(text)).toEqual(value)
  })

  it.each([
    '',
    '.',
    '-1',
    '+1',
    '01',
    '1.',
    '.1',
    '1e3',
    ' 1',
    '1\n',
    '1,0',
    '１',
    '0x1',
    '9'.repeat(79),
    `${'9'.repeat(40)}.${'9'.repeat(40)}`,
  ])('refuse %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined()
  })

  it('compare as numbers do, at any scale', () => {
    fc.assert(
      fc.property(amounts, amounts, (a, b) => {
        const order = scaled(a) < scaled(b) ? -1 : Number(scaled(a) > scaled(b))
        expect(Math.sign(compareDecimals(decimal(a), decimal(b)))).toBe(order)
      }),
    )
  })

  it('compare as equal whatever zeros they were written with', () => {
    expect(compareDecimals(decimal('0.10'), decimal('0.1'))).toBe(0)
  })

  it('are equal field by field when they are equal', () => {
    fc.assert(
      fc.property(amounts, fc.nat(5), (text, zeros) => {
        const padded = text.includes('.') ? text + '0'.repeat(zeros) : text
        expect(decimal(padded)).toEqual(decimal(text))
        expect(decimal(formatDecimal(decimal(text)))).toEqual(decimal(text))
      }),
    )
  })

  it('add without loss', () => {
    fc.assert(
      fc.property(amounts, amounts, (a, b) => {
        const sum = addDecimals(decimal(a), decimal(b))
        expect(scaled(formatDecimal(sum))).toBe(scaled(a) + scaled(b))
        expect(decimal(formatDecimal(sum))).toEqual(sum)
      }),
    )
    expect(addDecimals(decimal('0.1'), decimal('0.2'))).toEqual(decimal('0.3'))
  })

  it('become base units only when they are whole ones, and come back', () => {
    expect(baseUnits(decimal('0.01'), 18)).toBe(10n ** 16n)
    expect(baseUnits(decimal('0.000000001'), 8)).toBeUndefined()
    expect(fromBaseUnits(2598n, 8)).toEqual(decimal('0.00002598'))
    expect(fromBaseUnits(0n, 8)).toEqual(decimal('0'))
  })
})
