/** Why no decision could be made: each cause is answered with a signed RETRY and is never kept. */

/** Kept free at the end of the deadline for signing and sending, in milliseconds. */
export const MARGIN_MS = 250

/** Reserved rule ids of the RETRY for a fault. */
export type FaultRule = 'store-unavailable' | 'policy-error' | 'internal-error' | 'deadline'

/** What the co-signer is told: enough to find the fault in our log, nothing of how we are built. */
export const FAULT_REASON: Readonly<Record<FaultRule, string>> = {
  'store-unavailable': 'ERR_STORE_UNAVAILABLE',
  'policy-error': 'ERR_POLICY',
  'internal-error': 'ERR_INTERNAL',
  deadline: 'ERR_DEADLINE',
}

/** A step that could not do its work. */
export class Undecided extends Error {
  readonly rule: FaultRule

  constructor(rule: FaultRule, cause: unknown) {
    super(`no decision: ${rule}`, { cause })
    this.name = 'Undecided'
    this.rule = rule
  }
}

/** The store's promise, with its failure named. */
export async function fromStore<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw new Undecided('store-unavailable', cause)
  }
}
