import { describe, expect, it } from '@jest/globals'
import { inSlices } from '../../../handler/policy-files/slices.ts'
import { allSteps } from '../../../handler/policy/steps.ts'
import type { Steps } from '../../../handler/policy/steps.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'

describe('work in slices', () => {
  it('lets the loop turn after every two milliseconds, and gives the result', async () => {
    const clock = settableClock()
    let turns = 0
    let running = true
    const turn = () => {
      turns += 1
      if (running) setImmediate(turn)
    }
    setImmediate(turn)
    const seen: number[] = []
    function* work(): Steps<string> {
      for (let step = 0; step < 6; step += 1) {
        seen.push(turns)
        clock.advance(1)
        yield
      }
      return 'done'
    }
    expect(await inSlices(work(), clock)).toBe('done')
    running = false
    expect(seen).toEqual([0, 0, 1, 1, 2, 2])
  })

  it('throws what the work throws', async () => {
    function* work(): Steps<void> {
      yield
      throw new Error('a bug')
    }
    await expect(inSlices(work(), settableClock())).rejects.toThrow('a bug')
    expect(() => allSteps(work())).toThrow('a bug')
  })
})
