/** Holds: a request waits until the people its rule asks for have released it, someone refuses, or it expires. */
import { keyIn, peopleDigest, withBarred } from '../policy/approvals/people.ts'
import type { PeopleTerms } from '../policy/approvals/people.ts'
import type { HoldTerms } from '../policy/decision.ts'
import { sha256 } from '../protocol/digest.ts'
import type { RequestKey } from '../protocol/digest.ts'
import type { Hold, HoldRequest, HoldState } from './operations.ts'
import { approvedBy, deciderOf, isProven, nameOf, nonceOf } from './proofs.ts'
import type { Approval, Asked, Decider } from './proofs.ts'
import type { HeldContent } from './record.ts'
import { StoreError } from './store-error.ts'

/** A hold as it is stored; times in milliseconds since 1970. */
export interface HoldRow {
  readonly id: string
  readonly terms: HoldTerms
  readonly summary: string
  readonly openedMs: number
  readonly expiresMs: number
  readonly approvals: readonly Approval[]
  readonly rejectedBy: string | null
  /** The record of the approval that used it up. */
  readonly usedSeq: number | null
  /** What people are asked to sign; absent where a name is enough. */
  readonly asked?: Asked
}

/** What tells one held request from every other. */
export type HeldKey = Pick<RequestKey, 'endpoint' | 'requestId' | 'signerId' | 'stage' | 'digest'>

/** The record of a hold that was opened, or asked about `after` the policy had changed. */
export function heldContent(
  { key }: HoldRequest,
  { terms, summary, asked }: HoldRow,
  after?: HeldContent['after'],
): HeldContent {
  const { endpoint, requestId, signerId, stage, digest } = key
  const { approvals, expiresMs, onExpiry, boundTo, people } = terms
  return {
    kind: 'held',
    hold: holdIdOf(key),
    endpoint,
    requestId,
    signerId,
    stage,
    digest,
    terms: {
      approvals,
      expiresMs,
      onExpiry,
      ...(boundTo === undefined ? {} : { boundTo }),
      ...(people === undefined ? {} : { people }),
    },
    summary,
    ...(asked === undefined ? {} : { rule: asked.rule, nonce: asked.nonce }),
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
  { approvals, expiresMs, onExpiry, boundTo, people }: HoldTerms,
): string {
  const about = [endpoint, requestId, signerId, stage, digest, rule]
  // A hold of version 0.1.0 is bound to nothing, and keeps the digest that people have seen.
  const terms = [
    approvals,
    expiresMs,
    onExpiry,
    ...(boundTo === undefined ? [] : [boundTo]),
    ...(people === undefined ? [] : [peopleDigest(people)]),
  ]
  const text = JSON.stringify(['countersign hold', ...about, ...terms])
  return sha256(text)
    .slice(0, 20)
    .replaceAll(/(.{4})(?=.)/g, '$1 ')
}

/**
 * A new hold of this very request (stage and digest included).
 *
 * @param headHash - of the last record before its own
 */
export function openHold(request: HoldRequest, nowMs: number, headHash: string): HoldRow {
  const { key, terms, summary } = request
  const asked = terms.people && askedBy(request, headHash)
  return {
    id: holdIdOf(key),
    terms,
    summary,
    openedMs: nowMs,
    expiresMs: nowMs + terms.expiresMs,
    approvals: [],
    rejectedBy: null,
    usedSeq: null,
    ...(asked === undefined ? {} : { asked }),
  }
}

function askedBy({ key, rule = '-' }: HoldRequest, headHash: string): Asked {
  return { act: 'hold', digest: key.digest, rule, nonce: nonceOf(headHash, holdIdOf(key)) }
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
export function askHold(
  row: HoldRow,
  again: HoldRequest,
  nowMs: number,
  headHash: string,
): AskedHold {
  const state = stateOf(row, nowMs)
  if (state !== 'waiting' && state !== 'released') return { row, after: undefined }
  const request = { ...again, terms: withoutThose(row.terms.people?.barred, again.terms) }
  const { terms, summary } = request
  const { boundTo, approvals, onExpiry, expiresMs } = row.terms
  const isSame = boundTo === undefined ? terms.approvals <= approvals : boundTo === terms.boundTo
  if (!isSame) return { row: openHold(request, nowMs, headHash), after: 'rule' }
  const isAsBefore =
    boundTo === terms.boundTo &&
    approvals === terms.approvals &&
    onExpiry === terms.onExpiry &&
    expiresMs === terms.expiresMs &&
    digestOf(row.terms.people) === digestOf(terms.people)
  if (isAsBefore) return { row, after: undefined }
  const ends = Math.min(row.expiresMs, row.openedMs + terms.expiresMs)
  const { asked: before, ...rest } = row
  const asked = terms.people && (before ?? askedBy(request, headHash))
  const changed = { ...rest, terms, summary, expiresMs: ends }
  return { row: asked === undefined ? changed : { ...changed, asked }, after: 'terms' }
}

/** Who was seen to have asked for it once does not approve it later, whatever can still be seen. */
function withoutThose(barred: readonly string[] = [], terms: HoldTerms): HoldTerms {
  if (terms.people === undefined || barred.length === 0) return terms
  return { ...terms, people: withBarred(terms.people, barred) }
}

function digestOf(people: PeopleTerms | undefined): string {
  return people === undefined ? '' : peopleDigest(people)
}

/**
 * The hold with one more person's approval.
 *
 * @throws StoreError `ERR_HOLD_UNKNOWN`, `ERR_HOLD_CLOSED`, `ERR_HOLD_SAME_PERSON`, `ERR_HOLD_UNPROVEN`
 */
export function approveHold(
  row: HoldRow | undefined,
  id: string,
  person: Decider,
  nowMs: number,
): HoldRow {
  const open = openOne(row, id, nowMs)
  if (stateOf(open, nowMs) === 'released') {
    throw new StoreError('ERR_HOLD_CLOSED', `the hold \`${id}\` is released already`)
  }
  const approval = deciderOf(open, person, 'approve', nowMs)
  if (open.approvals.some((earlier) => isSamePerson(open.terms, earlier, approval))) {
    const message = `\`${person.by}\` has approved \`${id}\` already`
    throw new StoreError('ERR_HOLD_SAME_PERSON', message, { hint: 'a second person must approve' })
  }
  return { ...open, approvals: [...open.approvals, approval] }
}

/**
 * The hold refused for good; a released one that was not used yet can still be refused.
 *
 * @throws StoreError `ERR_HOLD_UNKNOWN`, `ERR_HOLD_CLOSED`, `ERR_HOLD_UNPROVEN`
 */
export function rejectHold(
  row: HoldRow | undefined,
  id: string,
  person: Decider,
  nowMs: number,
): { readonly row: HoldRow; readonly by: Approval } {
  const open = openOne(row, id, nowMs)
  const by = deciderOf(open, person, 'reject', nowMs)
  return { row: { ...open, rejectedBy: nameOf(by) }, by }
}

/**
 * Whether an approver has decided before: what does not count any more (a name where a signature is asked for, a key that
 * the policy has replaced) does not stand in the way of what would.
 */
function isSamePerson({ people }: HoldTerms, earlier: Approval, now: Approval): boolean {
  if (plainName(nameOf(earlier)) !== plainName(nameOf(now))) return false
  if (people === undefined) return true
  return isProven(earlier) && keyIn(people, earlier) !== undefined
}

/** Whether the hold is released, unexpired and unused. */
export function isUsable(row: HoldRow | undefined, nowMs: number): row is HoldRow {
  return row !== undefined && stateOf(row, nowMs) === 'released'
}

/** The hold as people and the callback line see it. */
export function holdOf(row: HoldRow, nowMs: number): Hold {
  const { id, terms, summary, asked } = row
  const { people } = terms
  const proven = row.approvals.filter(isProven)
  const counting = people && proven.filter((each) => keyIn(people, each) !== undefined)
  return {
    id,
    terms,
    summary,
    openedAt: new Date(row.openedMs).toISOString(),
    expiresAt: new Date(row.expiresMs).toISOString(),
    approvals: (counting ?? row.approvals).map(nameOf),
    approved: approvedBy(terms, row.approvals),
    keys: Object.fromEntries((counting ?? proven).map(({ by, key }) => [by, key])),
    ...(asked === undefined ? {} : { asked }),
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
  return approvedBy(row.terms, row.approvals) >= row.terms.approvals ? 'released' : 'waiting'
}
