/** The outbox of one target: how it reads the chain, and what it keeps over an end. */
import { describe, expect, it } from '@jest/globals'
import type { FeedItem, FeedPage } from '../../../handler/decisions/feed.ts'
import { EVENTS } from '../../../handler/events/catalogue.ts'
import type { EventType, OutgoingEvent } from '../../../handler/events/catalogue.ts'
import { createOutbox } from '../../../handler/events/outbox.ts'
import { MAX_WAITING } from '../../../handler/events/queue.ts'
import type { Position } from '../../../handler/events/queue.ts'
import { until } from '../../fixtures/until.ts'

const TIME = '2026-11-27T12:00:00.000Z'
const item = (seq: number): FeedItem => ({
  seq,
  body: {
    v: 1,
    time: TIME,
    kind: 'operator',
    act: 'accept-store',
    by: 'alice',
    subject: '',
    note: '',
  },
  hold: undefined,
})

interface Bench {
  /** Records in the chain; every one is told. */
  head: number
  send: (event: OutgoingEvent, stopped: AbortSignal) => Promise<void>
  feed: (seq: number) => Promise<FeedPage>
}

function bench(position?: Position) {
  const saved: Position[] = []
  const sent: number[] = []
  const logged: string[] = []
  const counts: string[] = []
  let looks = 0
  let nowMs = 0
  const parts: Bench = {
    head: 0,
    send: () => Promise.resolve(),
    feed: async (seq) => {
      looks += 1
      const count = Math.max(0, Math.min(200, parts.head - seq))
      const items = Array.from({ length: count }, (_, at) => item(seq + 1 + at))
      return { items, upTo: seq + count, head: parts.head }
    },
  }
  const log = (_fields: object, message: string) => void logged.push(message)
  const outbox = createOutbox({
    target: { name: 'ops', events: new Set(Object.keys(EVENTS) as EventType[]) },
    cursor: {
      position,
      unusable: false,
      save: async (at) => void saved.push(at),
    },
    head: 0,
    context: { storeId: 's', retryMs: 1 },
    feedAfter: (seq) => parts.feed(seq),
    send: async (event, stopped) => {
      await parts.send(event, stopped)
      sent.push(Number(event.data['seq']))
    },
    clock: { now: () => new Date(TIME), monotonicMs: () => nowMs },
    log: { warn: log, error: log, info: log },
    count: (_target, outcome) => void counts.push(outcome),
  })
  const later = async (ms: number) => {
    nowMs += ms
    await outbox.tick()
  }
  return { parts, outbox, saved, sent, logged, counts, looks: () => looks, later }
}

describe('an outbox', () => {
  it('delivers all there is, with few looks at the chain, and keeps its place', async () => {
    const { parts, outbox, sent, saved, looks, later } = bench()
    parts.head = 1_000
    await later(0)
    await until(() => sent.length === 1_000)
    expect(new Set(sent).size).toBe(1_000)
    expect(looks()).toBeLessThan(60)
    await later(1_000)
    expect(saved.at(-1)).toEqual({ seq: 1_000, done: [] })
    await outbox.stop()
  })

  it('keeps no more than 64 events in memory while its target is down', async () => {
    const { parts, outbox, looks, later, counts } = bench()
    parts.head = 1_000
    parts.send = () => Promise.reject(new Error('down'))
    for (let second = 0; second < 60; second += 1) await later(1_000)
    expect(outbox.waiting()).toBe(MAX_WAITING)
    expect(looks()).toBe(1)
    expect(counts.length).toBeLessThan(20)
  })

  it('breaks off what hangs when it stops, and goes on there after the next start', async () => {
    const first = bench()
    first.parts.head = 3
    first.parts.send = (event, stopped) =>
      event.data['seq'] === 2
        ? new Promise((_, reject) => stopped.addEventListener('abort', () => reject(new Error())))
        : Promise.resolve()
    await first.later(0)
    await until(() => first.sent.length === 2)
    await first.outbox.stop()
    expect(first.saved.at(-1)).toEqual({ seq: 1, done: [3] })
    expect(first.counts).toEqual(['delivered', 'delivered'])
    const second = bench(first.saved.at(-1))
    second.parts.head = 4
    await second.later(0)
    await until(() => second.sent.length === 2)
    expect(second.sent).toEqual([2, 4])
  })

  it('asks again when the store cannot be read, and takes nothing after its end', async () => {
    const { parts, outbox, sent, later } = bench()
    const { feed } = parts
    parts.head = 1
    parts.feed = () => Promise.reject(new Error('behind'))
    await later(0)
    parts.feed = feed
    await later(1_000)
    await until(() => sent.length === 1)
    await outbox.stop()
    outbox.tell({ ...EVENT, id: 'late' })
    expect(outbox.waiting()).toBe(0)
  })
})

const EVENT: OutgoingEvent = {
  id: 'x',
  type: 'notice',
  time: TIME,
  key: '',
  text: '',
  data: {},
  details: {},
}
