/** A decision and its reasons: what the policy says, before anything is recorded or signed. */
import type { Action } from '../protocol/endpoints.ts'
import type { PeopleTerms } from './approvals/people.ts'

/** Our action with the rule that determined it. `rule` is never empty: `default` when no rule matched. */
export interface Decision {
  readonly action: Action
  /** Id of the deciding rule, or a reserved id where no rule of the policy decided. */
  readonly rule: string
  /** Short code or sentence; goes into `rejectionReason`, so it names no limit, list or other secret of the policy. */
  readonly reason: string
}

/** Spends part of a rolling limit when the decision is recorded; in the same database transaction. */
export interface LimitCharge {
  /** Name of the limit in the policy. */
  readonly limit: string
  /** Canonical text of the values that the limit is kept by, e.g. `asset=ETH|source=VAULT:0`. */
  readonly key: string
  readonly windowMs: number
  /** Inclusive bounds over the window, this charge included; undefined = not bounded. */
  readonly maxCount: number | undefined
  /** Amounts are exact decimals as `units / 10^scale`. */
  readonly amount: { readonly units: bigint; readonly scale: number } | undefined
  readonly maxAmount: { readonly units: bigint; readonly scale: number } | undefined
  /**
   * The key is one that another request of the transaction, or version 0.1.0, may have been charged under: it is charged only
   * while something there still counts.
   */
  readonly onlyIfSpent?: true
  /** The decision instead, when the limit would be exceeded. */
  readonly otherwise: Decision
}

/** Uses something up that may serve one transaction only (an extra signature, a release from hold). */
export interface SingleUse {
  /** Globally unique name, e.g. `statement:<digest>`. */
  readonly name: string
  /** The decision instead, when another transaction has used it. */
  readonly otherwise: Decision
}

/** A rule that may or may not match, because of values that are unknown. */
export interface Uncertainty {
  readonly rule: string
  /** Fields as the policy names them, e.g. `destination.address`. */
  readonly unknown: readonly string[]
}

/** Calls out before the decision stands (a team's own service). */
export interface HookRequirement {
  /** Name of the hook in the policy. */
  readonly hook: string
  /** Fields of the request that are unknown; the service is sent them. */
  readonly unknown?: readonly string[]
  /** The decision instead, when the hook says no; never APPROVE. For a missing answer see the hook's budget. */
  readonly otherwise: Decision
}

/** What the policy makes of a request: the decision of the first matching rule, and what it depends on. */
export interface Evaluation {
  readonly decision: Decision
  /** Must all succeed for `decision` to stand; the first that fails gives its `otherwise`. Empty unless APPROVE. */
  readonly charges: readonly LimitCharge[]
  readonly singleUses: readonly SingleUse[]
  readonly hooks: readonly HookRequirement[]
  /** A RETRY that a person can release: the hold's parameters. */
  readonly hold: HoldTerms | undefined
  /** Why the decision waits, when unknown values are the reason; raises an alarm once per request. */
  readonly uncertainty?: Uncertainty | undefined
  /** Consistency checks that failed, where a rule approves, holds or waits; undefined when none did. */
  readonly consistency?: readonly AnsweredCheck[] | undefined
  /** Why people cannot release what a hold keeps; `hold` is then undefined. */
  readonly unreleasable?: string | undefined
  /** What the raw transaction check found, for the record: one word and, unless `verified`, why. */
  readonly rawTx?: string | undefined
}

/** A hold: the request stays RETRY until people release it. */
export interface HoldTerms {
  /** How many different people must approve. */
  readonly approvals: number
  /** Who must, and proves it; without it a name is enough. */
  readonly people?: PeopleTerms
  /** After this the hold is answered with `onExpiry`, in milliseconds from the first delivery. */
  readonly expiresMs: number
  readonly onExpiry: 'RETRY' | 'REJECT'
  /** Digest of the rule's id and conditions: a release is worth nothing to another rule. Absent in holds of version 0.1.0. */
  readonly boundTo?: string
}

/** Consistency checks of a request, in the order in which they are made and told. */
export const CHECKS = [
  'number-text',
  'requested',
  'sum',
  'no-destination',
  'address-pair',
  'address-type',
  'gas-bound',
  'typed-data-chain',
] as const

export type CheckName = (typeof CHECKS)[number]

export function isCheckName(value: unknown): value is CheckName {
  return CHECKS.some((check) => check === value)
}

/** What a policy answers when a check fails: `note` approves all the same. */
export type ConsistencyAnswer =
  | { readonly answer: 'REJECT' | 'RETRY' | 'note' }
  | { readonly answer: 'hold'; readonly hold: HoldTerms }

/** A check that failed with what is answered; it goes into the record. */
export type AnsweredCheck = ConsistencyAnswer & { readonly check: CheckName }

/** The answers that a policy gives; RETRY for a check that it does not name. */
export type ConsistencyAnswers = ReadonlyMap<CheckName, ConsistencyAnswer>
