/** What a hold is about: the first record of its request, looked for from the moment at which the hold was opened. */
import { holdIdOf } from '../holds.ts'
import type { HoldRow } from '../holds.ts'
import type { HoldEvidence } from '../operations.ts'
import { parseBody } from '../record.ts'
import type { Database } from './database.ts'

interface Row {
  readonly seq: number
  readonly body: string
}

/** Records that are looked at: it is the next one, unless many are written at the same moment or the first was lost. */
const MAX_RECORDS = 20_000

/** Finds the evidence of a hold; undefined while there is no record. */
export function createHoldEvidence(db: Database): (hold: HoldRow) => HoldEvidence | undefined {
  const last = db.prepare<[], number>('SELECT MAX(seq) FROM chain').pluck()
  const first = db.prepare<[], number>('SELECT MIN(seq) FROM chain').pluck()
  const bodyOf = db.prepare<[number], string>('SELECT body FROM chain WHERE seq = ?').pluck()
  const from = db.prepare<[number, number], Row>(
    'SELECT seq, body FROM chain WHERE seq >= ? ORDER BY seq LIMIT ?',
  )
  const tokenOf = db
    .prepare<[number], string | null>('SELECT token FROM chain WHERE seq = ?')
    .pluck()

  /** The first record that is not older; times never go back. */
  const seqAt = (timeMs: number): number => {
    let [low, high] = [first.get() ?? 1, (last.get() ?? 0) + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const body = bodyOf.get(middle)
      if (body !== undefined && Date.parse(parseBody(body).time) < timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  return ({ id, openedMs }) => {
    for (const { seq, body } of from.iterate(seqAt(openedMs), MAX_RECORDS)) {
      const record = parseBody(body)
      if (record.kind !== 'decision' || holdIdOf(record) !== id) continue
      const token = tokenOf.get(record.evidenceIn ?? seq)
      if (typeof token === 'string') return { record, token }
    }
    return undefined
  }
}
