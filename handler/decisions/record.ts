/** Records of the audit chain: what each kind says, what is hashed, and how one vouches for all before it. */
import type { Assertion } from '../../common/assertion.ts'
import type { ActName } from '../policy/approvals/act.ts'
import { sha256 } from '../protocol/digest.ts'
import { isDecisionBody, isObject } from './decision-fields.ts'
import type { DecisionContent } from './decision-fields.ts'
import type { HoldTerms } from '../policy/decision.ts'
import type { RequestKey } from '../protocol/digest.ts'

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

/** A record as it is stored. The body holds the digest of the token. */
export interface ChainRow {
  readonly seq: number
  /** Set in decisions by which their request is recalled. */
  readonly fingerprint: number | null
  readonly body: string
  readonly token: string | null
  readonly prev: string
  readonly hash: string
}

/** The first record: which store this is. */
export interface CreatedContent {
  readonly kind: 'created'
  /** UUID. */
  readonly storeId: string
}

/** What an operator did. */
export interface OperatorContent {
  readonly kind: 'operator'
  readonly act:
    | 'freeze'
    /** While frozen: adds to the freeze in force. */
    | 'freeze-again'
    | 'unfreeze'
    | 'hold-approve'
    | 'hold-reject'
    | 'release-charges'
    | 'accept-store'
    /** Another policy decides from here on; the subject is its digest. */
    | 'policy-load'
    /** A generation was made, or a pairing made or given up, that people had approved. */
    | 'rotation'
    | 'pairing'
  /** The person, as named on the command line. */
  readonly by: string
  /** What it was done to: a hold, an owner, a store; empty for the handler as a whole. */
  readonly subject: string
  readonly note: string
  /** What proves it: the approver's key, by its fingerprint, and the assertion. */
  readonly proof?: { readonly key: string; readonly assertion: Assertion }
  /** Id under which people had approved it; it is used up. */
  readonly release?: string
  /** Of a policy: the digest of the one that decided until then. */
  readonly before?: string
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

/** A request began to wait for people. */
export interface HeldContent extends Pick<
  RequestKey,
  'endpoint' | 'requestId' | 'signerId' | 'stage' | 'digest'
> {
  readonly kind: 'held'
  /** Its id, 16 hex digits. */
  readonly hold: string
  readonly terms: HoldTerms
  readonly summary: string
  /** The rule that asks, and the nonce of what is signed; where approvers are named. */
  readonly rule?: string
  readonly nonce?: string
  /** Asked again because the policy had changed: `rule`, what people said before is void; `terms`, it stands. */
  readonly after?: 'rule' | 'terms'
}

/** People are asked for an act of an operator. */
export interface AskedContent {
  readonly kind: 'asked'
  /** Id under which it waits, as that of a hold. */
  readonly hold: string
  readonly act: ActName
  /** What it would be done to. */
  readonly subject: string
  readonly digest: string
  readonly rule: string
  readonly nonce: string
  readonly terms: HoldTerms
  readonly summary: string
}

/** An alarm about a verified request that no decision's record shows. */
export interface AlarmContent {
  readonly kind: 'alarm'
  readonly alarm: string
  readonly requestId: string
  /** Our own id of the delivery, as in the log. */
  readonly deliveryId: string
  /** Further alarms of this kind since its last record, of which there is none. */
  readonly more: number
}

export type RecordContent =
  | CreatedContent
  | DecisionContent
  | OperatorContent
  | CheckpointContent
  | RecoveredContent
  | HeldContent
  | AskedContent
  | AlarmContent

/** The JSON value of a record's body. `time` is ISO 8601 and never earlier than that of the record before. */
export type RecordBody = RecordContent & { readonly v: 1; readonly time: string }

/**
 * Hex SHA-256 of the UTF-8 text `countersign-record-1`, LF, seq in decimal, LF, hash of the record before in hex, LF,
 * body. Nothing in front of the body can hold a line feed, so two records never hash the same text.
 */
export function recordHash(seq: number, prev: string, body: string): string {
  return sha256(`countersign-record-1\n${seq}\n${prev}\n${body}`)
}

/** Text members by kind; those of a decision stand in its table. */
const TEXTS: Readonly<Record<RecordBody['kind'], readonly string[]>> = {
  created: ['storeId'],
  decision: [],
  operator: ['act', 'by', 'subject', 'note'],
  checkpoint: ['jws'],
  recovered: [],
  held: ['hold', 'endpoint', 'requestId', 'signerId', 'stage', 'digest', 'summary'],
  asked: ['hold', 'act', 'subject', 'digest', 'rule', 'nonce', 'summary'],
  alarm: ['alarm', 'requestId', 'deliveryId'],
}

/** The record in a body that may have been altered; undefined when it has not the form of this version. */
export function readBody(text: string): RecordBody | undefined {
  const body = parse(text)
  return isRecordBody(body) ? body : undefined
}

/** The record in a body whose hash was verified, or that this program has just written. */
export function parseBody(text: string): RecordBody {
  const body: RecordBody = JSON.parse(text)
  return body
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecordBody(value: unknown): value is RecordBody {
  if (!isObject(value)) return false
  const { v, kind, time } = value
  if (v !== 1 || !isKind(kind) || Number.isNaN(Date.parse(String(time)))) return false
  if (!TEXTS[kind].every((name) => typeof value[name] === 'string')) return false
  if (kind === 'held' || kind === 'asked') return isObject(value['terms'])
  return kind !== 'decision' || isDecisionBody(value)
}

function isKind(value: unknown): value is RecordBody['kind'] {
  return typeof value === 'string' && Object.hasOwn(TEXTS, value)
}
