/** Which rotations are made: every mode with every moment of the switch and every decision of people. */
import type { Context } from '../part.ts'

/** What people do with the request. `late`: they approve it after the operator has given it up. */
export const DECISIONS = ['approved', 'rejected', 'cancelled', 'never', 'late'] as const

export type Decision = (typeof DECISIONS)[number]

/** Order of the co-signer's switch and of COMPLETED in the API. */
export type Skew = 'before' | 'with' | 'after' | 'apart'

/** How one attempt of the co-signer mixes two configurations. */
export type Torn = 'old-url-new-key' | 'new-url-old-key'

export interface Rotation {
  readonly decision: Decision
  /** `apart`: two machines, each at a time of its own. */
  readonly skew: Skew
  /** Milliseconds between the switch and COMPLETED; of two machines, the most. */
  readonly skewMs: number
  readonly torn?: Torn
}

const SKEWS = ['before', 'with', 'after'] as const

/** The widest skew. */
export const WIDE_MS = 10_000

const NARROW_MS = 1_000

/** The rotations of one mode, in order; `at` is the number of the mode. */
export function rotationsOf(form: Context['form'], at: number): readonly Rotation[] {
  const skewed = (decision: Decision, skew: Skew, ms: number): Rotation => {
    return { decision, skew, skewMs: skew === 'with' ? 0 : ms }
  }
  if (form === 'short') return [skewed('approved', SKEWS[at % 3] ?? 'with', NARROW_MS)]
  const wide = form === 'full' ? WIDE_MS : NARROW_MS
  const matrix = SKEWS.flatMap((skew) => DECISIONS.map((decision) => skewed(decision, skew, wide)))
  const torn = (['old-url-new-key', 'new-url-old-key'] as const).map((how): Rotation => {
    return { ...skewed('approved', 'with', 0), torn: how }
  })
  const once = [...matrix, skewed('approved', 'apart', wide), ...torn]
  if (form === 'full') return once
  // The wide skew takes long: each mode meets it once, and the three modes together in each way.
  const sample = (['before', 'after', 'apart'] as const)[at % 3] ?? 'apart'
  return [...once, skewed('approved', sample, WIDE_MS)]
}

/** Whether the co-signer comes to use another generation. */
export function moves({ decision }: Rotation): boolean {
  return decision === 'approved' || decision === 'late'
}

/** After an approval the old generation is called until the last machine has switched, without a pause of seconds. */
export const APPROVED_DRAIN_S = 4

/**
 * How long the generation that is no longer needed must have been quiet, in seconds. After a refusal nobody calls it. A
 * late approval finds the abandoned generation only while it is served, so that one drains for longer than any approval
 * here takes, on the busiest machine. In the product the default is two hours.
 */
export function drainSeconds({ decision }: Rotation): number {
  return { approved: APPROVED_DRAIN_S, rejected: 1, cancelled: 1, never: 1, late: 240 }[decision]
}
