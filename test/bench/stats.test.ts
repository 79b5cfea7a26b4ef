import { describe, expect, it } from '@jest/globals'
import { median, quantile, slope, spread } from '../../bench/stats.ts'

describe('quantile', () => {
  it('takes the nearest rank, so that the result is one of the values', () => {
    const values = [5, 1, 4, 2, 3]
    expect([0, 0.2, 0.5, 0.99, 1].map((q) => quantile(values, q))).toEqual([1, 1, 3, 5, 5])
  })

  it('is not a number when nothing was measured', () => {
    expect(quantile([], 0.5)).toBeNaN()
  })
})

describe('median', () => {
  it('is the middle of an odd and the mean of the two middle values of an even number', () => {
    expect([median([9, 1, 5]), median([9, 1, 5, 7])]).toEqual([5, 6])
  })

  it('is not a number when nothing was measured', () => {
    expect(median([])).toBeNaN()
  })
})

describe('spread', () => {
  it('is half of the range relative to the median', () => {
    expect(spread([8, 10, 12])).toBe(0.2)
  })
})

describe('slope', () => {
  it('finds a steady growth although one sample is far off', () => {
    const samples = Array.from({ length: 20 }, (_, at) => ({
      at,
      value: at === 7 ? 900 : 100 + 3 * at,
    }))
    expect(slope(samples)).toBe(3)
  })

  it('is zero for one sample, and for samples of one instant', () => {
    expect([
      slope([{ at: 1, value: 5 }]),
      slope([
        { at: 1, value: 5 },
        { at: 1, value: 9 },
      ]),
    ]).toEqual([0, 0])
  })
})
