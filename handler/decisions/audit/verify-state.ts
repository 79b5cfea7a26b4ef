/** Checks the tables that decisions are read from against the chain that explains them. */
import type { Database } from '../sqlite/database.ts'
import type { HoldColumns, StoredTerms } from '../sqlite/hold-tables.ts'
import { fingerprintOf } from '../../protocol/digest.ts'
import type { DecisionContent } from '../decision-fields.ts'
import { carriedName, heldName, holdsUsedBy } from '../hold-uses.ts'
import { addFreeze, freezeActOf, freezeRowOf } from '../freeze.ts'
import type { FreezeRow } from '../freeze.ts'
import type { Freeze } from '../../../common/admin-api.ts'
import type { AskedContent, ChainRow, HeldContent, OperatorContent, RecordBody } from '../record.ts'
import { MAX_CANDIDATES } from '../requests.ts'
import { variantOwner } from '../variants.ts'
import { approvedBy } from '../proofs.ts'
import type { Approval } from '../proofs.ts'
import { approvalIn, createProofCheck } from './verify-proofs.ts'
import { createReleaseCheck } from './verify-releases.ts'
import type { HoldStory } from './verify-releases.ts'
import { createLimitCheck } from './verify-limits.ts'
import { createVariantCheck } from './verify-variants.ts'

export interface StateCheck {
  /** Checks what one sound record explains; problems in words. */
  record(row: ChainRow, body: RecordBody): readonly string[]
  /** Checks what only the whole chain explains; `nowMs` is the chain's time. */
  finish(nowMs: number): readonly string[]
  /** Holds whose opening no record tells; after `finish`. */
  readonly unrecordedHolds: () => number
}

/** Checks beside one pass over the chain, record by record in order. */
export function createStateCheck(db: Database): StateCheck {
  const mergedSeq =
    db.prepare<[], number>('SELECT merged_seq FROM request_index_state').pluck().get() ?? 0
  const indexed = db
    .prepare<[number], number>(
      `SELECT seq FROM request_index WHERE fingerprint = ? ORDER BY seq LIMIT ${MAX_CANDIDATES}`,
    )
    .pluck()
  const bodyOf = db.prepare<[number], string>('SELECT body FROM chain WHERE seq = ?').pluck()
  const ownerOfUse = db
    .prepare<[string], string>('SELECT owner FROM single_uses WHERE name = ?')
    .pluck()
  const recent = new Map<number, number[]>()
  const limits = createLimitCheck(db)
  const variants = createVariantCheck(db)
  const approvals = new Map<string, readonly Approval[]>()
  const proofs = createProofCheck()
  const rejections = new Map<string, string>()
  const uses = new Map<string, number>()
  const opened = new Map<string, HeldContent | AskedContent>()
  const ends = new Map<string, { readonly fromMs: number; readonly untilMs: number }>()
  const releases = createReleaseCheck(db)
  const storyOf = (hold: string): HoldStory => ({
    opened: opened.get(hold),
    endsMs: ends.get(hold)?.untilMs ?? 0,
    approvals: approvals.get(hold) ?? [],
    usedBy: uses.get(hold),
  })
  let freeze: Freeze | undefined
  let merged = 0
  let unrecorded = 0

  const checkIndex = ({ seq, fingerprint }: ChainRow, content: DecisionContent): string[] => {
    const key = fingerprintOf(content)
    const older = indexed.all(key)
    const all = [...new Set([...older, ...(recent.get(key) ?? [])])].filter((one) => one < seq)
    if (fingerprint === null) {
      const enough = content.action === 'RETRY' ? 1 : MAX_CANDIDATES
      return all.length >= enough ? [] : ['cannot be recalled']
    }
    if (seq <= mergedSeq) merged += 1
    else recent.set(key, [...(recent.get(key) ?? []), seq])
    if (seq <= mergedSeq && older.length < MAX_CANDIDATES && !older.includes(seq)) {
      return ['is missing from the request index']
    }
    const again = all.some((one) => decidesTheSame(bodyOf.get(one), content))
    return again ? ['decides a request that was decided before'] : []
  }
  const checkDecision = (row: ChainRow, content: DecisionContent, timeMs: number): string[] => {
    const problems = checkIndex(row, content)
    const { own, carried } = holdsUsedBy(content)
    const ofHolds = new Set([...own.map(heldName), ...carried.map(carriedName)])
    for (const name of content.used ?? []) {
      if (ofHolds.has(name)) continue
      if (ownerOfUse.get(name) !== ownerOf(content)) problems.push('a single use is not kept')
    }
    problems.push(...releases({ content, token: row.token, timeMs }, storyOf))
    for (const hold of own) uses.set(hold, row.seq)
    problems.push(...variants.record(content, row.seq))
    limits.charged(content, row.seq, timeMs)
    return problems
  }
  const noteAct = (content: OperatorContent, time: string): string[] => {
    const { act, subject, by, note } = content
    if (act === 'freeze' || act === 'freeze-again') {
      const asked = freezeActOf(subject === 'RETRY' ? 'RETRY' : 'REJECT', { by, note }, time)
      freeze = addFreeze(act === 'freeze' ? undefined : freeze, asked)
    }
    if (act === 'unfreeze') freeze = undefined
    if (act === 'hold-approve') {
      const approval = approvalIn(content, time)
      approvals.set(subject, [...(approvals.get(subject) ?? []), approval])
    }
    if (act === 'hold-reject') rejections.set(subject, by)
    if (act === 'release-charges') limits.released(subject)
    return proofs.record(content, opened.get(subject), Date.parse(time))
  }
  const noteAsked = (body: AskedContent, timeMs: number) => {
    const { hold, terms } = body
    for (const each of [approvals, rejections, uses]) each.delete(hold)
    opened.set(hold, body)
    ends.set(hold, { fromMs: timeMs, untilMs: timeMs + terms.expiresMs })
  }
  /** An act that people had approved uses that up. */
  const checkRelease = (release: string | undefined, seq: number, timeMs: number): string[] => {
    if (release === undefined) return []
    const held = opened.get(release)
    const isReleased =
      held?.kind === 'asked' &&
      approvedBy(held.terms, approvals.get(release) ?? []) >= held.terms.approvals &&
      timeMs < (ends.get(release)?.untilMs ?? 0) &&
      !rejections.has(release) &&
      !uses.has(release)
    uses.set(release, seq)
    return isReleased ? [] : [`is done by the release of \`${release}\`, which there was not`]
  }
  const noteHeld = (body: HeldContent, seq: number, timeMs: number): string[] => {
    const { hold, after, terms } = body
    const known = opened.get(hold)
    const again = known !== undefined && after === undefined
    // What people said stands for their rule; a hold of version 0.1.0 is bound to none.
    const isMoved =
      after === 'terms' &&
      known?.terms.boundTo !== undefined &&
      known.terms.boundTo !== terms.boundTo
    opened.set(hold, body)
    const before = after === 'terms' ? ends.get(hold) : undefined
    const fromMs = before?.fromMs ?? timeMs
    const untilMs = Math.min(before?.untilMs ?? Infinity, fromMs + terms.expiresMs)
    ends.set(hold, { fromMs, untilMs })
    if (after === 'rule') approvals.delete(hold)
    return [
      ...(again ? [`record ${seq} opens a hold that was opened before`] : []),
      ...(isMoved ? [`record ${seq} lets what people said stand for another rule`] : []),
    ]
  }
  const checkHolds = (): string[] => {
    const rows = db
      .prepare<[], HoldColumns>(
        'SELECT id, terms, summary, opened, expires, approvals, rejected_by, used FROM holds',
      )
      .iterate()
    const problems: string[] = []
    for (const row of rows) {
      const { id, approvals: given, rejected_by: rejectedBy, used } = row
      if (!isAsOpened(row, opened.get(id)))
        problems.push(`the hold \`${id}\` is not as it was opened`)
      if (!opened.delete(id)) unrecorded += 1
      const same =
        given === JSON.stringify(approvals.get(id) ?? []) &&
        rejectedBy === (rejections.get(id) ?? null) &&
        used === (uses.get(id) ?? null)
      if (!same) problems.push(`the hold \`${id}\` is not as its records say`)
      approvals.delete(id)
      rejections.delete(id)
      uses.delete(id)
    }
    const lost = approvals.size + rejections.size + uses.size + opened.size
    return lost === 0 ? problems : [...problems, `${lost} records are of holds that are missing`]
  }
  const checkFreeze = (): string[] => {
    const row = db
      .prepare<[], Omit<FreezeRow, 'since'>>('SELECT action, person, reason FROM freeze')
      .get()
    const due = freeze && freezeRowOf(freeze)
    const same =
      row?.action === due?.action && row?.person === due?.person && row?.reason === due?.reason
    return same ? [] : ['the freeze is not as its records say']
  }

  return {
    unrecordedHolds: () => unrecorded,
    record: (row, body) => {
      if (body.kind === 'created') proofs.created(body.storeId)
      const timeMs = Date.parse(body.time)
      if (body.kind === 'operator') {
        const problems = noteAct(body, body.time)
        return [...problems, ...checkRelease(body.release, row.seq, timeMs)]
      }
      if (body.kind === 'asked') noteAsked(body, timeMs)
      if (body.kind === 'held') return noteHeld(body, row.seq, timeMs)
      return body.kind === 'decision' ? checkDecision(row, body, timeMs) : []
    },
    finish: (nowMs) => {
      const inIndex = db
        .prepare<[number], number>('SELECT count(*) FROM request_index WHERE seq <= ?')
        .pluck()
        .get(mergedSeq)
      const index = inIndex === merged ? [] : ['the request index has entries of no record']
      return [
        ...index,
        ...limits.finish(nowMs),
        ...variants.finish(),
        ...checkHolds(),
        ...checkFreeze(),
      ]
    },
  }
}

/** Whether a hold is what its record says; those of version 0.1.0 have none. */
function isAsOpened(row: HoldColumns, record: HeldContent | AskedContent | undefined): boolean {
  if (record === undefined) return true
  const { approvals, expiresMs, onExpiry, boundTo, people, asked }: StoredTerms = JSON.parse(
    row.terms,
  )
  const { terms } = record
  const after = record.kind === 'held' ? record.after : undefined
  const lasts = row.expires - row.opened
  return (
    row.summary === record.summary &&
    approvals === terms.approvals &&
    expiresMs === terms.expiresMs &&
    onExpiry === terms.onExpiry &&
    boundTo === terms.boundTo &&
    JSON.stringify(people) === JSON.stringify(terms.people) &&
    asked?.nonce === record.nonce &&
    asked?.rule === record.rule &&
    (asked === undefined || asked.digest === record.digest) &&
    // Other terms never make it last longer.
    (after === 'terms' ? lasts <= expiresMs : lasts === expiresMs)
  )
}

function ownerOf({ owner, variant = 1 }: DecisionContent): string {
  return variantOwner(owner, variant)
}

/** Whether an earlier record is a final decision of the very same request. */
function decidesTheSame(text: string | undefined, content: DecisionContent): boolean {
  if (text === undefined || content.action === 'RETRY') return false
  const earlier: Partial<DecisionContent> = JSON.parse(text)
  return (
    earlier.action !== 'RETRY' &&
    earlier.endpoint === content.endpoint &&
    earlier.requestId === content.requestId &&
    earlier.signerId === content.signerId &&
    earlier.stage === content.stage &&
    earlier.digest === content.digest
  )
}
