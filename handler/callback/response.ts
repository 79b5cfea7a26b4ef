/** Answer claims: APPROVE is made in one function only, which requires proof of the record. */
import type { Recall, Receipt } from '../decisions/store.ts'
import type { Decision } from '../policy/decision.ts'
import type { Action, ActionAt, Stage } from '../protocol/endpoints.ts'
import type { CallbackRequest } from '../protocol/request.ts'

const approved = Symbol('approved')
const draft = Symbol('draft')

/** What the co-signer reads (vendor: response object). */
export type AnswerClaims = Approval | Refusal

/** Only `approve` makes one. */
export interface Approval {
  readonly action: 'APPROVE'
  /** As received, byte for byte. */
  readonly requestId: string
  readonly rejectionReason?: never
  /** Number of the record that it stands on; symbols are not serialised. */
  readonly [approved]: number
}

/** Every answer that lets nothing happen. */
export interface Refusal {
  readonly action: Exclude<Action, 'APPROVE'>
  /** As received, byte for byte. */
  readonly requestId: string
  /** Shown in the workspace's audit log: printable, at most 256 characters. */
  readonly rejectionReason?: string
}

/**
 * Equal to the claims of an answer that is being recorded, so that its signature can be begun;
 * never an answer.
 */
export interface Draft {
  readonly action: Action
  readonly requestId: string
  readonly rejectionReason?: string
  readonly [draft]: true
}

/**
 * What an approval stands on: the receipt of the record just made under a policy, or the record of
 * an earlier one.
 */
export type Proof =
  | { readonly kind: 'recorded'; readonly receipt: Receipt; readonly policyDigest: string }
  | Extract<Recall, { kind: 'decided' }>

/**
 * A decision that the store holds, and what it may be used for: a sibling's refusal proves no
 * approval.
 */
export type Recorded = Proof | Extract<Recall, { kind: 'rejected-sibling' }>

/** What the store says was decided, and the number of its record. */
export function decisionOf(recorded: Recorded): {
  readonly decision: Decision
  readonly seq: number
} {
  return recorded.kind === 'recorded' ? recorded.receipt : recorded
}

/** An IGNORE while signing fails the transaction, and nothing says that this is not signing. */
const UNPROVEN = 'IGNORE_NOT_POSSIBLE_STAGE_UNPROVEN'

const NO_IGNORE = 'IGNORE_NOT_POSSIBLE_WHEN_SIGNING'

/** Longest `rejectionReason`, in characters. */
const MAX_REASON = 256

/**
 * Control, format and unassigned characters, line separators: whatever could forge or hide text in
 * a log.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]+/gu

/**
 * INVARIANT: the only place where an APPROVE comes into being. It takes the verified request and
 * the proof that the APPROVE of that request is on disk; a proof of anything else is a bug and
 * throws.
 */
export function approve(request: Pick<CallbackRequest, 'requestId'>, proof: Proof): Approval {
  const { decision, seq } = decisionOf(proof)
  if (decision.action !== 'APPROVE') throw new Error('the record does not say APPROVE')
  return Object.freeze({ action: 'APPROVE', requestId: request.requestId, [approved]: seq })
}

/** What can be answered short of an approval when the stage is S, or one of S. */
type RefusalAt<S extends Stage> = Exclude<
  [S] extends ['approval'] ? ActionAt<'approval'> : ActionAt<'signing'>,
  'APPROVE'
>

/**
 * Any other answer. IGNORE does not compile unless the stage is surely approval: the vendor knows
 * it there only.
 */
export function refuse<S extends Stage>(
  requestId: string,
  _stage: S,
  action: RefusalAt<S>,
  reason: string,
): Refusal {
  const rejectionReason = printable(reason)
  if (rejectionReason === '') return Object.freeze({ action, requestId })
  return Object.freeze({ action, requestId, rejectionReason })
}

/** The refusal that a decision is; an IGNORE becomes a REJECT where it cannot be said. */
export function refusalOf(
  requestId: string,
  stage: Stage,
  action: Exclude<Action, 'APPROVE'>,
  reason: string,
): Refusal {
  if (action !== 'IGNORE') return refuse(requestId, stage, action, reason)
  if (stage === 'approval') return refuse(requestId, stage, action, reason)
  return refuse(requestId, stage, 'REJECT', NO_IGNORE)
}

/** The answer that a proposed decision would become, for signing ahead of its record. */
export function draftOf(requestId: string, decision: Decision): Draft {
  const { action, reason } = decision
  const rejectionReason = action === 'APPROVE' ? '' : printable(reason)
  if (rejectionReason === '') return Object.freeze({ action, requestId, [draft]: true as const })
  return Object.freeze({ action, requestId, rejectionReason, [draft]: true as const })
}

/** The decision as it can be given at a stage: an IGNORE of a signing request becomes a refusal. */
export function possibleAt(stage: Stage | 'unproven', decision: Decision): Decision {
  if (stage === 'approval' || decision.action !== 'IGNORE') return decision
  if (stage === 'unproven') return { action: 'RETRY', rule: decision.rule, reason: UNPROVEN }
  return { action: 'REJECT', rule: decision.rule, reason: NO_IGNORE }
}

function printable(reason: string): string {
  return Array.from(reason.replace(UNPRINTABLE, ' ').trim()).slice(0, MAX_REASON).join('')
}
