/**
 * How much of the co-signer's patience each unanswered question has used. By default it asks 20 times, every 3 minutes,
 * and then fails the transaction (vendor: response object); somebody has to look before that.
 */
import type { DecidedEvent } from '../callback/ports.ts'

/** Tries after which the alarm is raised: two before the vendor's default of 20 are used up. */
export const ALARM_AT_TRIES = 18

/** The longest that the vendor's support can set; what has not come back by then will not. */
const FORGET_AFTER_MS = 48 * 60 * 60 * 1_000

/** Questions that are followed; beyond that the oldest are forgotten. */
const MAX_FOLLOWED = 10_000

export interface RetryBudget {
  /** Takes an answered delivery into account; true when it is the one at which to raise the alarm. */
  answered(event: DecidedEvent, now: Date): boolean
  /** Questions whose last answer was RETRY. */
  waiting(now: Date): number
  /** Most tries that any of them has used. */
  mostTries(now: Date): number
  /** Milliseconds since the first RETRY of the one that waits longest; 0 when none waits. */
  longestMs(now: Date): number
}

interface Waiting {
  tries: number
  readonly sinceMs: number
}

/** Counts in memory: after a restart the counts begin again, and an alarm comes later, never earlier. */
export function createRetryBudget(): RetryBudget {
  const questions = new Map<string, Waiting>()
  const current = (now: Date): Waiting[] => {
    for (const [key, { sinceMs }] of questions) {
      if (now.getTime() - sinceMs <= FORGET_AFTER_MS) break
      questions.delete(key)
    }
    return [...questions.values()]
  }
  return {
    answered(event, now) {
      const key = `${event.endpoint} ${event.stage} ${event.signerId} ${event.requestId}`
      if (event.action !== 'RETRY') {
        questions.delete(key)
        return false
      }
      const waiting = questions.get(key) ?? { tries: 0, sinceMs: now.getTime() }
      waiting.tries += 1
      questions.set(key, waiting)
      const [oldest] = questions.keys()
      if (questions.size > MAX_FOLLOWED && oldest !== undefined) questions.delete(oldest)
      return waiting.tries === ALARM_AT_TRIES
    },
    waiting: (now) => current(now).length,
    mostTries: (now) => current(now).reduce((most, { tries }) => Math.max(most, tries), 0),
    longestMs: (now) =>
      current(now).reduce((most, { sinceMs }) => Math.max(most, now.getTime() - sinceMs), 0),
  }
}
