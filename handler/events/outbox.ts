/**
 * The outbox of one target: reads the chain from its cursor on, delivers what the target wants to hear, and remembers how
 * far it has come. Nothing waits for it.
 */
import type { Clock } from '../../common/clock.ts'
import { messageOf } from '../../common/errors.ts'
import type { FeedPage } from '../decisions/feed.ts'
import type { OutgoingEvent } from './catalogue.ts'
import type { CursorFile } from './cursor-file.ts'
import { eventOf } from './from-record.ts'
import type { EventContext } from './from-record.ts'
import { createQueue } from './queue.ts'
import type { Waiting } from './queue.ts'
import type { Target } from './targets.ts'

/** How a delivery, or an event as a whole, ended. */
export type EventOutcome = 'delivered' | 'failed' | 'given-up' | 'dropped'

export interface OutboxDeps {
  readonly target: Pick<Target, 'name' | 'events'>
  readonly cursor: CursorFile
  /** Number of the last record, where a new target begins. */
  readonly head: number
  readonly context: EventContext
  readonly feedAfter: (seq: number) => Promise<FeedPage>
  /** One attempt; rejects when the event was not delivered. */
  readonly send: (event: OutgoingEvent, stopped: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly log: {
    readonly warn: (fields: object, message: string) => void
    readonly error: (fields: object, message: string) => void
    readonly info: (fields: object, message: string) => void
  }
  readonly count: (target: string, outcome: EventOutcome) => void
}

export interface Outbox {
  readonly name: string
  /** Takes what is in no record; the oldest goes when too many wait. */
  tell(event: OutgoingEvent): void
  /** Comes round: looks for new records, for what is due, and writes the cursor. */
  readonly tick: () => Promise<void>
  readonly waiting: () => number
  /** Milliseconds that the oldest event has waited. */
  readonly oldestMs: () => number
  /** Breaks off what is under way, and writes the cursor. */
  readonly stop: () => Promise<void>
}

/** Opens the outbox of a target; nothing is delivered before the first tick. */
export function createOutbox(deps: OutboxDeps): Outbox {
  const { target, cursor, head, context, feedAfter, clock, log, count } = deps
  const { name } = target
  const queue = createQueue(cursor.position ?? { seq: head, done: [] })
  const stopped = new AbortController()
  const underWay = new Set<Promise<void>>()
  let saved = ''
  let isUnsaved = false
  let reading: Promise<void> | undefined
  let isBehind = false

  const deliver = async (waiting: Waiting) => {
    const { event } = waiting
    try {
      await deps.send(event, stopped.signal)
    } catch (error) {
      // What was broken off goes out again after the next start.
      if (stopped.signal.aborted) return
      const outcome = queue.failed(waiting, clock.monotonicMs())
      count(name, outcome === 'given-up' ? 'given-up' : 'failed')
      const fields = { target: name, event: event.id, type: event.type, detail: messageOf(error) }
      if (outcome === 'first') log.warn(fields, 'an event was not delivered, it is tried again')
      if (outcome === 'given-up') log.error(fields, 'an event is given up')
      return
    }
    count(name, 'delivered')
    const wasDown = queue.delivered(waiting, clock.monotonicMs())
    if (wasDown) log.info({ target: name }, 'events are delivered again')
  }
  const start = () => {
    while (!stopped.signal.aborted) {
      const waiting = queue.next(clock.monotonicMs())
      if (waiting === undefined) return
      const delivery = deliver(waiting).finally(() => {
        underWay.delete(delivery)
        start()
        if (isBehind && queue.isLow()) void read()
      })
      underWay.add(delivery)
    }
  }
  const readAll = async () => {
    while (queue.hasRoom() && !stopped.signal.aborted) {
      const page = await feedAfter(queue.readTo())
      const nowMs = clock.monotonicMs()
      let { upTo } = page
      for (const item of page.items) {
        if (!queue.hasRoom()) {
          upTo = item.seq - 1
          break
        }
        const event = eventOf(item, context)
        if (event !== undefined && target.events.has(event.type)) {
          queue.addRecord(event, item.seq, nowMs)
        }
      }
      queue.looked(upTo)
      isBehind = upTo < page.head
      start()
      if (!isBehind) return
    }
  }
  /** A store that cannot be read is asked again at the next tick. */
  const read = (): Promise<void> =>
    (reading ??= readAll()
      .catch(() => undefined)
      .finally(() => {
        reading = undefined
      }))
  const save = async () => {
    const position = queue.position()
    const text = JSON.stringify(position)
    if (text === saved) return
    try {
      await cursor.save(position)
      saved = text
      isUnsaved = false
    } catch (error) {
      if (!isUnsaved) {
        const fields = { target: name, detail: messageOf(error) }
        log.error(fields, 'how far events were delivered cannot be written')
      }
      isUnsaved = true
    }
  }

  return {
    name,
    tell(event) {
      if (!target.events.has(event.type) || stopped.signal.aborted) return
      if (queue.addLoose(event, clock.monotonicMs())) count(name, 'dropped')
      start()
    },
    async tick() {
      start()
      if (!isBehind || queue.isLow()) await read()
      await save()
    },
    waiting: queue.waiting,
    oldestMs: () => queue.oldestMs(clock.monotonicMs()),
    async stop() {
      stopped.abort()
      await reading
      await Promise.all(underWay)
      await save()
    },
  }
}
