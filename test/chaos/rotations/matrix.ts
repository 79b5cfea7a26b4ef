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
  readonly torn?: Torn
}

const SKEWS = ['before', 'with', 'after'] as const

/** The rotations of one mode, in order. */
export function rotationsOf(form: Context['form'], at: number): readonly Rotation[] {
  if (form === 'short') return [{ decision: 'approved', skew: SKEWS[at % 3] ?? 'with' }]
  const matrix: Rotation[] = SKEWS.flatMap((skew) =>
    DECISIONS.map((decision) => ({ decision, skew })),
  )
  const twoMachines: Rotation = { decision: 'approved', skew: 'apart' }
  const torn = (['old-url-new-key', 'new-url-old-key'] as const).map((how): Rotation => {
    return { decision: 'approved', skew: 'with', torn: how }
  })
  const once = [...matrix, twoMachines, ...torn]
  return form === 'full' ? [...once, ...once] : once
}

/** Milliseconds between the switch and COMPLETED. */
export function skewMs(form: Context['form']): number {
  return form === 'full' ? 10_000 : 1_000
}
