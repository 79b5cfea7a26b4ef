/** Long work on an event loop that serves: it stops after a few milliseconds, and whatever waits comes first. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../common/clock.ts'
import type { Steps } from '../policy/steps.ts'

/** One callback takes about ten turns of the loop, each of which may wait for one slice. */
const SLICE_MS = 2

/** Takes the steps in slices. */
export async function inSlices<T>(steps: Steps<T>, clock: Clock): Promise<T> {
  for (;;) {
    const until = clock.monotonicMs() + SLICE_MS
    do {
      const step = steps.next()
      if (step.done === true) return step.value
    } while (clock.monotonicMs() < until)
    await setImmediate()
  }
}
