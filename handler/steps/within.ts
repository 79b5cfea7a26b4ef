/** Waits for work, but not for ever. */
import type { Sleep } from '../../common/clock.ts'

/** Given to `abort` so that it makes no error of its own, with a stack that nobody reads. */
const SETTLED = 'settled'

/** The work's outcome, or undefined when it takes longer than `ms`; the work itself goes on. */
export async function within<T>(
  ms: number,
  work: Promise<T> | undefined,
  sleep: Sleep,
): Promise<T | undefined> {
  const settled = new AbortController()
  try {
    const outcome = await Promise.race([work, sleep(Math.max(0, ms), settled.signal)])
    return outcome ?? undefined
  } finally {
    settled.abort(SETTLED)
  }
}
