/** A circuit breaker: a service that keeps failing is left alone for a while, then asked by one call at a time. */

export interface Breaker {
  /** Whether a call may go out; in the half-open state only one may, until its outcome is told. */
  readonly admits: (nowMs: number) => boolean
  readonly succeeded: () => void
  readonly failed: (nowMs: number) => void
  readonly isOpen: () => boolean
}

/** Consecutive failures that open it. */
export const FAILURES_TO_OPEN = 5

/** Milliseconds that it stays open before a probe. */
export const OPEN_MS = 10_000

/** Closed at first. */
export function createBreaker(): Breaker {
  let failures = 0
  let openUntilMs: number | undefined
  let probing = false
  return {
    admits(nowMs) {
      if (openUntilMs === undefined) return true
      if (nowMs < openUntilMs || probing) return false
      probing = true
      return true
    },
    succeeded() {
      failures = 0
      openUntilMs = undefined
      probing = false
    },
    failed(nowMs) {
      failures += 1
      probing = false
      if (failures >= FAILURES_TO_OPEN) openUntilMs = nowMs + OPEN_MS
    },
    isOpen: () => openUntilMs !== undefined,
  }
}
