/** The feed: which records of the chain tell somebody something, page by page. */
import type { Hold } from './operations.ts'
import type { RecordBody } from './record.ts'

/** Rules without a policy's say whose decisions are worth telling. */
const TOLD_RULES: ReadonlySet<string> = new Set([
  'contradiction',
  'raw-tx',
  'conflict',
  'malformed',
  'uncertain',
])

/** One record that tells something. */
export interface FeedItem {
  readonly seq: number
  readonly body: RecordBody
  /** The hold that it is about, as it stands now, its state left out. */
  readonly hold: FeedHold | undefined
}

export type FeedHold = Omit<Hold, 'state'>

/** What some records tell. */
export interface FeedPage {
  readonly items: readonly FeedItem[]
  /** Number of the last record that was looked at. */
  readonly upTo: number
  /** Number of the last record there is. */
  readonly head: number
}

/** Records that are looked at in one go: a thread that writes decisions reads them. */
export const FEED_RECORDS = 200

/** Whether a record tells something; `isIndexed`: it is one by which its request is recalled. */
export function tells(body: RecordBody, isIndexed: boolean): boolean {
  if (body.kind !== 'decision') {
    return (
      body.kind === 'held' ||
      body.kind === 'asked' ||
      body.kind === 'alarm' ||
      body.kind === 'operator'
    )
  }
  if (body.differs !== undefined) return true
  // A RETRY is recorded at each delivery; the first one is told.
  return TOLD_RULES.has(body.rule) && (isIndexed || body.action !== 'RETRY')
}

/** Id of the hold that a record is about. */
export function holdOfRecord(body: RecordBody): string | undefined {
  if (body.kind === 'held' || body.kind === 'asked') return body.hold
  if (body.kind !== 'operator') return undefined
  return body.act.startsWith('hold-') ? body.subject : undefined
}
