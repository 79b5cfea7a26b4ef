/** The durable memory of the handler, as `callback.ts` needs it: what was decided, written before it is answered. */
import type { RequestKey } from '../protocol/digest.ts'
import type {
  AnsweredCheck,
  Decision,
  HoldTerms,
  LimitCharge,
  SingleUse,
} from '../policy/decision.ts'
import type { Action } from '../protocol/endpoints.ts'
import type { Difference } from './cores.ts'

/** What the store knows of a request before it is evaluated. */
export type Recall =
  /** Not seen, or only answered RETRY so far: then `firstAt` is when that was first recorded, ISO 8601. */
  | {
      readonly kind: 'new'
      readonly firstAt?: string
      /** What was answered then to the consistency checks that failed. */
      readonly consistency?: readonly AnsweredCheck[] | undefined
    }
  /** Decided for good: answer this again. */
  | { readonly kind: 'decided'; readonly decision: Decision; readonly seq: number }
  /** Another stage or digest of the same request was refused: a refusal stands for all of them. */
  | { readonly kind: 'rejected-sibling'; readonly decision: Decision; readonly seq: number }
  /** The same id was seen with another core. */
  | { readonly kind: 'conflict'; readonly seq: number }

/** What is recorded beside the decision. */
export interface Evidence {
  /** The co-signer's compact JWS; in `certificate` mode the body as received. */
  readonly token: string
  /** Name of the co-signer key that verified the token; `''` in `certificate` mode. */
  readonly cosigner: string
  /** Generation whose URL was called. */
  readonly generation: number
  /** Hex SHA-256 of the policy that decided. */
  readonly policyDigest: string
  /** Transaction id for transactions, request id otherwise: its variants own what they are charged and use up. */
  readonly owner: string
  /** One word and, unless `verified`, why; see the raw transaction check. */
  readonly rawTx: string | undefined
  /** What the policy answers to the consistency checks that fail; undefined when none does. */
  readonly consistency?: readonly AnsweredCheck[] | undefined
  /** Our own id of this delivery, as in the log. */
  readonly deliveryId: string
  /** What a policy beside the live one would have said; for the record only. */
  readonly shadow?: ShadowNote
}

/** What a shadow policy makes of a request, and the live policy's own word before holds, hooks and limits. */
export interface ShadowNote {
  /** Hex SHA-256 of the shadow policy. */
  readonly digest: string
  readonly action: Action
  readonly rule: string
  readonly liveAction: Action
  readonly liveRule: string
  /** Version of what conditions mean; absent in records of version 1. */
  readonly semantics?: number
}

/** One decision to be recorded with all that depends on it, in one transaction. */
export interface NewDecision {
  readonly key: RequestKey
  readonly decision: Decision
  readonly charges: readonly LimitCharge[]
  readonly singleUses: readonly SingleUse[]
  /** Digest of the bytes that are to be signed, when something is spent or carried and there are any. */
  readonly bytes?: string
  /** The released hold that this approval stands on; it is used up. */
  readonly hold?: HoldUse
  /** The release at the approval stage that this approval of a signing request stands on. */
  readonly carried?: CarriedUse
  /** The hold that the request waits, or waited, for. */
  readonly heldBy?: string
  readonly evidence: Evidence
}

/** What an approval that stands spends. */
export interface Spent {
  /** The variant that it belongs to; undefined when it spends nothing of which a variant may not have more. */
  readonly variant: number | undefined
  readonly charges: readonly LimitCharge[]
}

/** Consumes the release of a hold. */
export interface HoldUse {
  readonly id: string
  /** The decision instead, when the hold is not released, was used, refused or has expired. */
  readonly otherwise: Decision
}

/** Makes use of a release at the approval stage, for one set of bytes. */
export interface CarriedUse extends HoldUse {
  /** What the rule asks for now. */
  readonly terms: HoldTerms
}

/**
 * Proof of a durable record. `decision` is what must be answered: another than proposed when an equal request was
 * decided first, a limit was full or a single use was taken.
 */
export interface Receipt {
  readonly seq: number
  /** Hex hash of the record, the end of the chain at that moment. */
  readonly hash: string
  readonly decision: Decision
  /** How the request differs from the other stage of its transaction; with the first record of it. */
  readonly differs?: readonly Difference[]
}

/**
 * The decision store. Every promise may reject with `StoreError`; then nothing may be approved. A final decision
 * (APPROVE, REJECT, IGNORE) is unique per key; a RETRY is recorded but never recalled.
 */
export interface DecisionStore {
  /** `token` is the co-signer's of that request: other requests under its id are compared with it. */
  recall(key: RequestKey, token: string): Promise<Recall>
  /**
   * Resolves only after the record is on disk. `turn` resolves when waiting for the disk would begin to hold the answer
   * up: until then the record may wait for others, so that they share one sync. Without it the record goes at once.
   */
  record(entry: NewDecision, turn?: Promise<void>): Promise<Receipt>
  /** Throws unless a decision could be written now. */
  check(): Promise<void>
  close(): Promise<void>
}
