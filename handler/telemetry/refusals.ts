/** Under overload one line a second tells how many were turned away: a line for each would cost what decisions need. */
import type { After } from '../../common/clock.ts'
import type { RefusedEvent } from '../callback/ports.ts'
import { CallbackError } from '../protocol/errors.ts'

/** How long further refusals for want of capacity are only counted, in milliseconds. */
const COUNTED_MS = 1_000

/**
 * Passes every refusal on to `refused`, except that of `ERR_OVERLOADED` only the first in a second is told by itself;
 * `alsoRefused` hears how many more there were.
 */
export function refusals(
  refused: (event: RefusedEvent) => void,
  alsoRefused: (count: number) => void,
  after: After,
): (event: RefusedEvent) => void {
  let counting = false
  let count = 0
  const tell = () => {
    counting = false
    if (count > 0) alsoRefused(count)
    count = 0
  }
  return (event) => {
    const { error } = event
    if (!(error instanceof CallbackError) || error.code !== 'ERR_OVERLOADED') {
      refused(event)
    } else if (counting) {
      count += 1
    } else {
      refused(event)
      counting = true
      after(COUNTED_MS, tell)
    }
  }
}
