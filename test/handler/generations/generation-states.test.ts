/** The life of generations, as a table of what pairings need and what becomes of it. */
import * as fc from 'fast-check'
import { describe, expect, it } from '@jest/globals'
import type { PairingNeeds } from '../../../common/admin-api.ts'
import {
  presentedIn,
  slotIsBusy,
  stateOf,
  withGeneration,
  withKeyDestroyed,
  withNeeds,
  withRetired,
} from '../../../handler/generations/generation-states.ts'
import type { RegistryState } from '../../../handler/generations/generation-states.ts'

const NOW = new Date('2026-11-01T12:00:00Z')

function registry(...slots: string[]): RegistryState {
  return slots.reduce<RegistryState>(
    (state, slot, index) => withGeneration(state, { generation: index + 1, slot }),
    { generations: [], pairings: {} },
  )
}

function needs(live: number | null, pending: number | null = null, drainMs = 1_000): PairingNeeds {
  return { live, pending, drainMs }
}

function lives(state: RegistryState) {
  return state.generations.map(({ generation }) => stateOf(state, generation))
}

describe('a generation', () => {
  it('is staged until somebody needs it, live or pending', () => {
    const fresh = registry('A', 'B')
    expect(lives(fresh)).toEqual(['staged', 'staged'])
    expect(lives(withNeeds(fresh, 'p', needs(null, 1), NOW))).toEqual(['live', 'staged'])
    expect(stateOf(fresh, 3)).toBeUndefined()
  })

  it('drains when the rotation is through, for as long as the pairing asks', () => {
    const both = withNeeds(registry('A', 'B'), 'p', needs(1, 2), NOW)
    const after = withNeeds(both, 'p', needs(2), NOW)
    expect(lives(after)).toEqual(['draining', 'live'])
    expect(after.generations[0]?.drain).toEqual({ since: NOW.toISOString(), quietMs: 1_000 })
  })

  it('drains when a rotation is refused, and the live one stays as it was', () => {
    const both = withNeeds(registry('A', 'B'), 'p', needs(1, 2), NOW)
    expect(lives(withNeeds(both, 'p', needs(1), NOW))).toEqual(['live', 'draining'])
  })

  it('is kept by any other pairing that needs it', () => {
    const two = withNeeds(withNeeds(registry('A', 'B'), 'p', needs(1), NOW), 'q', needs(1), NOW)
    const moved = withNeeds(two, 'p', needs(2), NOW)
    expect(lives(moved)).toEqual(['live', 'live'])
    expect(lives(withNeeds(moved, 'q', undefined, NOW))).toEqual(['draining', 'live'])
  })

  it('comes back to life while it drains, and drains anew afterwards', () => {
    const live = withNeeds(registry('A'), 'p', needs(1, null, 5_000), NOW)
    const gone = withNeeds(live, 'p', undefined, NOW)
    expect(gone.generations[0]?.drain?.quietMs).toBe(5_000)
    const back = withNeeds(gone, 'p', needs(1), NOW)
    expect([lives(back), back.generations[0]?.drain]).toEqual([['live'], undefined])
  })

  it('that nobody took is given up when a newer one goes live, and a newer one is not', () => {
    const state = withNeeds(registry('A', 'B', 'B'), 'p', needs(2), NOW)
    expect(lives(state)).toEqual(['draining', 'live', 'staged'])
  })

  it('never leaves retirement', () => {
    const retired = withRetired(registry('A'), 1, NOW)
    expect(lives(withNeeds(retired, 'p', needs(1), NOW))).toEqual(['retired'])
    const destroyed = withKeyDestroyed(retired, 1, NOW)
    expect(destroyed.generations[0]).toMatchObject({ keyDestroyedAt: NOW.toISOString() })
  })

  it('has a drain that no later declaration shortens', () => {
    const live = withNeeds(registry('A', 'B'), 'p', needs(1, null, 9_000), NOW)
    const draining = withNeeds(live, 'p', needs(2, null, 9_000), NOW)
    const later = withNeeds(draining, 'p', needs(2, null, 1), new Date(NOW.getTime() + 1))
    expect(later.generations[0]?.drain).toEqual(draining.generations[0]?.drain)
  })
})

describe('a slot', () => {
  it('is busy while what it presents is needed or drains, not while it is merely staged', () => {
    const staged = registry('A')
    expect(slotIsBusy(staged, 'A')).toBe(false)
    const live = withNeeds(staged, 'p', needs(1), NOW)
    expect([slotIsBusy(live, 'A'), slotIsBusy(live, 'B')]).toEqual([true, false])
    const draining = withNeeds(live, 'p', undefined, NOW)
    expect(slotIsBusy(draining, 'A')).toBe(true)
    expect(slotIsBusy(withRetired(draining, 1, NOW), 'A')).toBe(false)
  })

  const keys = (...pins: string[]) => pins.map((pin, index) => ({ generation: index + 1, pin }))

  it('presents the newest that is needed, before any that is only staged', () => {
    const state = withNeeds(registry('A', 'A', 'A'), 'p', needs(2), NOW)
    expect(presentedIn(state, 'A', keys('k1', 'k2', 'k3'))?.generation).toBe(2)
  })

  it('in a shared slot keeps presenting what is called, until the pairing names the other', () => {
    const shared = { live: 1, pending: 2, drainMs: 1000 }
    const waiting = withNeeds(registry('A', 'A'), 'p', shared, NOW)
    const loaded = keys('k1', 'k2')
    expect(presentedIn(waiting, 'A', loaded)?.generation).toBe(1)
    const switched = withNeeds(waiting, 'p', { ...shared, live: 2, pending: null }, NOW)
    expect(presentedIn(switched, 'A', loaded)?.generation).toBe(2)
  })

  it('presents a renewal of the same key at once', () => {
    const state = withNeeds(registry('A', 'A'), 'p', needs(1), NOW)
    expect(presentedIn(state, 'A', keys('k1', 'k1'))?.generation).toBe(2)
  })

  it('presents what drains, else what is staged, else what is retired, else nothing', () => {
    const live = withNeeds(registry('A', 'A'), 'p', needs(1), NOW)
    const draining = withNeeds(live, 'p', undefined, NOW)
    const loaded = keys('k1', 'k2')
    expect(presentedIn(draining, 'A', loaded)?.generation).toBe(1)
    const first = withRetired(draining, 1, NOW)
    expect(presentedIn(first, 'A', loaded)?.generation).toBe(2)
    expect(presentedIn(withRetired(first, 2, NOW), 'A', loaded)?.generation).toBe(2)
    expect(presentedIn(first, 'B', loaded)).toBeUndefined()
  })
})

it('whatever pairings declare, what is needed is live and what was retired stays so', () => {
  const step = fc.record({
    pairing: fc.constantFrom('p', 'q'),
    live: fc.option(fc.integer({ min: 1, max: 4 })),
    pending: fc.option(fc.integer({ min: 1, max: 4 })),
    gone: fc.boolean(),
    retire: fc.option(fc.integer({ min: 1, max: 4 })),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let state = registry('A', 'B', 'A', 'B')
      const retired = new Set<number>()
      for (const { pairing, live, pending, gone, retire } of steps) {
        state = withNeeds(state, pairing, gone ? undefined : needs(live, pending), NOW)
        if (retire !== null && stateOf(state, retire) === 'draining') {
          state = withRetired(state, retire, NOW)
          retired.add(retire)
        }
        for (const { generation } of state.generations) {
          expect(stateOf(state, generation) === 'retired').toBe(retired.has(generation))
        }
        const named = Object.values(state.pairings).flatMap((one) => [one.live, one.pending])
        for (const generation of named) {
          if (generation === null || retired.has(generation)) continue
          expect(stateOf(state, generation)).toBe('live')
        }
      }
    }),
    { numRuns: 300 },
  )
})
