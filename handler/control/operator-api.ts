/**
 * What the operator asks on the admin socket, beside the messages of common/admin-api.ts. `by` is a name that the
 * caller asserts; the permissions of the socket are what authenticates.
 *
 *   GET  /v1/holds                          → HoldList
 *   POST /v1/holds/<id>/approve   {Act}     → HoldInfo
 *   POST /v1/holds/<id>/reject    {Act}     → HoldInfo
 *   GET  /v1/freeze                         → FreezeAnswer
 *   POST /v1/freeze        {FreezeRequest}  → FreezeAnswer
 *   POST /v1/unfreeze             {Act}     → FreezeAnswer
 *   GET  /v1/limits                         → LimitList
 *   POST /v1/limits/release {ReleaseRequest} → ReleaseAnswer
 *   POST /v1/policy/reload                  → ReloadAnswer
 */
import type { LimitUsage } from '../decisions/limits.ts'
import type { Act, Freeze, HoldState } from '../decisions/operations.ts'
import type { ChargedLimit } from '../decisions/record.ts'

/** A request that waits for people, or has been released and was not asked again yet. */
export interface HoldInfo {
  /** 16 hex digits. */
  readonly id: string
  readonly state: HoldState
  /** What would be approved, in one line of printable ASCII. */
  readonly summary: string
  /** Names of those who approved, in order. */
  readonly approvals: readonly string[]
  readonly approvalsWanted: 1 | 2
  readonly rejectedBy: string | null
  /** ISO 8601: the first delivery. */
  readonly openedAt: string
  /** After this the rule's `onExpiry` holds. */
  readonly expiresAt: string
  /** After this the co-signer has stopped asking, as far as the handler knows. */
  readonly retryUntil: string
}

export interface HoldList {
  readonly holds: readonly HoldInfo[]
  /** ISO 8601, the handler's clock. */
  readonly now: string
}

export interface FreezeRequest {
  readonly action: 'RETRY' | 'REJECT'
  readonly by: string
  readonly reason: string
}

export interface FreezeAnswer {
  readonly freeze: Freeze | null
}

/** One limit and key with what counts now. */
export interface LimitInfo extends LimitUsage {
  readonly windowMs: number
  readonly maxCount: number | null
  /** Plain decimal. */
  readonly maxAmount: string | null
}

export interface LimitList {
  readonly limits: readonly LimitInfo[]
}

export interface ReleaseRequest extends Act {
  readonly txId: string
}

export interface ReleaseAnswer {
  readonly released: readonly ChargedLimit[]
}
