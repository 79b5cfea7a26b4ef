/** What waits for a target: order, waits, and how far the chain is done with. */
import { describe, expect, it } from '@jest/globals'
import type { OutgoingEvent } from '../../../handler/events/catalogue.ts'
import { createQueue, GIVE_UP_MS, MAX_WAITING } from '../../../handler/events/queue.ts'
import type { Queue, Waiting } from '../../../handler/events/queue.ts'

const event = (id: string, key = ''): OutgoingEvent => ({
  id,
  type: 'hold.opened',
  time: '2026-11-27T00:00:00.000Z',
  key,
  text: '',
  data: {},
  details: {},
})

function from(seq = 0, done: number[] = []): Queue {
  return createQueue({ seq, done })
}

/** Begins the next delivery. */
function begin(queue: Queue, nowMs: number): Waiting {
  const waiting = queue.next(nowMs)
  if (waiting === undefined) throw new Error('nothing is due')
  return waiting
}

const idsOf = (queue: Queue, nowMs: number) =>
  Array.from({ length: 10 }, () => queue.next(nowMs)?.event.id).filter((id) => id !== undefined)

describe('the order', () => {
  it('keeps events of one key behind each other, and lets others pass', () => {
    const queue = from()
    queue.addRecord(event('a1', 'a'), 1, 0)
    queue.addRecord(event('a2', 'a'), 2, 0)
    queue.addRecord(event('b1', 'b'), 3, 0)
    const first = begin(queue, 0)
    expect(first.event.id).toBe('a1')
    expect(idsOf(queue, 0)).toEqual(['b1'])
    queue.failed(first, 0)
    expect(idsOf(queue, 999)).toEqual([])
    const again = begin(queue, 1_000)
    expect(again.event.id).toBe('a1')
    queue.delivered(again, 1_000)
    expect(idsOf(queue, 1_000)).toEqual(['a2'])
  })

  it('makes four deliveries at a time', () => {
    const queue = from()
    for (let seq = 1; seq <= 9; seq += 1) queue.addRecord(event(`e${seq}`), seq, 0)
    expect(idsOf(queue, 0)).toEqual(['e1', 'e2', 'e3', 'e4'])
  })
})

describe('an event that fails', () => {
  it('is tried again after 1 s, doubled up to five minutes, and given up after three days', () => {
    const queue = from()
    queue.addRecord(event('poison'), 1, 0)
    let nowMs = 0
    const waits: number[] = []
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const waiting = begin(queue, nowMs)
      expect(queue.failed(waiting, nowMs)).toBe(attempt === 0 ? 'first' : 'again')
      waits.push(waiting.dueMs - nowMs)
      nowMs = waiting.dueMs + 60_000
    }
    expect(waits.map((ms) => ms / 1_000)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
    expect(queue.failed(begin(queue, GIVE_UP_MS), GIVE_UP_MS)).toBe('given-up')
    expect(queue.waiting()).toBe(0)
  })

  it('holds up no other, and is given up when a thousand others went past it', () => {
    const queue = from()
    queue.addRecord(event('poison'), 1, 0)
    queue.failed(begin(queue, 0), 0)
    for (let seq = 2; seq <= 1_002; seq += 1) {
      queue.addRecord(event(`e${seq}`), seq, 10)
      queue.delivered(begin(queue, 10), 10)
    }
    queue.looked(1_002)
    expect(queue.position().seq).toBe(0)
    expect(queue.position().done).toHaveLength(1_001)
    expect(queue.failed(begin(queue, 5_000), 5_000)).toBe('given-up')
    expect(queue.position()).toEqual({ seq: 1_002, done: [] })
  })
})

describe('a target that is down', () => {
  it('is asked with one event at a time, ever more rarely, and woken by the first success', () => {
    const queue = from()
    for (let seq = 1; seq <= 6; seq += 1) queue.addRecord(event(`e${seq}`), seq, 0)
    const begun = [begin(queue, 0), begin(queue, 0), begin(queue, 0), begin(queue, 0)]
    for (const waiting of begun) queue.failed(waiting, 0)
    // Four failures: it rests for two seconds.
    expect(queue.next(1_999)).toBeUndefined()
    const probe = begin(queue, 2_000)
    expect(queue.next(2_000)).toBeUndefined()
    expect(queue.delivered(probe, 2_000)).toBe(true)
    expect(idsOf(queue, 2_000)).toHaveLength(4)
  })
})

describe('the position', () => {
  it('is before the first that waits, with those that are done after it', () => {
    const queue = from(10)
    for (const seq of [11, 14, 17]) queue.addRecord(event(`e${seq}`), seq, 0)
    queue.looked(20)
    expect(queue.position()).toEqual({ seq: 10, done: [] })
    const [first, second] = [begin(queue, 0), begin(queue, 0)]
    queue.delivered(second, 0)
    expect(queue.position()).toEqual({ seq: 10, done: [14] })
    queue.delivered(first, 0)
    expect(queue.position()).toEqual({ seq: 16, done: [] })
    queue.delivered(begin(queue, 0), 0)
    expect(queue.position()).toEqual({ seq: 20, done: [] })
  })

  it('makes nothing that was done go out again', () => {
    const queue = from(10, [14])
    for (const seq of [11, 14]) queue.addRecord(event(`e${seq}`), seq, 0)
    expect(idsOf(queue, 0)).toEqual(['e11'])
  })
})

describe('how much waits', () => {
  it('is bounded: no more is read, and of what is in no record the oldest goes', () => {
    const queue = from()
    for (let n = 1; n <= MAX_WAITING; n += 1) {
      expect(queue.hasRoom()).toBe(true)
      queue.addRecord(event(`r${n}`), n, 0)
      expect(queue.addLoose(event(`l${n}`), n)).toBe(false)
    }
    expect([queue.hasRoom(), queue.isLow()]).toEqual([false, false])
    expect(queue.addLoose(event('late'), 70)).toBe(true)
    expect(queue.waiting()).toBe(2 * MAX_WAITING)
    expect(queue.oldestMs(100)).toBe(100)
    // What is in no record moves no position.
    expect(queue.position()).toEqual({ seq: 0, done: [] })
  })
})
