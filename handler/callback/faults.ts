/**
 * Work that breaks or takes too long: each cause has a name, is answered with a signed RETRY, and
 * is never kept.
 */
import type { After } from '../../common/clock.ts'
import { StoreError } from '../decisions/store-error.ts'
import type { ReservedRule } from '../policy/reserved.ts'

/** Kept free at the end of the deadline for signing and sending, in milliseconds. */
export const MARGIN_MS = 250

/** Reserved rule ids of the RETRY for a fault. */
export type FaultRule = Extract<
  ReservedRule,
  'store-unavailable' | 'policy-error' | 'internal-error' | 'deadline' | 'unreadable'
>

/** A step that could not do its work. */
export class Undecided extends Error {
  readonly rule: FaultRule

  constructor(rule: FaultRule, cause: unknown) {
    super(`no decision: ${rule}`, { cause })
    this.name = 'Undecided'
    this.rule = rule
  }
}

/** The outcome of asking the store; its failure becomes `Undecided`. */
export async function fromStore<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    const isUnread = cause instanceof StoreError && cause.code === 'ERR_STORE_NOT_COMPARED'
    throw new Undecided(isUnread ? 'unreadable' : 'store-unavailable', cause)
  }
}

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
