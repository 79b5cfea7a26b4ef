/** What became of one transaction, request or hold: all records about it, in the order in which they were written. */
import { holdIdOf } from '../holds.ts'
import { parseBody } from '../record.ts'
import type { ChainRow, RecordBody } from '../record.ts'
import type { Database } from '../sqlite/database.ts'

/** One record about it. */
export interface StoryRecord {
  readonly seq: number
  readonly text: string
  readonly body: RecordBody
  /** What the co-signer signed; with decisions. */
  readonly token: string | null
}

export interface Story {
  readonly records: readonly StoryRecord[]
  /** The first checkpoint after the last record; undefined while nothing signs all of them. */
  readonly checkpointSeq: number | undefined
}

type Row = Pick<ChainRow, 'seq' | 'body'>

/**
 * The records about an id: a transaction's (`txId`), a request's (`requestId`) or a hold's. Reads the chain once, without
 * verifying it: that is what `audit verify` is for. `looked` hears now and then how far it is.
 */
export function storyOf(
  db: Database,
  id: string,
  looked: (seq: number, last: number) => void = () => undefined,
): Story {
  const rows = db.prepare<[], Row>('SELECT seq, body FROM chain ORDER BY seq').iterate()
  const last = db.prepare<[], number>('SELECT MAX(seq) FROM chain').pluck().get() ?? 0
  const tokenOf = db
    .prepare<[number], string | null>('SELECT token FROM chain WHERE seq = ?')
    .pluck()
  const records: StoryRecord[] = []
  const holds = new Set([id])
  let checkpointSeq: number | undefined
  for (const { seq, body: text } of rows) {
    if (seq % 100_000 === 0) looked(seq, last)
    const body = parseBody(text)
    if (body.kind === 'checkpoint') checkpointSeq ??= seq
    if (!isAbout(body, id, holds)) continue
    const evidenceIn = body.kind === 'decision' ? body.evidenceIn : undefined
    records.push({ seq, text, body, token: tokenOf.get(evidenceIn ?? seq) ?? null })
    checkpointSeq = undefined
  }
  return { records, checkpointSeq: records.length === 0 ? undefined : checkpointSeq }
}

/** Adds the holds of the decisions to `holds`: acts on them come later in the chain. */
function isAbout(body: RecordBody, id: string, holds: Set<string>): boolean {
  if (body.kind === 'operator')
    return [body.subject, body.release].some((each) => each === id || holds.has(each ?? ''))
  if (body.kind === 'asked') return body.subject === id || body.hold === id
  if (body.kind !== 'decision') return false
  const hold = holdIdOf(body)
  const isOfHold = holds.has(hold) || (body.hold !== undefined && holds.has(body.hold))
  if (body.owner !== id && body.requestId !== id && !isOfHold) return false
  holds.add(hold)
  return true
}
