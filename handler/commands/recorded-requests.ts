/** Reads the requests behind past decisions from the decision store, without writing to it. */
import { z } from 'zod'
import { CountersignError, messageOf } from '../../common/errors.ts'
import { openSqlite } from '../../common/sqlite.ts'
import type { Database } from '../../common/sqlite.ts'
import { parseBody } from '../decisions/chain.ts'
import type { RecordedRequest } from '../policy/replay.ts'
import { contentOf } from './request-input.ts'

interface Row {
  readonly seq: number
  readonly body: string
  readonly token: string
}

const time = z.iso.datetime({ offset: true }).pipe(z.coerce.date())

/**
 * The decisions that the store still has tokens of, oldest first. Neither the audit chain nor the tokens are verified
 * again: that is what `audit verify` is for. Throws `CountersignError` when the store cannot be opened.
 */
export function* recordedRequests(databasePath: string): Generator<RecordedRequest> {
  const db = open(databasePath)
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

function open(path: string): Database {
  try {
    return openSqlite(path, { readOnly: true })
  } catch (cause) {
    throw new CountersignError(`\`${path}\` cannot be opened: ${messageOf(cause)}`, {
      hint: 'name the decision store with `--store`, or set HANDLER_STATE_DIR',
      cause,
    })
  }
}
