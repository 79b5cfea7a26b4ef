import { expect, it } from '@jest/globals'
import {
  lacking,
  mismatch,
  proven,
  unverifiable,
  verified,
} from '../../../../handler/policy/rawtx/verdict.ts'

it('a proof that lacks more lacks it once, in one order; what is no proof stays as it is', () => {
  const partly = { status: 'unproven', unproven: ['fee', 'chain'], facts: {} }
  expect(lacking(verified(), ['fee'])).toEqual(proven(['fee']))
  expect(lacking(proven(['chain']), ['fee'])).toMatchObject({
    ...partly,
    unproven: expect.arrayContaining(['fee', 'chain']),
  })
  expect(lacking(proven(['chain']), ['fee'])).toEqual(lacking(proven(['fee']), ['chain', 'fee']))
  const other = mismatch('amount', '1', '2')
  expect(lacking(other, ['fee'])).toBe(other)
  const unknown = unverifiable('no bytes')
  expect(lacking(unknown, ['fee'])).toBe(unknown)
})
