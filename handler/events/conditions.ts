/** What lasts, as events: notices and problems of `/readyz`, and holds that end soon. Told anew each day while it lasts. */
import { sha256 } from '../protocol/digest.ts'
import type { Hold } from '../decisions/operations.ts'
import type { EventType, OutgoingEvent } from './catalogue.ts'
import { endOf, eventId } from './from-record.ts'
import type { EventContext } from './from-record.ts'

/** How long before the end of a hold people are told again, in milliseconds; a quarter of its time if that is shorter. */
const EXPIRING_MS = 15 * 60_000

/** First words of notices that have a type of their own. */
const TYPES: readonly (readonly [RegExp, EventType])[] = [
  [/^certificate/, 'certificate.due'],
  [/^(?:shadow )?policy/, 'policy.refused'],
  [/^silence/, 'silence'],
  [/^drift/, 'drift'],
]

/** What is told instead of notices that quote what other people wrote. */
const SHORT: Readonly<Partial<Record<EventType, string>>> = {
  'policy.refused': 'the file is refused',
  drift: 'what is paired is not what is served',
}

/** The event of a notice; undefined for a freeze, which has events of its own. */
export function noticeEvent(
  notice: string,
  now: Date,
  context: EventContext,
): OutgoingEvent | undefined {
  if (notice.startsWith('frozen')) return undefined
  const type = TYPES.find(([pattern]) => pattern.test(notice))?.[1] ?? 'notice'
  // Problems of a policy may quote it, addresses included; drift may name another's URL.
  const short = SHORT[type]
  if (short === undefined) return lasting(type, notice, notice, {}, now, context)
  return lasting(type, notice, `${subjectOf(notice)}: ${short}`, { notice }, now, context)
}

/** The event of a problem of `/readyz`. */
export function problemEvent(problem: string, now: Date, context: EventContext): OutgoingEvent {
  const type = problem.startsWith('store:') ? 'store.unavailable' : 'not-ready'
  return lasting(type, problem, `not ready: ${problem}`, {}, now, context)
}

/** Events of the waiting holds that end soon. */
export function expiringEvents(
  holds: readonly Hold[],
  now: Date,
  context: EventContext,
): readonly OutgoingEvent[] {
  return holds.flatMap((hold) => {
    const { id, state, summary, approved, terms, openedAt } = hold
    const endMs = endOf(hold, context.retryMs)
    const aheadMs = Math.min(EXPIRING_MS, (endMs - Date.parse(openedAt)) / 4)
    const leftMs = endMs - now.getTime()
    if (state !== 'waiting' || leftMs <= 0 || leftMs > aheadMs) return []
    const until = new Date(endMs).toISOString()
    return [
      {
        id: eventId(context.storeId, `expiring_${id}`),
        type: 'hold.expiring',
        time: now.toISOString(),
        key: id,
        text: `hold ${id} waits until ${until} only: ${approved} of ${terms.approvals} approved`,
        data: {
          hold: id,
          approvals: approved,
          approvalsWanted: terms.approvals,
          until,
        },
        details: { summary },
      },
    ]
  })
}

function subjectOf(line: string): string {
  return line.split(':', 1)[0] ?? ''
}

function lasting(
  type: EventType,
  line: string,
  text: string,
  details: OutgoingEvent['details'],
  now: Date,
  { storeId }: EventContext,
): OutgoingEvent {
  const subject = subjectOf(line)
  const day = now.toISOString().slice(0, 10)
  const unique = `${type}_${sha256(subject).slice(0, 12)}_${day}`
  const id = eventId(storeId, unique)
  return { id, type, time: now.toISOString(), key: '', text, data: { subject }, details }
}
