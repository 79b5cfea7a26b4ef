/** Work that comes round: one task at a time, never two runs at once, and a failure is told and forgotten. */
import type { Sleep } from '../../common/clock.ts'

export interface Chore {
  readonly everyMs: number
  readonly run: () => Promise<void>
}

/** Starts the chores; returns what ends them, waiting for those that run. */
export function keepUp(
  chores: readonly Chore[],
  sleep: Sleep,
  failed: (error: unknown) => void,
): () => Promise<void> {
  const ended = new AbortController()
  const running = chores.map(async ({ everyMs, run }) => {
    for (;;) {
      await sleep(everyMs, ended.signal)
      if (ended.signal.aborted) return
      await run().catch(failed)
    }
  })
  return async () => {
    ended.abort()
    await Promise.all(running)
  }
}
