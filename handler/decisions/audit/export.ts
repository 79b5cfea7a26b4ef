/** Records as JSON lines for other systems; redacted by an allow-list unless evidence is asked for. */
import type { Database } from '../sqlite/database.ts'
import { sha256 } from '../../protocol/digest.ts'
import { redactDecision } from '../decision-fields.ts'
import { readBody } from '../record.ts'
import type { ChainRow, OperatorContent, RecordBody } from '../record.ts'

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

type Row = Omit<ChainRow, 'fingerprint'>

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

/** What is left without evidence; see `redactDecision`. */
function redact({ seq, prev, hash }: Row, body: RecordBody | undefined): object {
  const place = { seq, prev, hash }
  if (body === undefined) return { ...place, kind: 'unreadable' }
  const { kind, time } = body
  if (kind === 'decision') return { ...place, kind, time, ...redactDecision(body) }
  if (kind === 'operator') return { ...place, kind, time, ...redactAct(body) }
  if (kind === 'held' || kind === 'asked') {
    const { summary, ...rest } = body
    return { ...place, ...rest, summarySha256: sha256(summary) }
  }
  return { ...place, ...body }
}

function redactAct({ act, by, note, proof, release }: OperatorContent): object {
  const key = proof === undefined ? {} : { key: proof.key }
  const used = release === undefined ? {} : { release }
  return { act, bySha256: sha256(by), noteSha256: sha256(note), ...key, ...used }
}
