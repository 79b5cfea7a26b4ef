/** Waits for work, but not for ever. */
import type { After } from '../../common/clock.ts'

/** The work's outcome, or undefined when it takes longer than `ms`; the work itself goes on. */
export function within<T>(
  ms: number,
  work: Promise<T> | undefined,
  after: After,
): Promise<T | undefined> {
  if (work === undefined) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const cancel = after(Math.max(0, ms), () => resolve(undefined))
    work.then(
      (outcome) => {
        cancel()
        resolve(outcome)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}
