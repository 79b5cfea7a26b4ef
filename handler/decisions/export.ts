/** Records as JSON lines for other systems; redacted by an allow-list unless evidence is asked for. */
import type { Database } from './database.ts'
import { sha256 } from './record.ts'
import type { DecisionContent, OperatorContent, RecordBody } from './record.ts'
import { readBody } from './record-body.ts'

export interface ExportOptions {
  /** First record. */
  readonly fromSeq: number
  /** Records at or after this time, in milliseconds since 1970. */
  readonly sinceMs: number
  /** Records before this time. */
  readonly untilMs: number
  /** The records as they are hashed, with the co-signer's tokens. */
  readonly withEvidence: boolean
}

interface Row {
  readonly seq: number
  readonly body: string
  readonly token: string | null
  readonly prev: string
  readonly hash: string
}

const PAGE = 1_000

/** One JSON object per record, without line ends. Records that cannot be read are exported as such, never skipped. */
export function* exportRecords(db: Database, options: ExportOptions): Generator<string> {
  const page = db.prepare<[number], Row>(
    `SELECT seq, body, token, prev, hash FROM chain WHERE seq >= ? ORDER BY seq LIMIT ${PAGE}`,
  )
  let next = options.fromSeq
  for (;;) {
    const rows = page.all(next)
    for (const row of rows) {
      next = row.seq + 1
      const body = readBody(row.body)
      const timeMs = Date.parse(body?.time ?? '')
      if (timeMs >= options.untilMs) return
      if (timeMs < options.sinceMs) continue
      yield JSON.stringify(options.withEvidence ? row : redact(row, body))
    }
    if (rows.length < PAGE) return
  }
}

/**
 * What is left without evidence: nothing that people or the policy's author wrote, no address, no token. Digests stand
 * for the token, the reason and the keys of limits, so that equal values can be seen to be equal.
 */
function redact({ seq, prev, hash }: Row, body: RecordBody | undefined): object {
  const place = { seq, prev, hash }
  if (body === undefined) return { ...place, kind: 'unreadable' }
  const { kind, time } = body
  if (kind === 'decision') return { ...place, kind, time, ...redactDecision(body) }
  if (kind === 'operator') return { ...place, kind, time, ...redactAct(body) }
  return { ...place, ...body }
}

function redactDecision(content: DecisionContent): object {
  const { endpoint, requestId, signerId, stage, digest, coreDigest, action, rule } = content
  const { policyDigest, cosigner, generation, owner, deliveryId, tokenSha256 } = content
  return {
    endpoint,
    requestId,
    signerId,
    stage,
    digest,
    coreDigest,
    action,
    rule,
    reasonSha256: sha256(content.reason),
    ...(content.proposed && {
      proposedAction: content.proposed.action,
      proposedRule: content.proposed.rule,
    }),
    policyDigest,
    cosigner,
    generation,
    owner,
    deliveryId,
    tokenSha256,
    rawTx: content.rawTx?.split(/\W/, 1)[0],
    shadow: content.shadow,
    charged: content.charged?.map(({ limit, key }) => ({ limit, keySha256: sha256(key) })),
  }
}

function redactAct({ act, by, note }: OperatorContent): object {
  return { act, bySha256: sha256(by), noteSha256: sha256(note) }
}
