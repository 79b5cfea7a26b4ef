/** What people see who have signed in: figures as they are, drawn in proportion, and no text that becomes structure. */
import { describe, expect, it } from '@jest/globals'
import { holdBody } from '../../../handler/console/hold-page.ts'
import { overviewBody, type Overview } from '../../../handler/console/overview.ts'
import { latencyLines, stackedBars, timeLine } from '../../../handler/console/plots.ts'
import type { Action } from '../../../handler/protocol/endpoints.ts'

const NOW = new Date('2026-11-27T12:00:00Z')
const HOSTILE = '</bdi></td></table><h1>Approved</h1><script src="//evil.test">\u202e'
const iso = (ms: number) => new Date(NOW.getTime() + ms).toISOString()

const HOLD = {
  id: '3f9a4b1c2d5e6f70',
  state: 'waiting',
  summary: HOSTILE,
  approvals: [HOSTILE],
  approvalsWanted: 2,
  rejectedBy: null,
  openedAt: iso(-60_000),
  expiresAt: iso(3_600_000),
  retryUntil: iso(-1),
  fullLimits: [HOSTILE],
} as const

const GENERATION = {
  generation: 1,
  state: 'live',
  slot: 'A',
  url: '',
  publicKeyPem: '',
  certificatePem: '',
  kid: '',
  algorithm: 'RS256',
  oneKey: false,
  signer: HOSTILE,
  fingerprint: '',
  pin: '',
  notBefore: iso(0),
  notAfter: iso(86_400_000),
  createdAt: iso(0),
  hits: { total: 0, lastAt: null, bySigner: {} },
  retiredAt: undefined,
} as const

const POLICY = {
  digest: '9f'.repeat(32),
  at: NOW,
  defaultAction: 'REJECT',
  rules: [{ id: HOSTILE, action: 'RETRY', people: 2 }],
} as const

const stretch = (startMs: number, decisions: readonly [Action, string, number][] = []) => ({
  startMs: NOW.getTime() + startMs,
  decisions: decisions.map(([action, rule, count]) => ({ action, rule, count })),
  p50: decisions.length === 0 ? undefined : 4,
  p99: decisions.length === 0 ? undefined : 1_300,
})

const VIEW: Overview = {
  now: NOW,
  problems: [HOSTILE],
  notices: [HOSTILE],
  sinceMs: NOW.getTime() - 7_200_000,
  decided: new Map([['APPROVE', 1_234_567]]),
  refused: 3,
  alarms: new Map([['contradiction', 2]]),
  waiting: 1,
  span: '2h',
  stretches: [
    stretch(-120_000),
    stretch(-60_000, [
      ['APPROVE', 'small', 30],
      ['REJECT', HOSTILE, 10],
    ]),
  ],
  holds: [HOLD],
  limits: [
    {
      limit: HOSTILE,
      key: HOSTILE,
      count: 3,
      amount: '750',
      windowMs: 86_400_000,
      maxCount: 4,
      maxAmount: '1000',
    },
  ],
  generations: [GENERATION],
  policy: POLICY,
  shadow: { policy: POLICY, agreed: 5, differed: [{ live: HOSTILE, shadow: HOSTILE, count: 2 }] },
  chain: {
    head: { seq: 1_205, hash: 'ab'.repeat(32), timeMs: NOW.getTime() },
    checkpoint: { signs: 1_200, at: iso(-5_000) },
  },
}

/** Text without markup, white space collapsed. */
function wordsOf(page: { toString(): string }): string {
  return page
    .toString()
    .replaceAll('\u202f', '_')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

describe('the overview', () => {
  it('says how things stand', () => {
    const words = wordsOf(overviewBody(VIEW))
    for (const said of [
      'Callbacks should not be sent here; 1 request waits for people',
      'APPROVE 1_234_567',
      'Refused unread 3 Alarms 2 Alarms: contradiction 2',
      'APPROVE 30 REJECT 10 RETRY 0 IGNORE 0',
      '750 of 1000; 3 of 4 transactions in 24h',
      'Records 1_205',
      'up to record 1_200, at 2026-11-27 11:59:55 UTC',
      'Not signed yet 4',
      'Since the start it said the same 5 times, and something else 2 times',
      'held, 2 to release',
    ]) {
      expect(words).toContain(said)
    }
  })

  it('tells who does not see the plots what they show', () => {
    const page = overviewBody(VIEW).toString()
    for (const label of [
      'Decisions in the last two hours: 30 APPROVE, 10 REJECT, 0 RETRY, 0 IGNORE.',
      'Time to the answer in the last two hours: 99 % within 1.3 s at worst.',
      'Generations: 1 is live.',
    ]) {
      expect(page).toMatch(new RegExp(`role="img"\\s+aria-label="${label}"`))
    }
  })

  it('is as good without anything to show', () => {
    const empty = {
      ...VIEW,
      stretches: [stretch(0)],
      holds: [],
      limits: [],
      shadow: undefined,
      waiting: 0,
    }
    const chain = { ...VIEW.chain, checkpoint: undefined }
    const page = overviewBody({ ...empty, problems: [], notices: [], chain }).toString()
    expect(page).not.toMatch(/NaN|Infinity|undefined|null/)
    expect(wordsOf(page)).toContain('Nothing is held. ')
  })

  it.each([
    ['the overview', overviewBody(VIEW)],
    [
      'a hold',
      holdBody(
        {
          hold: HOLD,
          digest: '1f2e 3d4c 5b6a 7988 a7b6',
          sections: [{ title: 'Destination 1 of 1', rows: [{ name: HOSTILE, text: HOSTILE }] }],
        },
        NOW,
        'bob',
      ),
    ],
  ])('lets no text become structure: %s', (_, body) => {
    const page = body.toString()
    expect(page).not.toMatch(/<script|evil\.test">[^\\]|\u202e/)
    expect(page.match(/<h1/g)).toHaveLength(1)
    for (const name of ['table', 'td', 'bdi', 'dl', 'section']) {
      const [opened, closed] = [`<${name}[\\s>]`, `</${name}>`].map(
        (form) => page.match(new RegExp(form, 'g'))?.length ?? 0,
      )
      expect([name, opened]).toEqual([name, closed])
    }
  })
})

describe('a plot', () => {
  const axes = { label: 'x', times: [0, 60_000], isDays: false }

  it('draws counts in proportion, on top of each other', () => {
    const svg = stackedBars(
      [
        { name: 'APPROVE', values: [0, 30] },
        { name: 'REJECT', values: [0, 10] },
      ],
      axes,
    ).toString()
    const bars = [
      ...svg.matchAll(
        /class="bar (\w+)"\s+x="[\d.]+"\s+y="([\d.]+)"\s+width="[\d.]+"\s+height="([\d.]+)"/g,
      ),
    ]
    const [approve, reject] = bars.map(([, name, y, height]) => ({
      name,
      y: Number(y),
      height: Number(height),
    }))
    expect([bars.length, approve?.name, reject?.name]).toEqual([2, 'approve', 'reject'])
    expect((approve?.height ?? 0) / (reject?.height ?? 1)).toBeCloseTo(3, 1)
    expect((reject?.y ?? 0) + (reject?.height ?? 0)).toBeCloseTo(approve?.y ?? 0, 0)
  })

  it('leaves gaps where there was no answer', () => {
    const svg = latencyLines([{ name: 'p50', values: [undefined, 10] }], axes).toString()
    expect(svg.match(/<circle/g)).toHaveLength(1)
  })

  it('ends a period where it ended, and shows from when it was only kept', () => {
    const period = { name: 'g1', kind: 'live', fromMs: 0, toMs: 8e6, fadesMs: 4e6, marks: [] }
    const svg = timeLine([period], 8e6, 'x').toString()
    const widths = [...svg.matchAll(/class="period (\w+)"[^>]*width="([\d.]+)"/g)]
    expect(widths.map(([, kind]) => kind)).toEqual(['live', 'draining'])
    expect(Number(widths[0]?.[2])).toBeCloseTo(Number(widths[1]?.[2]), 0)
  })
})
