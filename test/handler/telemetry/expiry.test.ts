/** 4 days before `notAfter` nothing said a word: `/readyz` without notices, no log line, `check` ok. */
import { describe, expect, it } from '@jest/globals'
import { daily, dueMs, expiryNotices } from '../../../handler/telemetry/expiry.ts'

const DAY = 86_400_000
const NOW = new Date('2026-11-21T00:00:00Z')
const at = (days: number) => new Date(NOW.getTime() + days * DAY)

function generation(number: number, daysLeft: number, lifeDays = 365, more: object = {}) {
  return {
    generation: number,
    state: 'live' as const,
    fingerprint: `f${number}`,
    notBefore: at(daysLeft - lifeDays).toISOString(),
    notAfter: at(daysLeft).toISOString(),
    ...more,
  }
}

describe('a certificate is due', () => {
  it.each([
    [365, 31, false],
    [365, 30, true],
    [90, 30, true],
    [60, 21, false],
    [60, 20, true],
    [365, -1, true],
  ])('with a life of %i days and %i left: %s', (life, left, due) => {
    expect(dueMs({ notBefore: at(left - life), notAfter: at(left) }, NOW) !== undefined).toBe(due)
  })
})

describe('its notice', () => {
  it('says how long, which, and what to do; retired generations have none', () => {
    const served = [
      generation(1, 4),
      generation(2, 200),
      generation(3, 4, 365, { state: 'retired' }),
      generation(4, -7),
    ]
    expect(expiryNotices(served, false, NOW)).toEqual([
      'certificate of generation 1: expires in 4d, run `rotate`',
      'certificate of generation 4: expired on 2026-11-14, run `rotate`',
    ])
  })

  it('of a file is one for all generations, and does not send anybody to rotate', () => {
    const file = { fingerprint: 'file' }
    const served = [generation(1, 4, 90, file), generation(2, 4, 90, file)]
    expect(expiryNotices(served, true, NOW)).toEqual([
      'certificate file: expires in 4d, renew the file',
    ])
  })

  it('is logged once a day while its wording changes, and a new one at once', () => {
    const due = daily()
    expect(due(['a: expires in 4d'], NOW)).toEqual(['a: expires in 4d'])
    expect(due(['a: expires in 3d 23h', 'b: expired'], at(0.1))).toEqual(['b: expired'])
    expect(due(['a: expires in 3d', 'b: expired'], at(1))).toEqual(['a: expires in 3d'])
  })
})
