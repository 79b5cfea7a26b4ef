/** Acts of operators: release or refuse a hold, freeze, give limits back. Each is a record of the audit chain. */
import type { Act, Freeze } from '../../common/admin-api.ts'
import type { ActName } from '../policy/approvals/act.ts'
import type { PeopleTerms } from '../policy/approvals/people.ts'
import type { HoldTerms } from '../policy/decision.ts'
import type { Asked } from './proofs.ts'
import type { ChainHead } from './record.ts'
import type { ChargedLimit, LimitUsage } from './limits.ts'
import type { RequestKey } from '../protocol/digest.ts'
import type { NewDecision } from './store.ts'
import type { DecisionContent } from './decision-fields.ts'

/** `used`: an approval consumed the release. `expired`: the terms' `onExpiry` holds. */
export type HoldState = 'waiting' | 'released' | 'rejected' | 'expired' | 'used'

/** A request that waits for people. */
export interface Hold {
  /** 16 hex digits. */
  readonly id: string
  readonly terms: HoldTerms
  /** One line for the list: what would be approved. */
  readonly summary: string
  /** ISO 8601. */
  readonly openedAt: string
  readonly expiresAt: string
  /** Names of the people who approved, in order. */
  readonly approvals: readonly string[]
  /** How many of the approvals that the terms ask for they are. */
  readonly approved: number
  /** Fingerprints of the keys that proved them, by name. */
  readonly keys: Readonly<Record<string, string>>
  /** What approvers sign; absent where a name is enough. */
  readonly asked?: Asked
  readonly rejectedBy: string | undefined
  readonly state: HoldState
}

export interface HoldRequest {
  readonly key: RequestKey
  readonly terms: HoldTerms
  readonly summary: string
  /** The rule that asks. */
  readonly rule?: string
  readonly proven?: ProvenRequest
}

/** A signing request whose bytes are verified: what a release at the approval stage is compared with. */
export interface ProvenRequest {
  /** The co-signer's token. */
  readonly token: string
  /** The transaction. */
  readonly owner: string
  /** Digest of the bytes to be signed. */
  readonly bytes: string
}

/** The record with which a request began to wait, and what the co-signer signed. */
export interface HoldEvidence {
  readonly record: DecisionContent
  readonly token: string
}

/** An open hold and what was asked. */
export interface FoundHold {
  readonly hold: Hold
  readonly evidence: HoldEvidence | undefined
}

/** Something that people are asked for. */
export interface ActRequest {
  readonly act: Exclude<ActName, 'hold'>
  /** What it would be done to, so that another one is asked for anew. */
  readonly subject: string
  readonly people: PeopleTerms
  /** One line of printable ASCII. */
  readonly summary: string
}

/** Acts of the bootstrapper. */
export type ApprovedAct = 'rotation' | 'pairing'

/** A policy that decides from now on. */
export interface PolicyLoad {
  /** Hex SHA-256. */
  readonly digest: string
  /** Of the one before. */
  readonly before?: string | undefined
  /** Who approved it, or where it came from. */
  readonly by: string
}

/** The operator's side of the store; each promise may reject with `StoreError`. */
export interface OperatorActs {
  /** The hold of this request, opened on first sight; or the used one of its approval stage, when that serves it. */
  openHold(request: HoldRequest): Promise<Hold>
  listHolds(): Promise<readonly Hold[]>
  /** An open hold; what was asked is undefined while its first record is not written yet. */
  findHold(id: string): Promise<FoundHold | undefined>
  approveHold(id: string, act: Act): Promise<Hold>
  rejectHold(id: string, act: Act): Promise<Hold>
  /** Adds to a freeze that is in force, and never weakens it unless `replace` says so. */
  freeze(action: Freeze['action'], act: Act, replace?: boolean): Promise<Freeze>
  unfreeze(act: Act, release?: string): Promise<void>
  /** Asks people for an act; what they said so far. */
  askAct(request: ActRequest): Promise<Hold>
  /** Puts on record that another policy decides from here on. */
  policyLoaded(load: PolicyLoad, release?: string): Promise<ChainHead>
  /** Puts on record that the bootstrapper has done what people had approved. */
  actDone(act: ApprovedAct, subject: string, release: string): Promise<void>
  /** The freeze in force, without a wait; kept across restarts. */
  frozen(): Freeze | undefined
  /** Gives back what the owner (a transaction that failed) was charged; its id may then be charged again. */
  releaseCharges(owner: string, act: Act, release?: string): Promise<readonly ChargedLimit[]>
  /** Names of the limits that this approval would exceed now; nothing is charged. */
  fullLimits(entry: NewDecision): Promise<readonly string[]>
  /** What counts now of the limits with these windows in milliseconds; at most a thousand limits and keys. */
  limitUsage(windows: Readonly<Record<string, number>>): Promise<readonly LimitUsage[]>
}
