/** Whether callbacks should be sent here: every reason against it, found within a bounded time. */
import type { Clock, Sleep } from '../../common/clock.ts'
import { messageOf } from '../../common/errors.ts'

/** One thing that must work. */
export interface Check {
  readonly name: string
  /** Throws when it does not. */
  readonly run: () => Promise<void>
}

/** A check that takes longer counts as failed; results are kept for as long, so that asking often costs nothing. */
const LIMIT_MS = 1_000

/** Asks every check there is at the time; each problem is `<name>: <why>`, and the list is empty when all is well. */
export function createReadiness(
  checks: () => readonly Check[],
  clock: Clock,
  sleep: Sleep,
): () => Promise<readonly string[]> {
  let asked: Promise<readonly string[]> | undefined
  let askedMs = 0
  return () => {
    if (asked === undefined || clock.monotonicMs() - askedMs >= LIMIT_MS) {
      askedMs = clock.monotonicMs()
      asked = Promise.all(checks().map((check) => problemOf(check, sleep))).then((all) =>
        all.flat(),
      )
    }
    return asked
  }
}

async function problemOf({ name, run }: Check, sleep: Sleep): Promise<string[]> {
  const done = new AbortController()
  const late = sleep(LIMIT_MS, done.signal).then(() => `no answer within ${LIMIT_MS} ms`)
  const failed = run().then(() => undefined, messageOf)
  const problem = await Promise.race([failed, late])
  done.abort()
  return problem === undefined ? [] : [`${name}: ${problem}`]
}
