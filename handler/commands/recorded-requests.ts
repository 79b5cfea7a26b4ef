/** Requests behind past decisions, read from the decision store without writing to it. */
import { z } from 'zod'
import { parseBody } from '../decisions/record.ts'
import type { RecordedRequest } from '../policy/replay.ts'
import { openForReading } from './open-store.ts'
import { contentOf } from './request-input.ts'

interface Row {
  readonly seq: number
  readonly body: string
  readonly token: string
}

const time = z.iso.datetime({ offset: true }).pipe(z.coerce.date())

/**
 * The decisions that the store still has tokens of, oldest first. Neither the audit chain nor the tokens are verified
 * again: that is what `audit verify` is for.
 *
 * @throws StoreError when the store cannot be opened
 */
export function* recordedRequests(databasePath: string): Generator<RecordedRequest> {
  const db = openForReading(databasePath)
  try {
    const rows = db
      .prepare<[], Row>('SELECT seq, body, token FROM chain WHERE token IS NOT NULL ORDER BY seq')
      .iterate()
    for (const { seq, body, token } of rows) {
      const record = parseBody(body)
      if (record.kind !== 'decision') continue
      const { endpoint, cosigner, action, rule } = record
      const known = { now: time.parse(record.time), cosigner }
      yield { seq, endpoint, claims: contentOf(token)?.claims, known, action, rule }
    }
  } finally {
    db.close()
  }
}
