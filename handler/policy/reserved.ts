/**
 * Decisions that no rule of a policy makes. Each has an id, under which it is recorded, logged and
 * counted and which no rule may take, and a reason, which the co-signer gets: enough to find the
 * cause in the log, nothing of how the handler is built.
 */
import type { Action } from '../protocol/endpoints.ts'
import type { Decision } from './decision.ts'

/** The ids in use, with their reasons. */
const REASONS = {
  default: 'no rule matched',
  uncertain: 'UNKNOWN_VALUES',
  malformed: 'MALFORMED',
  unreadable: 'ERR_UNREADABLE',
  contradiction: 'the request contradicts itself',
  'raw-tx': 'raw transaction contradicts the request',
  conflict: 'ERR_REQUEST_CONFLICT',
  freeze: 'FROZEN',
  'store-unavailable': 'ERR_STORE_UNAVAILABLE',
  'policy-error': 'ERR_POLICY',
  'internal-error': 'ERR_INTERNAL',
  deadline: 'ERR_DEADLINE',
} as const

export type ReservedRule = keyof typeof REASONS

/** Those of them that were reserved in version 0.1.0. */
const BEFORE: ReadonlySet<string> = new Set<ReservedRule>([
  'default',
  'malformed',
  'contradiction',
  'raw-tx',
  'conflict',
  'freeze',
  'deadline',
])

/** True for a reserved id that a rule of version 0.1.0 could have. */
export function isNewlyReserved(rule: string): boolean {
  return isReserved(rule) && !BEFORE.has(rule)
}

/** True for an id that a rule of a policy must not have. */
export function isReserved(rule: string): boolean {
  return Object.hasOwn(REASONS, rule)
}

/** The decision under a reserved id, with its own reason unless another is given. */
export function reserved<A extends Action>(
  action: A,
  rule: ReservedRule,
  reason: string = REASONS[rule],
): Decision & { readonly action: A } {
  return { action, rule, reason }
}
