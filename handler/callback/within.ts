/** Waits for work, but not for ever. */
import type { After } from '../../common/clock.ts'

/** The work's outcome, or undefined when it takes longer than `ms`; the work itself goes on. */
export async function within<T>(
  ms: number,
  work: Promise<T> | undefined,
  after: After,
): Promise<T | undefined> {
  let cancel: (() => void) | undefined
  const late = new Promise<undefined>((resolve) => {
    cancel = after(Math.max(0, ms), () => resolve(undefined))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    cancel?.()
  }
}
