import { describe, expect, it } from '@jest/globals'
import {
  cpuTimes,
  foreignShare,
  parseBusy,
  parseFamily,
  parsePsTime,
  parseStat,
} from '../../bench/machine.ts'
import { met, renderReport, text } from '../../bench/report.ts'
import type { Figure } from '../../bench/report.ts'

const figure = (value: number, goal?: Figure['goal']): Figure => ({
  name: 'cost / floor',
  value,
  unit: '',
  ...(goal === undefined ? {} : { goal }),
})

describe('met', () => {
  it('includes the bound itself', () => {
    expect(met(figure(1.35, { atMost: 1.35 }))).toBe(true)
    expect(met(figure(1.36, { atMost: 1.35 }))).toBe(false)
    expect(met(figure(4, { atLeast: 4 }))).toBe(true)
    expect(met(figure(3.9, { atLeast: 4 }))).toBe(false)
  })

  it('is not met by what could not be measured, and unknown without a goal', () => {
    expect(met(figure(Number.NaN, { atMost: 1 }))).toBe(false)
    expect(met(figure(1))).toBeUndefined()
  })
})

describe('text', () => {
  it('keeps three significant digits', () => {
    expect([1.2345, 0.00123456, 12345.6, 99.99, Number.NaN].map(text)).toEqual([
      '1.23',
      '0.00123',
      '12,346',
      '100',
      '–',
    ])
  })
})

const RUN = {
  machine: {
    date: '2026-11-21',
    cores: 2,
    cpu: 'some CPU',
    platform: 'linux 6',
    node: '20.20.2',
    openssl: '3.0.19',
    loadBefore: 0.1,
  },
  how: 'npm run bench',
  seconds: 12.4,
}

describe('renderReport', () => {
  it('names the machine, counts the goals and aligns its tables', () => {
    const report = renderReport({
      ...RUN,
      sections: [
        {
          title: 'One',
          notes: ['Two cores.', 'All medians.'],
          columns: ['handler', 'CPU µs'],
          rows: [['floor', '280']],
          figures: [figure(1.2, { atMost: 1.35 }), figure(1)],
          foreignCpu: 0.0123,
        },
      ],
    })
    expect(report)
      .toBe(`Measured 2026-11-21 on 2 cores (some CPU, linux 6), Node 20.20.2, OpenSSL 3.0.19; \`npm run bench\`, 12 s.

Load average before the run: 0.1 (idle).

Trust ratios to the floor of the same run, not microseconds. CPU is the process time of all threads of the server.

Goals met: 1 of 1.

## One

Two cores. All medians.

| handler | CPU µs |
| ------- | ------ |
| floor   | 280    |

| figure       | value | goal   |     |
| ------------ | ----- | ------ | --- |
| cost / floor | 1.2   | ≤ 1.35 | met |
| cost / floor | 1     |        |     |

Other work used 1.23 % of the cores.
`)
  })

  it('says nothing about goals where other work used more than 5 % of the cores', () => {
    const section = { title: 'One', notes: [], columns: [], rows: [] }
    const figures = [figure(1.2, { atMost: 1.35 })]
    const report = renderReport({
      ...RUN,
      sections: [0.05, 0.051, undefined].map((foreignCpu) => ({ ...section, figures, foreignCpu })),
    })
    expect(report).toContain(
      'Goals met: 2 of 2; no verdict on 1, because other work used more than 5 % of the cores.',
    )
    expect(report.match(/\| (?:met|no verdict) +\|/g)).toEqual([
      expect.stringContaining('met'),
      expect.stringContaining('no verdict'),
      expect.stringContaining('met'),
    ])
  })
})

describe('CPU time of others', () => {
  it('is what ran on the machine and was not ours', () => {
    const before = { machineMs: 1_000, ownMs: 400, atMs: 0 }
    const after = { machineMs: 3_000, ownMs: 2_200, atMs: 2_000 }
    expect(foreignShare(before, after, 2)).toBe(0.05)
    expect(foreignShare(before, { ...after, ownMs: 9_000 }, 2)).toBe(0)
  })

  it('is read from /proc: the machine without its interrupts, a process with its children', () => {
    expect(parseBusy('cpu  10 20 30 4000 500 60 70 80 9 9\ncpu0 1 1 1 1\n')).toBe(140)
    expect(parseFamily('7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 7 3 20 0')).toBe(310)
  })

  it('leaves out what this process did', () => {
    const before = cpuTimes([], 0)
    const used = process.cpuUsage()
    while (process.cpuUsage(used).user < 200_000) Math.sqrt(2)
    const after = cpuTimes([], 1)
    const own = (after?.ownMs ?? 200) - (before?.ownMs ?? 0)
    expect(own).toBeGreaterThanOrEqual(180)
  })
})

describe('CPU time of a process', () => {
  it('is read from /proc although the name holds blanks and parentheses', () => {
    expect(parseStat('7 (a) b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0')).toBe(300)
  })

  it.each([
    ['00:01.50', 1_500],
    ['01:02:03', 3_723_000],
    ['2-00:00:01', 172_801_000],
  ])('is read from ps: %s', (time, ms) => {
    expect(parsePsTime(time)).toBe(ms)
  })
})
