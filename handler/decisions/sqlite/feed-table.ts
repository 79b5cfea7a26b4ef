/** The feed, read from the tables of an open database. */
import { FEED_RECORDS, holdOfRecord, tells } from '../feed.ts'
import type { FeedHold, FeedItem, FeedPage } from '../feed.ts'
import { holdOf } from '../holds.ts'
import { parseBody } from '../record.ts'
import type { Database } from './database.ts'
import type { HoldTables } from './hold-tables.ts'

interface Row {
  readonly seq: number
  readonly indexed: number
  readonly body: string
}

/** Reads a page of the feed; `head` is the number of the last record. */
export function createFeed(
  db: Database,
  holds: HoldTables,
  head: () => number,
): (seq: number) => FeedPage {
  const after = db.prepare<[number], Row>(
    `SELECT seq, fingerprint IS NOT NULL AS indexed, body FROM chain
     WHERE seq > ? ORDER BY seq LIMIT ${FEED_RECORDS}`,
  )
  const holdBy = (id: string | undefined): FeedHold | undefined => {
    const row = id === undefined ? undefined : holds.hold(id)
    if (row === undefined) return undefined
    const { state: _, ...hold } = holdOf(row, row.openedMs)
    return hold
  }
  const itemOf = ({ seq, indexed, body: text }: Row): FeedItem[] => {
    const body = parseBody(text)
    return tells(body, indexed === 1) ? [{ seq, body, hold: holdBy(holdOfRecord(body)) }] : []
  }
  return (seq) => {
    const rows = after.all(seq)
    return { items: rows.flatMap(itemOf), upTo: rows.at(-1)?.seq ?? seq, head: head() }
  }
}
