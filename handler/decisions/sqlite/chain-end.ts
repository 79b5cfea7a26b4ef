/** How far the chain has come, and how far it is signed. */
import type { ChainEnd } from '../calls.ts'
import { checkpointSeq } from '../checkpoint.ts'
import { parseBody } from '../record.ts'
import type { ChainHead } from '../record.ts'
import type { Database } from './database.ts'

/** Records that the first look goes back; a checkpoint comes every thousand or every five minutes. */
const LOOK_BACK = 5_000

/** Reads the end; each look reads only the records that are new since the last. */
export function createChainEnd(db: Database, head: () => ChainHead): () => ChainEnd {
  const newest = db
    .prepare<[number], string>(
      `SELECT body FROM chain WHERE seq > ? AND body LIKE '%"kind":"checkpoint"%' ORDER BY seq DESC LIMIT 1`,
    )
    .pluck()
  let lookedUpTo: number | undefined
  let checkpoint: ChainEnd['checkpoint']
  return () => {
    const end = head()
    const body = newest.get(lookedUpTo ?? end.seq - LOOK_BACK)
    lookedUpTo = end.seq
    const record = body === undefined ? undefined : parseBody(body)
    if (record?.kind === 'checkpoint') {
      checkpoint = { signs: checkpointSeq(record.jws) ?? 0, at: record.time }
    }
    return { head: end, checkpoint }
  }
}
