/** Holds: a request waits until the people its rule asks for have released it, someone refuses, or it expires. */
import type { HoldTerms } from '../policy/decision.ts'
import { sha256 } from '../protocol/digest.ts'
import type { RequestKey } from '../protocol/digest.ts'
import type { Hold, HoldRequest, HoldState } from './operations.ts'
import type { HeldContent } from './record.ts'
import { StoreError } from './store-error.ts'

/** A hold as it is stored; times in milliseconds since 1970. */
export interface HoldRow {
  readonly id: string
  readonly terms: HoldTerms
  readonly summary: string
  readonly openedMs: number
  readonly expiresMs: number
  readonly approvals: readonly string[]
  readonly rejectedBy: string | null
  /** The record of the approval that used it up. */
  readonly usedSeq: number | null
}

/** What tells one held request from every other. */
export type HeldKey = Pick<RequestKey, 'endpoint' | 'requestId' | 'signerId' | 'stage' | 'digest'>

/** The record of a hold that was opened, or asked about `after` the policy had changed. */
export function heldContent(
  { key, terms, summary }: HoldRequest,
  after?: HeldContent['after'],
): HeldContent {
  const { endpoint, requestId, signerId, stage, digest } = key
  const { approvals, expiresMs, onExpiry, boundTo } = terms
  return {
    kind: 'held',
    hold: holdIdOf(key),
    endpoint,
    requestId,
    signerId,
    stage,
    digest,
    terms: { approvals, expiresMs, onExpiry, ...(boundTo === undefined ? {} : { boundTo }) },
    summary,
    ...(after === undefined ? {} : { after }),
  }
}

/** Short enough to type: the first 16 hex digits of the request's digest. */
export function holdIdOf(key: HeldKey): string {
  const { endpoint, requestId, signerId, stage, digest } = key
  return sha256(JSON.stringify([endpoint, requestId, signerId, stage, digest])).slice(0, 16)
}

/**
 * What an approval is about, short enough to be read out: 80 bits over the whole request, the rule with its conditions, and
 * the terms, as five groups of hex digits.
 */
export function holdDigest(
  { endpoint, requestId, signerId, stage, digest }: HeldKey,
  rule: string,
  { approvals, expiresMs, onExpiry, boundTo }: HoldTerms,
): string {
  const about = [endpoint, requestId, signerId, stage, digest, rule]
  // A hold of version 0.1.0 is bound to nothing, and keeps the digest that people have seen.
  const terms = [approvals, expiresMs, onExpiry, ...(boundTo === undefined ? [] : [boundTo])]
  const text = JSON.stringify(['countersign hold', ...about, ...terms])
  return sha256(text)
    .slice(0, 20)
    .replaceAll(/(.{4})(?=.)/g, '$1 ')
}

/** A new hold of this very request (stage and digest included). */
export function openHold({ key, terms, summary }: HoldRequest, nowMs: number): HoldRow {
  return {
    id: holdIdOf(key),
    terms,
    summary,
    openedMs: nowMs,
    expiresMs: nowMs + terms.expiresMs,
    approvals: [],
    rejectedBy: null,
    usedSeq: null,
  }
}

/** A hold as the policy in force asks for it. */
export interface AskedHold {
  readonly row: HoldRow
  /** What of the policy has changed since; the row is then to be written, and on record. */
  readonly after: HeldContent['after']
}

/**
 * The hold of a request that is asked again. The same rule with other terms is satisfied by what people said, as far as it goes;
 * another rule, or other conditions, asks them again. What is over stays over.
 */
export function askHold(row: HoldRow, request: HoldRequest, nowMs: number): AskedHold {
  const state = stateOf(row, nowMs)
  if (state !== 'waiting' && state !== 'released') return { row, after: undefined }
  const { terms, summary } = request
  const { boundTo, approvals, onExpiry, expiresMs } = row.terms
  const isSame = boundTo === undefined ? terms.approvals <= approvals : boundTo === terms.boundTo
  if (!isSame) return { row: openHold(request, nowMs), after: 'rule' }
  const isAsBefore =
    boundTo === terms.boundTo &&
    approvals === terms.approvals &&
    onExpiry === terms.onExpiry &&
    expiresMs === terms.expiresMs
  if (isAsBefore) return { row, after: undefined }
  const ends = Math.min(row.expiresMs, row.openedMs + terms.expiresMs)
  return { row: { ...row, terms, summary, expiresMs: ends }, after: 'terms' }
}

/**
 * The hold with one more person's approval.
 *
 * @throws StoreError `ERR_HOLD_UNKNOWN`, `ERR_HOLD_CLOSED`, `ERR_HOLD_SAME_PERSON`
 */
export function approveHold(
  row: HoldRow | undefined,
  id: string,
  person: string,
  nowMs: number,
): HoldRow {
  const open = openOne(row, id, nowMs)
  if (stateOf(open, nowMs) === 'released') {
    throw new StoreError('ERR_HOLD_CLOSED', `the hold \`${id}\` is released already`)
  }
  if (open.approvals.some((earlier) => plainName(earlier) === plainName(person))) {
    throw new StoreError('ERR_HOLD_SAME_PERSON', `\`${person}\` has approved \`${id}\` already`, {
      hint: 'a second person must approve',
    })
  }
  return { ...open, approvals: [...open.approvals, person] }
}

/**
 * The hold refused for good; a released one that was not used yet can still be refused.
 *
 * @throws StoreError `ERR_HOLD_UNKNOWN`, `ERR_HOLD_CLOSED`
 */
export function rejectHold(
  row: HoldRow | undefined,
  id: string,
  person: string,
  nowMs: number,
): HoldRow {
  return { ...openOne(row, id, nowMs), rejectedBy: person }
}

/** Whether the hold is released, unexpired and unused. */
export function isUsable(row: HoldRow | undefined, nowMs: number): row is HoldRow {
  return row !== undefined && stateOf(row, nowMs) === 'released'
}

/** The hold as people and the callback line see it. */
export function holdOf(row: HoldRow, nowMs: number): Hold {
  const { id, terms, summary, approvals } = row
  return {
    id,
    terms,
    summary,
    openedAt: new Date(row.openedMs).toISOString(),
    expiresAt: new Date(row.expiresMs).toISOString(),
    approvals,
    rejectedBy: row.rejectedBy ?? undefined,
    state: stateOf(row, nowMs),
  }
}

function openOne(row: HoldRow | undefined, id: string, nowMs: number): HoldRow {
  if (row === undefined) throw new StoreError('ERR_HOLD_UNKNOWN', `no hold has the id \`${id}\``)
  const state = stateOf(row, nowMs)
  if (state === 'waiting' || state === 'released') return row
  throw new StoreError('ERR_HOLD_CLOSED', `the hold \`${id}\` is ${state}`)
}

/** Names that differ only in case or in white space are one person. */
function plainName(name: string): string {
  return name.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase()
}

function stateOf(row: HoldRow, nowMs: number): HoldState {
  if (row.usedSeq !== null) return 'used'
  if (row.rejectedBy !== null) return 'rejected'
  if (nowMs >= row.expiresMs) return 'expired'
  return row.approvals.length >= row.terms.approvals ? 'released' : 'waiting'
}
