/** The form of a record in the audit chain: what it says, what is hashed, and how it vouches for all before it. */
import { hash } from 'node:crypto'
import type { Decision } from '../policy/decision.ts'
import type { Action, Endpoint, Stage } from '../protocol/endpoints.ts'
import type { ShadowNote } from './store.ts'

/** `prev` of the first record. */
export const NO_HASH = '0'.repeat(64)

/** Sequence number, hash and time of the last record: the whole chain in one value. */
export interface ChainHead {
  readonly seq: number
  /** Hex SHA-256. */
  readonly hash: string
  /** Milliseconds since 1970; never less than that of an earlier record. */
  readonly timeMs: number
}

/** The head of a chain without records. */
export const EMPTY: ChainHead = { seq: 0, hash: NO_HASH, timeMs: 0 }

/** The first record: which store this is. */
export interface CreatedContent {
  readonly kind: 'created'
  /** UUID. */
  readonly storeId: string
}

/** One answer that was decided, with everything that explains it. */
export interface DecisionContent {
  readonly kind: 'decision'
  readonly endpoint: Endpoint
  readonly requestId: string
  readonly signerId: string
  readonly stage: Stage
  readonly digest: string
  readonly coreDigest: string
  readonly action: Action
  readonly rule: string
  readonly reason: string
  /** What the policy said, when a limit, a single use, a hold, a freeze or an earlier decision changed it. */
  readonly proposed?: Decision
  readonly policyDigest: string
  readonly cosigner: string
  readonly generation: number
  readonly owner: string
  readonly rawTx?: string
  readonly deliveryId: string
  /** Hex SHA-256 of the co-signer's token, which lies beside the record. */
  readonly tokenSha256: string
  /** What this decision was checked against and spent of each limit. */
  readonly charged?: readonly ChargedLimit[]
  /** Names of what this decision used up. */
  readonly used?: readonly string[]
  /** What a shadow policy would have said. */
  readonly shadow?: ShadowNote
}

/** Part of a limit. */
export interface ChargedLimit {
  readonly limit: string
  readonly key: string
  /** Plain decimal; `0` when only the number of transactions is limited. */
  readonly amount: string
}

/** What an operator did. */
export interface OperatorContent {
  readonly kind: 'operator'
  readonly act:
    'freeze' | 'unfreeze' | 'hold-approve' | 'hold-reject' | 'release-charges' | 'accept-store'
  /** The person, as the command was told. */
  readonly by: string
  /** What it was done to: a hold, an owner, a store; empty for the handler as a whole. */
  readonly subject: string
  readonly note: string
}

/** A signature over the chain so far. */
export interface CheckpointContent {
  readonly kind: 'checkpoint'
  /** Compact JWS, `typ` = `countersign-checkpoint`. */
  readonly jws: string
}

/** The store was opened after a process that did not close it. */
export interface RecoveredContent {
  readonly kind: 'recovered'
  /** Whether the write-ahead log ended in a transaction that was never committed. */
  readonly tornTail: boolean
}

export type RecordContent =
  CreatedContent | DecisionContent | OperatorContent | CheckpointContent | RecoveredContent

/** The JSON value of a record's body. `time` is ISO 8601 and never earlier than that of the record before. */
export type RecordBody = RecordContent & { readonly v: 1; readonly time: string }

/**
 * Hex SHA-256 of the UTF-8 text `countersign-record-1`, LF, seq in decimal, LF, hash of the record before in hex, LF,
 * body. Nothing in front of the body can hold a line feed, so two records never hash the same text.
 */
export function recordHash(seq: number, prev: string, body: string): string {
  return sha256(`countersign-record-1\n${seq}\n${prev}\n${body}`)
}

/** Hex SHA-256 of a text in UTF-8. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex')
}
