/** One grammar for every duration that people write, and one way to print one. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { DURATION, durationMs, formatDuration } from '../../common/duration.ts'

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['90s', 90_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['2592000s', 2_592_000_000],
  ])('%s is %d ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })

  it.each(['', '0', '0s', '015m', '15', '-1s', '1.5h', '1h30m', '1w', '1 h', '1000000d', '1h\n'])(
    '%j is none',
    (text) => {
      expect([durationMs(text), DURATION.test(text)]).toEqual([Number.NaN, false])
    },
  )

  it('is a date away from now that exists, however large its number', () => {
    const texts = fc.stringMatching(DURATION)
    fc.assert(
      fc.property(texts, (text) => {
        const ms = durationMs(text)
        expect(Number.isSafeInteger(ms)).toBe(true)
        expect(() => new Date(Date.UTC(2026, 0) + ms).toISOString()).not.toThrow()
      }),
    )
  })

  it.each([
    [-5, '0s'],
    [400, '0s'],
    [90_000, '90s'],
    [150_000, '2m'],
    [5_400_000, '1h 30m'],
    [86_400_000, '24h'],
    [7 * 86_400_000, '7d'],
    [51 * 3_600_000, '2d 3h'],
  ])('of %d ms is printed as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})
