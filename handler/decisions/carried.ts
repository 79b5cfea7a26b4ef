/**
 * Carried releases: what people released at the approval stage serves the signing request that follows, when its bytes prove
 * what they saw. See docs/decisions/charges.md.
 */
import type { HoldTerms } from '../policy/decision.ts'
import { sha256 } from '../protocol/digest.ts'
import type { RequestKey } from '../protocol/digest.ts'
import { readRecord } from './chain.ts'
import { isWhatWasSeen } from './cores.ts'
import type { DecisionContent } from './decision-fields.ts'
import { carriedName, holdsUsedBy } from './hold-uses.ts'
import type { HeldKey, HoldRow } from './holds.ts'
import type { ProvenRequest } from './operations.ts'
import { approvedBy } from './proofs.ts'
import type { ChainRow } from './record.ts'
import type { UseRow } from './snapshot.ts'
import type { NewDecision } from './store.ts'
import { transactionIn } from './variants.ts'

/** A signing request whose bytes are verified, under the terms that its rule asks for. */
export interface Proven extends ProvenRequest {
  readonly key: RequestKey
  readonly terms: HoldTerms
}

/** An approval of the approval stage that used up a hold. */
export interface Release {
  readonly seq: number
  /** Id of the hold. */
  readonly hold: string
  readonly owner: string
  /** The co-signer's token; null where it was not loaded, or is not that of the record. */
  readonly token: string | null
}

/** What a store holds of releases. */
export interface KnownReleases {
  /** The records with the fingerprint of the request; tokens with those of `releasesIn`. */
  readonly rows: readonly ChainRow[]
  readonly hold: (id: string) => HoldRow | undefined
  readonly use: (name: string) => Pick<UseRow, 'owner'> | undefined
}

/** The releases that may serve a signing request: those of the same request and signer. */
export function releasesIn(rows: readonly ChainRow[], key: HeldKey): readonly Release[] {
  return rows.flatMap((row) => {
    const { seq, body } = readRecord(row)
    if (body.kind !== 'decision' || !isApprovalOf(body, key)) return []
    const { owner, tokenSha256 } = body
    const token = row.token !== null && sha256(row.token) === tokenSha256 ? row.token : null
    return holdsUsedBy(body).own.map((hold) => ({ seq, hold, owner, token }))
  })
}

function isApprovalOf(body: DecisionContent, { endpoint, requestId, signerId }: HeldKey): boolean {
  return (
    body.action === 'APPROVE' &&
    body.stage === 'approval' &&
    body.endpoint === endpoint &&
    body.requestId === requestId &&
    body.signerId === signerId
  )
}

/** The hold of the approval stage that serves a signing request; undefined when people are to be asked. */
export function carrierOf(
  proven: Proven,
  { rows, hold, use }: KnownReleases,
  nowMs: number,
): HoldRow | undefined {
  if (proven.key.stage !== 'signing') return undefined
  for (const release of releasesIn(rows, proven.key)) {
    const row = hold(release.hold)
    const before = use(carriedName(release.hold))
    const isFirst = before === undefined || before.owner === proven.bytes
    if (row?.usedSeq === release.seq && isFirst && serves(row, release, proven, nowMs)) return row
  }
  return undefined
}

function serves(
  { terms: { boundTo }, approvals, openedMs, expiresMs }: HoldRow,
  release: Release,
  { terms, token, owner }: Proven,
  nowMs: number,
): boolean {
  return (
    boundTo !== undefined &&
    boundTo === terms.boundTo &&
    approvedBy(terms, approvals) >= terms.approvals &&
    nowMs < Math.min(expiresMs, openedMs + terms.expiresMs) &&
    release.owner === owner &&
    isProofOf(release.token, token)
  )
}

/** Whether people who released the one transaction saw what the other signs. What cannot be read was not seen. */
export function isProofOf(released: string | null, signed: string): boolean {
  if (released === null) return false
  const [seen, now] = [transactionIn(released), transactionIn(signed)]
  return seen !== undefined && now !== undefined && isWhatWasSeen(seen, now)
}

/** What a decision carries, as it must be proved again when it is recorded; undefined when it is not proved at all. */
export function provenIn({ key, evidence, bytes, carried }: NewDecision): Proven | undefined {
  const { token, owner, rawTx } = evidence
  if (carried === undefined || bytes === undefined || rawTx !== 'verified') return undefined
  return { key, terms: carried.terms, token, owner, bytes }
}
