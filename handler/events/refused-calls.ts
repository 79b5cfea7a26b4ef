/** Deliveries that were answered bare: counted, and told together at most once in five minutes. They make no record. */
import type { Clock } from '../../common/clock.ts'
import type { RefusedEvent } from '../callback/ports.ts'
import { CallbackError } from '../protocol/errors.ts'
import type { OutgoingEvent } from './catalogue.ts'
import { eventId } from './from-record.ts'
import type { EventContext } from './from-record.ts'

/** The least time between two of these events, in milliseconds. */
const EVERY_MS = 5 * 60_000

/** Of no interest: our own probes, and whoever scans for other services. */
const LEFT_OUT: ReadonlySet<string> = new Set(['ERR_PROBE', 'ERR_NOT_FOUND'])

export interface RefusedCalls {
  readonly refused: (event: RefusedEvent) => void
  /** The event, when there is something to tell and the last one is long ago. */
  readonly due: () => OutgoingEvent | undefined
}

/** Counts from now on. */
export function createRefusedCalls({ storeId }: EventContext, clock: Clock): RefusedCalls {
  let counts = new Map<string, number>()
  let toldMs = Number.NEGATIVE_INFINITY
  return {
    refused({ error }) {
      const code = error instanceof CallbackError ? error.code : 'ERR_INTERNAL'
      if (!LEFT_OUT.has(code)) counts.set(code, (counts.get(code) ?? 0) + 1)
    },
    due() {
      const nowMs = clock.monotonicMs()
      if (counts.size === 0 || nowMs - toldMs < EVERY_MS) return undefined
      const now = clock.now()
      const codes = Array.from(counts, ([code, count]) => `${code} ${count}`).join(', ')
      counts = new Map()
      toldMs = nowMs
      return {
        id: eventId(storeId, `refused_${now.getTime()}`),
        type: 'callbacks.refused',
        time: now.toISOString(),
        key: '',
        text: `deliveries were refused: ${codes}`,
        data: { codes },
        details: {},
      }
    },
  }
}
