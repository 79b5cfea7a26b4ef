/** Acts of operators that the policy puts under groups: asked for, approved like a hold, done once. */
import type { Act } from '../../common/admin-api.ts'
import { seatsOf } from '../policy/approvals/people.ts'
import { termsDigest } from '../policy/approvals/terms.ts'
import type { HoldTerms } from '../policy/decision.ts'
import { sha256 } from '../protocol/digest.ts'
import { holdOf, isUsable } from './holds.ts'
import type { HoldRow } from './holds.ts'
import type { ActRequest } from './operations.ts'
import { isProven, nonceOf } from './proofs.ts'
import type { Approval } from './proofs.ts'
import type { AskedContent, OperatorContent } from './record.ts'
import { StoreError } from './store-error.ts'

/** How long people may take. */
const EXPIRES_MS = 86_400_000

/** Id under which an act waits. */
export function actIdOf(request: Pick<ActRequest, 'act' | 'subject'>): string {
  return actDigest(request).slice(0, 16)
}

/** An act that is asked for, and its record where it was not asked for before. */
export function askAct(
  before: HoldRow | undefined,
  request: ActRequest,
  nowMs: number,
  headHash: string,
): { readonly row: HoldRow; readonly record?: AskedContent } {
  const { act, subject, people, summary } = request
  const terms: HoldTerms = {
    approvals: seatsOf(people),
    expiresMs: EXPIRES_MS,
    onExpiry: 'REJECT',
    people,
  }
  if (before !== undefined && stands(before, terms, nowMs)) return { row: before }
  const digest = actDigest(request)
  const id = actIdOf(request)
  const asked = { act, digest, rule: `acts.${act}`, nonce: nonceOf(headHash, id) }
  const row: HoldRow = {
    id,
    terms,
    summary,
    openedMs: nowMs,
    expiresMs: nowMs + EXPIRES_MS,
    approvals: [],
    rejectedBy: null,
    usedSeq: null,
    asked,
  }
  return { row, record: { kind: 'asked', hold: id, subject, ...asked, terms, summary } }
}

/** The record of what somebody did. `approval`: how it is kept, when it is one. */
export function operatorContent(
  act: OperatorContent['act'],
  subject: string,
  { by, note, assertion }: Act,
  approval?: Approval,
  more: Pick<OperatorContent, 'release' | 'before'> = {},
): OperatorContent {
  const isProof = approval !== undefined && isProven(approval) && assertion !== undefined
  const proof = isProof ? { proof: { key: approval.key, assertion } } : {}
  return { kind: 'operator', act, by, subject, note, ...proof, ...more }
}

/** The release that an act is done under, if people are asked for it; `up` uses it up, behind the act's record. */
export interface ReleaseUse {
  readonly noted: { readonly release?: string }
  readonly up: () => void
}

interface Holds {
  get(id: string): HoldRow | undefined
  set(id: string, row: HoldRow): void
}

/** @throws StoreError `ERR_HOLD_CLOSED` */
export function useRelease(
  id: string | undefined,
  holds: Holds,
  { timeMs, seq }: { readonly timeMs: number; readonly seq: () => number },
): ReleaseUse {
  if (id === undefined) return { noted: {}, up: () => undefined }
  const row = holds.get(id)
  if (!isUsable(row, timeMs)) throw new StoreError('ERR_HOLD_CLOSED', `\`${id}\` is not released`)
  return { noted: { release: id }, up: () => holds.set(id, { ...row, usedSeq: seq() }) }
}

/** Whether what was asked is still asked so. Who refused it has refused it until it would have ended. */
function stands(row: HoldRow, terms: HoldTerms, nowMs: number): boolean {
  const { state } = holdOf(row, nowMs)
  if (state === 'rejected') return nowMs < row.expiresMs
  const isOpen = state === 'waiting' || state === 'released'
  return isOpen && termsDigest(row.terms) === termsDigest(terms)
}

function actDigest({ act, subject }: Pick<ActRequest, 'act' | 'subject'>): string {
  return sha256(`countersign-act\n${act}\n${subject}`)
}
