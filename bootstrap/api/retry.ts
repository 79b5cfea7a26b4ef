/** When to try again, as arithmetic: full-jitter backoff and the two forms of `Retry-After`. */

/** Bounds of one series of attempts, in milliseconds. */
export const BACKOFF = { firstMs: 1_000, maxMs: 60_000, retryAfterCapMs: 600_000 } as const

/**
 * Full jitter: a random wait between 0 and 1 s × 2^attempt, at most 60 s.
 *
 * @param attempt 0 for the wait after the first try
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(BACKOFF.maxMs, BACKOFF.firstMs * 2 ** attempt))
}

/**
 * `Retry-After` (RFC 9110 §10.2.3) in milliseconds from `now`, at most 10 minutes; undefined when
 * absent or unreadable.
 */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime()
  if (Number.isNaN(wait)) return undefined
  return Math.min(BACKOFF.retryAfterCapMs, Math.max(0, wait))
}

/**
 * The wait before the n-th poll of something that people decide: 1 s growing to 60 s, with ±20 %
 * jitter.
 */
export function pollMs(poll: number, random: number): number {
  return Math.round(Math.min(60_000, 1_000 * 1.5 ** poll) * (0.8 + 0.4 * random))
}
