/** Bounds what is asked of a keystore, whatever it makes of the signal that it is given. */
import { type After, systemAfter } from '../../../common/clock.ts'
import { KeystoreError } from './keystore.ts'

export interface WithinOptions {
  /** What is said when the time is up. */
  readonly late: string
  /** Ends it before. */
  readonly signal?: AbortSignal | undefined
  readonly after?: After
}

/** Runs `work` until the time is up or the signal aborts. @throws KeystoreError then, and what `work` throws */
export async function within<T>(
  limitMs: number,
  { late, signal: outer, after = systemAfter }: WithinOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  const abort = () => ended.abort(new KeystoreError('it is not wanted any more'))
  const stop = after(limitMs, () => ended.abort(new KeystoreError(late)))
  outer?.addEventListener('abort', abort, { once: true })
  const over = new Promise<never>((_, reject) => {
    ended.signal.addEventListener('abort', () => reject(ended.signal.reason), { once: true })
  })
  over.catch(() => undefined)
  try {
    return await Promise.race([work(ended.signal), over])
  } finally {
    stop()
    outer?.removeEventListener('abort', abort)
  }
}
