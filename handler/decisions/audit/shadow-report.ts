/** Counts what a shadow policy would have decided otherwise, from the records; each request counts once. */
import { SEMANTICS } from '../../policy/evaluate.ts'
import type { Action } from '../../protocol/endpoints.ts'
import type { Database } from '../sqlite/database.ts'

/** One way in which the two policies differ. */
export interface ShadowDifference {
  readonly liveAction: Action
  readonly liveRule: string
  readonly action: Action
  readonly rule: string
  readonly requests: number
  /** The first record that shows it, and its request. */
  readonly firstSeq: number
  readonly requestId: string
}

export interface ShadowReport {
  /** Hex SHA-256 of the shadow policy; undefined when none was ever recorded. */
  readonly digest: string | undefined
  /** Requests that it was asked about. */
  readonly requests: number
  /** Of these, those where action and rule were the same. */
  readonly same: number
  /** The most frequent first. */
  readonly differences: readonly ShadowDifference[]
}

/** Notes of an earlier reading of conditions say nothing about today. */
const NOTES = `
  SELECT seq, body ->> 'digest' AS request, body ->> 'requestId' AS requestId,
    body ->> '$.shadow.action' AS action, body ->> '$.shadow.rule' AS rule,
    body ->> '$.shadow.liveAction' AS liveAction, body ->> '$.shadow.liveRule' AS liveRule
  FROM chain WHERE body ->> '$.shadow.digest' = ?
    AND coalesce(body ->> '$.shadow.semantics', 1) = ${SEMANTICS}`

/** Of the shadow policy with that digest, or of the last one that was recorded. */
export function shadowReport(db: Database, wanted: string | undefined): ShadowReport {
  const digest = wanted ?? lastDigest(db)
  if (digest === undefined) return { digest, requests: 0, same: 0, differences: [] }
  const groups = db
    .prepare<[string], ShadowDifference>(
      `WITH notes AS (${NOTES})
       SELECT liveAction, liveRule, action, rule, count(DISTINCT request) AS requests,
         min(seq) AS firstSeq, requestId
       FROM notes GROUP BY liveAction, liveRule, action, rule ORDER BY requests DESC, firstSeq`,
    )
    .all(digest)
  const isSame = (each: ShadowDifference) =>
    each.action === each.liveAction && each.rule === each.liveRule
  const sum = (some: readonly ShadowDifference[]) =>
    some.reduce((total, { requests }) => total + requests, 0)
  return {
    digest,
    requests: sum(groups),
    same: sum(groups.filter(isSame)),
    differences: groups.filter((each) => !isSame(each)),
  }
}

function lastDigest(db: Database): string | undefined {
  return db
    .prepare<[], string>(
      `SELECT body ->> '$.shadow.digest' FROM chain
       WHERE body ->> '$.shadow.digest' IS NOT NULL ORDER BY seq DESC LIMIT 1`,
    )
    .pluck()
    .get()
}
