/** Requests behind past decisions, read from the decision store without writing to it. */
import { z } from 'zod'
import { parseBody } from '../decisions/record.ts'
import type { RecordedRequest } from '../policy/replay.ts'
import { openForReading } from './open-store.ts'
import { contentOf } from './request-input.ts'

interface Row {
  readonly seq: number
  readonly body: string
  readonly token: string | null
}

const time = z.iso.datetime({ offset: true }).pipe(z.coerce.date())

/**
 * The decisions that the store has tokens of, oldest first; a repeated RETRY has that of the first one. Neither the audit chain nor the tokens are verified
 * again: that is what `audit verify` is for.
 *
 * @throws StoreError when the store cannot be opened
 */
export function* recordedRequests(databasePath: string): Generator<RecordedRequest> {
  const db = openForReading(databasePath)
  try {
    const rows = db.prepare<[], Row>('SELECT seq, body, token FROM chain ORDER BY seq').iterate()
    const tokenOf = db
      .prepare<[number], string | null>('SELECT token FROM chain WHERE seq = ?')
      .pluck()
    for (const { seq, body, token: own } of rows) {
      const record = parseBody(body)
      if (record.kind !== 'decision') continue
      const token = own ?? tokenOf.get(record.evidenceIn ?? seq)
      if (typeof token !== 'string') continue
      const { endpoint, cosigner, action, rule } = record
      const known = { now: time.parse(record.time), cosigner }
      yield { seq, endpoint, claims: contentOf(token)?.claims, known, action, rule }
    }
  } finally {
    db.close()
  }
}
