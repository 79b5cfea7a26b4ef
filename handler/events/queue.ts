/**
 * What waits for one target: in which order, when again, and how far the chain is done with. No I/O; times are monotonic
 * milliseconds.
 */
import type { OutgoingEvent } from './catalogue.ts'

/** Events from the chain that may wait before no more is read, and others that may wait at all. */
export const MAX_WAITING = 64

/** Deliveries at a time; one while the target seems to be down. */
const AT_A_TIME = 4

/** Failures in a row from which a target seems to be down. */
const DOWN_AFTER = 3

/** Waits before the next attempt, in milliseconds: the first, doubled each time, and the longest. */
const EVENT_WAIT = { firstMs: 1_000, mostMs: 300_000 }
const TARGET_WAIT = { firstMs: 1_000, mostMs: 15_000 }

/** When an event is given up, in milliseconds since its first attempt; three days. */
export const GIVE_UP_MS = 3 * 86_400_000

/** Later events that were delivered past one that fails; with more it is given up. */
const MAX_PASSED = 1_000

export interface Waiting {
  readonly event: OutgoingEvent
  /** Number of its record; undefined for what is in no record. */
  readonly seq: number | undefined
  readonly sinceMs: number
  attempts: number
  dueMs: number
  busy: boolean
}

/** Where a target stands in the chain: done with everything up to `seq`, and with these after it. */
export interface Position {
  readonly seq: number
  readonly done: readonly number[]
}

export interface Queue {
  /** Adds the event of a record, unless it was delivered before. */
  addRecord(event: OutgoingEvent, seq: number, nowMs: number): void
  /** Adds what is in no record; true when the oldest of these had to go for it. */
  addLoose(event: OutgoingEvent, nowMs: number): boolean
  /** Records up to this one were looked at. */
  looked(upTo: number): void
  readonly readTo: () => number
  /** Whether another event of the chain may wait. */
  readonly hasRoom: () => boolean
  /** Whether so few wait that it pays to read on: each look costs the thread that writes decisions. */
  readonly isLow: () => boolean
  /** Begins the next delivery, if one is due. */
  next(nowMs: number): Waiting | undefined
  /** True when the target was down before. */
  delivered(waiting: Waiting, nowMs: number): boolean
  failed(waiting: Waiting, nowMs: number): 'first' | 'again' | 'given-up'
  readonly position: () => Position
  readonly waiting: () => number
  /** Milliseconds that the oldest has waited; 0 when none waits. */
  oldestMs(nowMs: number): number
}

/** Nothing waits; the chain is read from a position on. */
export function createQueue({ seq, done: known }: Position): Queue {
  const all: Waiting[] = []
  const done = new Set(known)
  let readTo = seq
  let failures = 0
  let restUntilMs = 0

  const ofChain = () => all.filter((each) => each.seq !== undefined).length
  const remove = (waiting: Waiting) => {
    all.splice(all.indexOf(waiting), 1)
    if (waiting.seq !== undefined) done.add(waiting.seq)
  }
  const cursor = (): number =>
    Math.min(readTo, ...all.flatMap((each) => (each.seq === undefined ? [] : [each.seq - 1])))
  const add = (event: OutgoingEvent, number: number | undefined, nowMs: number) => {
    all.push({ event, seq: number, sinceMs: nowMs, attempts: 0, dueMs: nowMs, busy: false })
  }
  const position = (): Position => {
    const at = cursor()
    for (const each of done) if (each <= at) done.delete(each)
    return { seq: at, done: [...done].toSorted((one, other) => one - other) }
  }

  return {
    addRecord(event, number, nowMs) {
      if (!done.has(number)) add(event, number, nowMs)
    },
    addLoose(event, nowMs) {
      const loose = all.filter((each) => each.seq === undefined)
      const oldest = loose.find(({ busy }) => !busy)
      const full = loose.length >= MAX_WAITING
      if (full && oldest !== undefined) remove(oldest)
      add(event, undefined, nowMs)
      return full
    },
    looked(upTo) {
      readTo = Math.max(readTo, upTo)
    },
    readTo: () => readTo,
    hasRoom: () => ofChain() < MAX_WAITING,
    isLow: () => ofChain() <= MAX_WAITING / 2,
    next(nowMs) {
      const most = failures >= DOWN_AFTER ? 1 : AT_A_TIME
      if (nowMs < restUntilMs || all.filter(({ busy }) => busy).length >= most) return undefined
      const keys = new Set<string>()
      for (const each of all) {
        const { key } = each.event
        if (!each.busy && each.dueMs <= nowMs && !keys.has(key)) {
          each.busy = true
          each.attempts += 1
          return each
        }
        if (key !== '') keys.add(key)
      }
      return undefined
    },
    delivered(waiting, nowMs) {
      const wasDown = failures >= DOWN_AFTER
      failures = 0
      restUntilMs = 0
      remove(waiting)
      if (wasDown) for (const each of all) each.dueMs = Math.min(each.dueMs, nowMs)
      return wasDown
    },
    failed(waiting, nowMs) {
      failures += 1
      waiting.busy = false
      if (failures >= DOWN_AFTER) restUntilMs = nowMs + waitOf(TARGET_WAIT, failures - DOWN_AFTER)
      const passed = waiting.seq === undefined ? 0 : position().done.length
      if (nowMs - waiting.sinceMs >= GIVE_UP_MS || passed > MAX_PASSED) {
        remove(waiting)
        return 'given-up'
      }
      waiting.dueMs = nowMs + waitOf(EVENT_WAIT, waiting.attempts - 1)
      return failures === 1 ? 'first' : 'again'
    },
    position,
    waiting: () => all.length,
    oldestMs: (nowMs) => all.reduce((most, { sinceMs }) => Math.max(most, nowMs - sinceMs), 0),
  }
}

function waitOf({ firstMs, mostMs }: typeof EVENT_WAIT, times: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(times, 20))
}
