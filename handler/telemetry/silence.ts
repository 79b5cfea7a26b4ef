/**
 * Silence with a voice: an alarm, a notice and a metric when no callback came for longer than the operator expects. A
 * co-signer that is down, unpaired or sent elsewhere fails nothing here that anybody would see.
 */
import type { Clock } from '../../common/clock.ts'
import { formatDuration } from '../../common/duration.ts'
import type { Log } from '../../common/log.ts'

export interface Silence {
  /** A genuine callback was answered. */
  readonly heard: () => void
  /** Milliseconds since the last one, or since the start. */
  readonly forMs: () => number
  /** Whether that is longer than expected; never without a setting. */
  readonly isTooLong: () => boolean
  /** One line for `/readyz` and the status while it is. */
  readonly notice: () => string | undefined
  /** Raises the alarm once for each silence, and says when it is over. */
  readonly look: () => Promise<void>
}

/** `alarmMs`: undefined for no alarm. `alarm` counts one. */
export function watchSilence(
  alarmMs: number | undefined,
  clock: Clock,
  log: Log,
  alarm: () => void,
): Silence {
  let lastMs = clock.monotonicMs()
  let raised = false
  const forMs = () => clock.monotonicMs() - lastMs
  const isTooLong = () => alarmMs !== undefined && forMs() >= alarmMs
  const text = () => `no callback came for ${formatDuration(forMs())}`
  return {
    heard: () => {
      lastMs = clock.monotonicMs()
    },
    forMs,
    isTooLong,
    notice: () => (isTooLong() ? `silence: ${text()}` : undefined),
    look: async () => {
      const now = isTooLong()
      if (now === raised) return
      raised = now
      if (!now) return log.info({}, 'callbacks come again')
      alarm()
      log.error({ alarm: 'silence' }, text())
    },
  }
}
