import { describe, expect, it } from '@jest/globals'
import { plannedArrivals } from '../../bench/load/arrivals.ts'
import { createLedger, goodput, recoveryMs } from '../../bench/load/ledger.ts'

const PHASES = [
  { perSecond: 8, seconds: 1 },
  { perSecond: 2, seconds: 1 },
]

describe('createLedger', () => {
  it('counts every planned request once, in the phase in which it was due', () => {
    const ledger = createLedger(PHASES, 100)
    const answered = (arrivalMs: number, nowMs: number, outcome: string) =>
      ledger.answered({ arrivalMs, sentMs: arrivalMs, nowMs }, outcome)
    for (const at of [0, 10, 20, 30, 40, 50, 60, 70, 1_500, 1_600]) ledger.offered(at)
    answered(0, 5, 'APPROVE')
    answered(10, 17, 'REJECT')
    answered(20, 60, 'RETRY')
    answered(30, 34, '503')
    answered(40, 141, 'APPROVE')
    ledger.blocked(50)
    ledger.failed()
    answered(70, 75, 'wrong')
    answered(1_500, 1_600, 'APPROVE')
    const { outcomes, phases, windows } = ledger.result()
    expect(outcomes).toEqual({ APPROVE: 3, REJECT: 1, RETRY: 1, '503': 1, failed: 1, wrong: 1 })
    expect(phases).toEqual([
      {
        offered: 8,
        good: 2,
        retried: 1,
        late: 1,
        shed: 1,
        blocked: 1,
        unanswered: 1,
        p50Ms: 5,
        p99Ms: 7,
        shedP99Ms: 4,
      },
      {
        offered: 2,
        good: 1,
        retried: 0,
        late: 0,
        shed: 0,
        blocked: 0,
        unanswered: 1,
        p50Ms: 100,
        p99Ms: 100,
        shedP99Ms: Number.NaN,
      },
    ])
    expect(windows.map(({ offered, good, decided }) => [offered, good, decided])).toEqual([
      [8, 2, 2],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [2, 1, 1],
    ])
  })
})

describe('recoveryMs', () => {
  const window = (good: number) => ({ offered: 100, good, decided: good })

  it('counts from the end of the overload to the first window after the last bad one', () => {
    const windows = [50, 50, 70, 99, 98, 100, 99].map(window)
    expect(recoveryMs(windows, 500)).toBe(750)
  })

  it('is zero when goodput was full at once', () => {
    expect(recoveryMs([50, 50, 100, 100].map(window), 500)).toBe(0)
  })

  it('is not a number when goodput never was full again', () => {
    expect(recoveryMs([100, 50].map(window), 0)).toBeNaN()
  })
})

describe('latency', () => {
  it('counts from when the request was sent, not from when the generator should have sent it', () => {
    const ledger = createLedger([{ perSecond: 1, seconds: 1 }], 100)
    ledger.offered(0)
    ledger.answered({ arrivalMs: 0, sentMs: 90, nowMs: 150 }, 'APPROVE')
    expect(ledger.result().phases[0]).toMatchObject({ good: 1, late: 0, p50Ms: 60 })
  })
})

describe('goodput', () => {
  it('counts decisions when they leave, per second of the whole windows in between', () => {
    const windows = [9, 10, 20, 30, 9].map((decided) => ({ offered: 0, good: 0, decided }))
    expect(goodput(windows, 250, 1_000)).toBe(80)
  })
})

describe('plannedArrivals', () => {
  it('gives about the rate of each phase, in order, the same every time', () => {
    const arrivals = plannedArrivals([
      { perSecond: 1_000, seconds: 2 },
      { perSecond: 100, seconds: 1 },
    ])
    expect(arrivals).toEqual(
      plannedArrivals([
        { perSecond: 1_000, seconds: 2 },
        { perSecond: 100, seconds: 1 },
      ]),
    )
    expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b))
    const first = arrivals.filter((at) => at < 2_000).length
    expect(Math.abs(first - 2_000)).toBeLessThan(150)
    expect(Math.abs(arrivals.length - first - 100)).toBeLessThan(35)
    expect(arrivals.every((at) => at > 0 && at < 3_000)).toBe(true)
  })
})
