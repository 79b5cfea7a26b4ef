import { describe, expect, it } from '@jest/globals'
import { assert, integer, nat, property } from 'fast-check'
import { createChaos, draw, drawOne, drawUuid, drawWithin, happens } from '../../emulator/chaos.ts'
import { CALM, turnKnobs } from '../../emulator/knobs.ts'

const numbers = (seed: number, stream: string, count = 50) => {
  const chaos = createChaos(seed)
  return Array.from({ length: count }, () => draw(chaos, stream))
}

describe('chance', () => {
  it('of one seed and stream is the same sequence, of another seed or stream it is not', () => {
    expect(numbers(42, 'a')).toEqual(numbers(42, 'a'))
    expect(numbers(42, 'a')).not.toEqual(numbers(43, 'a'))
    expect(numbers(42, 'a')).not.toEqual(numbers(42, 'b'))
  })

  it('of one stream does not depend on what other streams draw', () => {
    const chaos = createChaos(42)
    const mixed = Array.from({ length: 50 }, (_, at) => {
      for (let other = 0; other < at % 3; other += 1) draw(chaos, 'other')
      return draw(chaos, 'a')
    })
    expect(mixed).toEqual(numbers(42, 'a'))
  })

  it('is spread evenly enough for percentages to mean what they say', () => {
    assert(
      property(integer(), integer({ min: 1, max: 99 }), (seed, percent) => {
        const chaos = createChaos(seed, { ...CALM, LOST_REPLY_PCT: percent })
        const times = 4000
        let hits = 0
        for (let at = 0; at < times; at += 1) if (happens(chaos, 'LOST_REPLY_PCT')) hits += 1
        // Six standard deviations of a binomial.
        const deviation = Math.sqrt(times * (percent / 100) * (1 - percent / 100))
        expect(Math.abs(hits - (times * percent) / 100)).toBeLessThan(6 * deviation)
      }),
      { numRuns: 40, seed: 1 },
    )
  })

  it('draws nothing for a knob at 0, and always hits at 100', () => {
    const calm = createChaos(1)
    expect([happens(calm, 'HTTP_429_PCT'), calm.drawn.size]).toEqual([false, 0])
    const wild = createChaos(1, { ...CALM, HTTP_429_PCT: 100 })
    expect(Array.from({ length: 100 }, () => happens(wild, 'HTTP_429_PCT'))).not.toContain(false)
  })

  it('stays within a range, whole when the bounds are whole', () => {
    assert(
      property(integer(), integer(), nat(1e6), (seed, low, width) => {
        const value = drawWithin(createChaos(seed), 'a', [low, low + width])
        expect(value).toBeGreaterThanOrEqual(low)
        expect(value).toBeLessThanOrEqual(low + width)
        expect(Number.isInteger(value)).toBe(true)
      }),
    )
    expect(drawWithin(createChaos(1), 'a', 7)).toBe(7)
    expect(Number.isInteger(drawWithin(createChaos(1), 'a', [0, 0.5]))).toBe(false)
  })

  it('chooses every choice', () => {
    const chaos = createChaos(1)
    const chosen = Array.from({ length: 100 }, () => drawOne(chaos, 'a', ['x', 'y', 'z']))
    expect([...new Set(chosen)].toSorted()).toEqual(['x', 'y', 'z'])
  })

  it('makes version 4 UUIDs that do not repeat', () => {
    const chaos = createChaos(1)
    const ids = Array.from({ length: 20_000 }, () => drawUuid(chaos, 'id'))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

describe('the knobs', () => {
  it('are calm by default', () => {
    const faults = Object.entries(CALM).filter(
      ([name, value]) => (name.endsWith('_PCT') || name === 'SLOW_CLIENT') && value !== 0,
    )
    expect(faults).toEqual([])
    expect(CALM).toMatchObject({
      TORN_CONFIG: 'off',
      SWITCH_SKEW_MS: 0,
      HA_COSIGNERS: 1,
      STAGE_PAIR: false,
      STAGE_SPELLING: 'same',
      BATCH_LEGS: 1,
      APPROVAL_DELAY_S: null,
    })
  })

  it('keep what is not mentioned', () => {
    expect(turnKnobs({ ...CALM, HTTP_429_PCT: 5 }, { HTTP_5XX_PCT: 3 })).toEqual({
      ...CALM,
      HTTP_429_PCT: 5,
      HTTP_5XX_PCT: 3,
    })
  })

  it.each([
    [{ LOST_REPLY: 5 }, 'unknown knob `LOST_REPLY`'],
    [{ HTTP_5XX_PCT: 101 }, '`HTTP_5XX_PCT`'],
    [{ HTTP_5XX_PCT: '5' }, '`HTTP_5XX_PCT`'],
    [{ SWITCH_SKEW_MS: [5, -5] }, '`SWITCH_SKEW_MS`'],
    [{ APPROVAL_OUTCOME: 'maybe' }, '`APPROVAL_OUTCOME`'],
    [{ HA_COSIGNERS: 3 }, '`HA_COSIGNERS`'],
  ])('refuse %j', (change, message) => {
    expect(turnKnobs(CALM, change)).toEqual([expect.stringContaining(message)])
  })
})
