/** Events: alarms become records, and targets are told of what the chain, the notices and the holds say. */
import { join } from 'node:path'
import { createAlarms, type Alarm } from '../events/alarms.ts'
import { isEventType, type OutgoingEvent } from '../events/catalogue.ts'
import { expiringEvents, noticeEvent, problemEvent } from '../events/conditions.ts'
import { openCursor } from '../events/cursor-file.ts'
import { alarmEvent, eventId, type EventContext } from '../events/from-record.ts'
import { createOutbox, type Outbox } from '../events/outbox.ts'
import { createRefusedCalls } from '../events/refused-calls.ts'
import { send } from '../events/send.ts'
import type { Target } from '../events/targets.ts'
import type { AlarmEvent, RefusedEvent } from '../callback/ports.ts'
import type { SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import type { After } from '../../common/clock.ts'
import { formatDuration } from '../../common/duration.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Process } from './process.ts'
import type { Chore } from './upkeep.ts'

/** How often the chain is looked at, and how often what lasts. */
const CHAIN_EVERY_MS = 1_000
const CONDITIONS_EVERY_MS = 10_000

/** A problem of `/readyz` is told when it is still there after so many looks more. */
const PROBLEM_LOOKS = 3

/** From when on a target that takes nothing is a notice, in milliseconds. */
const STUCK_MS = 10 * 60_000

/** Ids of what was told of that lasts; forgotten all at once when there are more. */
const MAX_TOLD = 1_000

export interface EventsParts {
  readonly targets: readonly Target[]
  readonly store: SqliteStore
  readonly metrics: Metrics
  /** Ends what only waits to be counted when the handler ends. */
  readonly after: After
  readonly fetch: typeof fetch
}

export interface Events {
  readonly alarm: (event: AlarmEvent) => void
  readonly refused: (event: RefusedEvent) => void
  readonly outboxes: readonly Outbox[]
  /** One line for each target that has taken nothing for long. */
  readonly notices: () => readonly string[]
  /** Work that comes round. */
  chores(sources: ConditionSources): readonly Chore[]
}

/** What lasts, as it is now. */
export interface ConditionSources {
  readonly problems: () => Promise<readonly string[]>
  readonly notices: () => readonly string[]
}

/** Opens an outbox for each target; nothing is delivered before the chores run. */
export async function openEvents(process: Process, parts: EventsParts): Promise<Events> {
  const { targets, store, after } = parts
  const { config, clock, closers } = process
  const { storeId } = store.opening
  const context: EventContext = { storeId, retryMs: config.cosignerRetryMs }
  const outboxes = targets.length === 0 ? [] : await openOutboxes(process, parts, context)
  closers.add(async () => {
    await Promise.all(outboxes.map((outbox) => outbox.stop()))
  })
  const tell = (event: OutgoingEvent) => outboxes.forEach((outbox) => outbox.tell(event))
  const tellAlarm = ({ alarm, requestId, deliveryId, more }: Alarm) => {
    const type = `alarm.${alarm}`
    if (!isEventType(type)) return
    const told = alarmEvent(type, requestId, deliveryId, more)
    const time = clock.now().toISOString()
    tell({ id: eventId(storeId, `${alarm}_${deliveryId}`), time, ...told })
  }
  const refused = createRefusedCalls(context, clock)
  return {
    alarm: createAlarms(store.recordAlarm, tellAlarm, after),
    refused: refused.refused,
    outboxes,
    notices: () =>
      outboxes.flatMap(({ name, oldestMs }) => {
        const ms = oldestMs()
        if (ms < STUCK_MS) return []
        return [`events ${name}: an event has waited for ${formatDuration(ms)}`]
      }),
    chores: (sources) => {
      if (outboxes.length === 0) return []
      const look = createConditions(sources, store, context, tell)
      return [
        ...outboxes.map(({ tick }) => ({ everyMs: CHAIN_EVERY_MS, run: tick })),
        {
          everyMs: CONDITIONS_EVERY_MS,
          run: async () => {
            const event = refused.due()
            if (event !== undefined) tell(event)
            await look(clock.now())
          },
        },
      ]
    },
  }
}

async function openOutboxes(
  { config, clock, after, logger }: Process,
  { targets, store, metrics, fetch }: EventsParts,
  context: EventContext,
): Promise<readonly Outbox[]> {
  const { storeId } = context
  const { head } = await store.feedAfter(Number.MAX_SAFE_INTEGER)
  return Promise.all(
    targets.map(async (target) => {
      const { name } = target
      const cursor = await openCursor(join(config.stateDir, 'events'), name, storeId, head)
      if (cursor.unusable) {
        logger.warn(
          { target: name },
          'its place in the chain is lost: events before now are not told',
        )
      }
      if (cursor.position === undefined) await cursor.save({ seq: head, done: [] })
      return createOutbox({
        target,
        cursor,
        head,
        context,
        feedAfter: store.feedAfter,
        send: (event, stopped) => send(target, event, stopped, { fetch, clock, after, storeId }),
        clock,
        log: {
          warn: (fields, message) => logger.warn(fields, message),
          error: (fields, message) => logger.error(fields, message),
          info: (fields, message) => logger.info(fields, message),
        },
        count: metrics.eventSent,
      })
    }),
  )
}

/** Looks at what lasts, and tells each once a day. */
function createConditions(
  { problems, notices }: ConditionSources,
  store: SqliteStore,
  context: EventContext,
  tell: (event: OutgoingEvent) => void,
): (now: Date) => Promise<void> {
  const told = new Set<string>()
  let seen = new Map<string, number>()
  const once = (event: OutgoingEvent | undefined) => {
    if (event === undefined || told.has(event.id)) return
    if (told.size >= MAX_TOLD) told.clear()
    told.add(event.id)
    tell(event)
  }
  return async (now) => {
    for (const notice of notices()) once(noticeEvent(notice, now, context))
    const found = await problems()
    const kinds = found.map((problem) => problem.split(':', 1)[0] ?? '')
    seen = new Map(kinds.map((kind) => [kind, (seen.get(kind) ?? 0) + 1]))
    for (const [at, problem] of found.entries()) {
      if ((seen.get(kinds[at] ?? '') ?? 0) > PROBLEM_LOOKS)
        once(problemEvent(problem, now, context))
    }
    const holds = await store.listHolds().catch(() => [])
    for (const event of expiringEvents(holds, now, context)) once(event)
  }
}
