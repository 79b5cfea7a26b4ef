/** Checks what approvals stand on that use a release: that its people had released it, and what it was carried to. */
import type { Database } from '../sqlite/database.ts'
import { isProofOf } from '../carried.ts'
import type { DecisionContent } from '../decision-fields.ts'
import { carriedName, holdsUsedBy } from '../hold-uses.ts'
import { holdIdOf } from '../holds.ts'
import { approvedBy } from '../proofs.ts'
import type { Approval } from '../proofs.ts'
import { parseBody } from '../record.ts'
import type { AskedContent, HeldContent } from '../record.ts'

/** What the records so far say of a hold. */
export interface HoldStory {
  /** How it was opened, or asked about anew; undefined for a hold of version 0.1.0. */
  readonly opened: HeldContent | AskedContent | undefined
  /** When it ends, in milliseconds since 1970. */
  readonly endsMs: number
  /** Who has approved. */
  readonly approvals: readonly Approval[]
  /** The record that used it up. */
  readonly usedBy: number | undefined
}

/** A decision and its row. */
export interface Judged {
  readonly content: DecisionContent
  readonly token: string | null
  readonly timeMs: number
}

/** What is wrong with the releases that a decision stands on, in words. */
export type ReleaseCheck = (judged: Judged, storyOf: (hold: string) => HoldStory) => string[]

/** Reads the approvals of the approval stage where a release was carried. */
export function createReleaseCheck(db: Database): ReleaseCheck {
  const rowAt = db.prepare<[number], { body: string; token: string | null }>(
    'SELECT body, token FROM chain WHERE seq = ?',
  )
  const ownerOfUse = db
    .prepare<[string], string>('SELECT owner FROM single_uses WHERE name = ?')
    .pluck()

  const carriedFrom = (id: string, { content, token, timeMs }: Judged, story: HoldStory) => {
    const { opened, endsMs, usedBy } = story
    const row = usedBy === undefined ? undefined : rowAt.get(usedBy)
    const approval = row && parseBody(row.body)
    if (approval?.kind !== 'decision') return [`carries the hold \`${id}\`, which was not used`]
    const isSame =
      approval.action === 'APPROVE' &&
      approval.stage === 'approval' &&
      approval.endpoint === content.endpoint &&
      approval.requestId === content.requestId &&
      approval.signerId === content.signerId &&
      approval.owner === content.owner
    if (!isSame) return [`carries the hold \`${id}\` of another request`]
    const problems: string[] = []
    if (approval.rule !== content.rule || opened?.terms.boundTo === undefined) {
      problems.push(`carries the hold \`${id}\` of another rule`)
    }
    if (timeMs >= endsMs) problems.push(`carries the hold \`${id}\` after its end`)
    if (content.stage !== 'signing' || content.rawTx !== 'verified') {
      problems.push(`carries the hold \`${id}\` without bytes that are verified`)
    }
    if (content.bytes === undefined || ownerOfUse.get(carriedName(id)) !== content.bytes) {
      problems.push(`carries the hold \`${id}\` to other bytes`)
    }
    if (token === null || !isProofOf(row?.token ?? null, token)) {
      problems.push(`carries the hold \`${id}\` to what people have not seen`)
    }
    return problems
  }

  return (judged, storyOf) => {
    const { own, carried } = holdsUsedBy(judged.content)
    return [
      ...own.flatMap((id) => {
        const { opened, approvals, endsMs } = storyOf(id)
        if (id !== holdIdOf(judged.content)) return [`uses the hold \`${id}\` of another request`]
        // Of a hold of version 0.1.0 no record says how many people it asks for, and until when.
        if (opened === undefined) return []
        const isReleased =
          approvedBy(opened.terms, approvals) >= opened.terms.approvals && judged.timeMs < endsMs
        return isReleased ? [] : [`uses the hold \`${id}\`, which was not released`]
      }),
      ...carried.flatMap((id) => carriedFrom(id, judged, storyOf(id))),
    ]
  }
}
