/** Checks evidence that is stored once: a repeated RETRY names the record of the first one, which has the token. */
import type { DecisionContent } from '../decision-fields.ts'
import { readBody } from '../record.ts'
import type { ChainRow } from '../record.ts'
import type { Database } from '../sqlite/database.ts'

/** The evidence of a decision, and what is wrong with where it is said to be, in words. */
export interface FoundEvidence {
  readonly token: string | null
  readonly problem?: string
}

/** Finds the evidence of decisions; that the token in a record is its own is checked with that record. */
export function createEvidenceCheck(
  db: Database,
): (row: Pick<ChainRow, 'seq' | 'token'>, content: DecisionContent) => FoundEvidence {
  const rowAt = db.prepare<[number], Pick<ChainRow, 'body' | 'token'>>(
    'SELECT body, token FROM chain WHERE seq = ?',
  )
  return ({ seq, token }, content) => {
    const { evidenceIn } = content
    if (evidenceIn === undefined) return { token }
    if (content.action !== 'RETRY') return { token, problem: 'evidence is that of another record' }
    const first = evidenceIn < seq ? rowAt.get(evidenceIn) : undefined
    const body = first && readBody(first.body)
    const found = first?.token ?? null
    if (body?.kind !== 'decision' || found === null || !isSameRequest(body, content)) {
      return { token, problem: `evidence is not in record ${evidenceIn}` }
    }
    return { token: found }
  }
}

/** Members that are the same in all records of one request; stage and digests are, within one version of the identity. */
const SAME = ['action', 'endpoint', 'requestId', 'signerId', 'owner', 'cosigner'] as const
const SAME_IDENTITY = ['stage', 'digest', 'coreDigest'] as const

function isSameRequest(one: DecisionContent, other: DecisionContent): boolean {
  const names = one.identity === other.identity ? [...SAME, ...SAME_IDENTITY] : SAME
  return names.every((name) => one[name] === other[name])
}
