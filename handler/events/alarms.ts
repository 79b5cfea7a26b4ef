/**
 * Alarms on their way into the chain. What a decision's record shows is there already; of the others one a second and
 * kind is recorded, and says how many there were besides.
 */
import type { After } from '../../common/clock.ts'
import type { AlarmEvent } from '../callback/ports.ts'
import type { AlarmContent } from '../decisions/record.ts'

/** How long further alarms of a kind are only counted, in milliseconds. */
const COUNTED_MS = 1_000

/** Told by the decision that they are about. */
const DECIDED: ReadonlySet<AlarmEvent['kind']> = new Set([
  'conflict',
  'contradiction',
  'uncertain',
  'stage-difference',
])

/** Told from memory: it is the store that fails. */
const UNRECORDED: ReadonlySet<AlarmEvent['kind']> = new Set(['store-unavailable'])

export type Alarm = Omit<AlarmContent, 'kind'>

/** Hears of each alarm; `record` puts one into the chain, `unrecorded` takes what cannot be put there. */
export function createAlarms(
  record: (alarm: Alarm) => Promise<void>,
  unrecorded: (alarm: Alarm) => void,
  after: After,
): (event: AlarmEvent) => void {
  const counting = new Map<string, { last: Alarm; count: number }>()
  const put = (alarm: Alarm, isRecorded: boolean) => {
    if (isRecorded) record(alarm).catch(() => unrecorded(alarm))
    else unrecorded(alarm)
  }
  return ({ kind, requestId, deliveryId }) => {
    if (DECIDED.has(kind)) return
    const isRecorded = !UNRECORDED.has(kind)
    const alarm = { alarm: kind, requestId, deliveryId, more: 0 }
    const counted = counting.get(kind)
    if (counted !== undefined) {
      counting.set(kind, { last: alarm, count: counted.count + 1 })
      return
    }
    const tellCounted = () => {
      const { last, count } = counting.get(kind) ?? { last: alarm, count: 0 }
      if (count === 0) counting.delete(kind)
      else tell({ ...last, more: count - 1 })
    }
    const tell = (told: Alarm) => {
      counting.set(kind, { last: told, count: 0 })
      put(told, isRecorded)
      after(COUNTED_MS, tellCounted)
    }
    tell(alarm)
  }
}
