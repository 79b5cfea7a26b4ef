/** The pace: measured over many jobs, and only while jobs wait. */
import { describe, expect, it } from '@jest/globals'
import { createPace } from '../../../handler/edge/pace.ts'

/** Finishes jobs one after the other, `everyMs` apart, and returns the time of the last. */
function run(
  pace: ReturnType<typeof createPace>,
  jobs: number,
  everyMs: number,
  fromMs = 0,
): number {
  for (let job = 1; job <= jobs; job += 1) pace.finished(fromMs + job * everyMs, true)
  return fromMs + jobs * everyMs
}

describe('the pace', () => {
  it('follows what jobs take, within some thousands of them', () => {
    const pace = createPace()
    run(pace, 9_000, 4)
    expect(pace.ms).toBeCloseTo(4, 1)
  })

  it('is the same for jobs that finish together as for jobs that finish evenly', () => {
    const pace = createPace()
    for (let batch = 1; batch <= 600; batch += 1) {
      for (let job = 0; job < 16; job += 1) pace.finished(batch * 32, true)
    }
    expect(pace.ms).toBeGreaterThan(1.9)
    expect(pace.ms).toBeLessThan(2.1)
  })

  it('is hardly moved by one stall: a second more is a millisecond per job', () => {
    const pace = createPace()
    const atMs = run(pace, 9_000, 1)
    pace.finished(atMs + 1_001, true)
    expect(pace.ms).toBeCloseTo(2, 1)
  })

  it('does not count the time in which nothing waits', () => {
    const pace = createPace()
    const before = pace.ms
    pace.finished(1, false)
    pace.finished(60_000, false)
    expect(pace.ms).toBe(before)
  })
})
