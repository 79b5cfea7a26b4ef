/**
 * Where to look for a request among all records, without a random disk write per decision.
 *
 * Each record that can be recalled carries a fingerprint of its request in its own row, which is appended anyway. The newest
 * such rows are indexed in memory; when they are many they are merged into `request_index`, sorted: at leisure, or under
 * load a few with each further record, so that no decision waits for all of them. Memory and start-up time therefore do
 * not grow with the history. A fingerprint may be shared by chance: whoever asks compares the records themselves.
 */
import { inTransaction } from '../../../common/sqlite.ts'
import { MAX_CANDIDATES } from '../requests.ts'
import type { Database } from './database.ts'

/** Newest entries kept in memory before they are merged; a start reads at most about twice as many rows. */
const TAIL = 16_384
/** Older entries that each new record takes along into the table: a merge is over before the next one begins. */
const TAKEN_ALONG = 2
/** Entries per transaction while nothing else is to be done: a few milliseconds. */
const SLICE = 512

interface Entry {
  readonly fingerprint: number
  readonly seq: number
}

/** Sequence numbers by fingerprint. */
type Entries = Map<number, number[]>

/** Entries on their way into the table; they are looked up here until all are there. */
interface Merge {
  readonly entries: Entries
  /** Their fingerprints, ascending, so that neighbours in the table are written together. */
  readonly order: Float64Array
  /** How many are written. */
  done: number
  /** The last record among them. */
  readonly upTo: number
}

export interface RequestIndex {
  /** Sequence numbers of at most `MAX_CANDIDATES` records with that fingerprint, ascending. */
  candidates(fingerprint: number): readonly number[]
  /** Enters a record that was appended in the transaction at hand, and merges a few older ones. */
  add(fingerprint: number, seq: number): void
  /** Reads the entries in memory again: after a rollback, or when another process has written. */
  reload(): void
  /** Merges a slice in a transaction of its own, when enough has gathered; whether there is more to do. */
  readonly merge: () => boolean
  /** Fingerprints greater than `after`, ascending, at most `limit`; entries in memory are not among them. */
  merged(after: number, limit: number): readonly number[]
  /** Fingerprints of the entries in memory. */
  unmerged(): readonly number[]
}

/** The index of an open database. */
export function createRequestIndex(db: Database): RequestIndex {
  const mergedSeq = db.prepare<[], number>('SELECT merged_seq FROM request_index_state').pluck()
  const setMergedSeq = db.prepare<[number]>('UPDATE request_index_state SET merged_seq = ?')
  const tail = db.prepare<[number], Entry>(
    'SELECT fingerprint, seq FROM chain WHERE seq > ? AND fingerprint IS NOT NULL ORDER BY seq',
  )
  const find = db
    .prepare<[number], number>(
      // A literal: SQLite compiles a statement again whenever a bound LIMIT changes or is bound anew.
      `SELECT seq FROM request_index WHERE fingerprint = ? ORDER BY seq LIMIT ${MAX_CANDIDATES}`,
    )
    .pluck()
  const scan = db
    .prepare<[number, number], number>(
      'SELECT fingerprint FROM request_index WHERE fingerprint > ? ORDER BY fingerprint LIMIT ?',
    )
    .pluck()
  const insert = db.prepare<[number, number]>(
    'INSERT OR IGNORE INTO request_index (fingerprint, seq) VALUES (?, ?)',
  )

  let recent: Entries = new Map()
  let size = 0
  let newest = 0
  let merging: Merge | undefined

  const remember = (fingerprint: number, seq: number) => {
    const known = recent.get(fingerprint)
    if (known === undefined) recent.set(fingerprint, [seq])
    else known.push(seq)
    size += 1
    newest = seq
  }
  const reload = () => {
    merging = undefined
    recent = new Map()
    size = 0
    for (const { fingerprint, seq } of tail.iterate(mergedSeq.get() ?? 0)) {
      remember(fingerprint, seq)
    }
  }
  const begin = (): Merge => {
    const entries = recent
    recent = new Map()
    size = 0
    return { entries, order: Float64Array.from(entries.keys()).toSorted(), done: 0, upTo: newest }
  }
  /** Belongs into a transaction; should that fail, everything must be read again. */
  const mergeSome = (count: number) => {
    if (merging === undefined && size >= TAIL) merging = begin()
    if (merging === undefined) return
    const { entries, order, done, upTo } = merging
    for (const fingerprint of order.subarray(done, done + count)) {
      for (const seq of entries.get(fingerprint) ?? []) insert.run(fingerprint, seq)
    }
    merging.done += count
    if (merging.done < order.length) return
    setMergedSeq.run(upTo)
    merging = undefined
  }

  reload()
  return {
    candidates: (fingerprint) => {
      const older = find.all(fingerprint)
      const newer = [merging?.entries.get(fingerprint), recent.get(fingerprint)].flatMap(
        (seqs) => seqs ?? [],
      )
      // While a merge is under way an entry may be in both places.
      return newer.length === 0
        ? older
        : [...new Set([...older, ...newer])].slice(0, MAX_CANDIDATES)
    },
    add: (fingerprint, seq) => {
      remember(fingerprint, seq)
      mergeSome(TAKEN_ALONG)
    },
    reload,
    merge: () => {
      if (merging === undefined && size < TAIL) return false
      try {
        inTransaction(db, 'IMMEDIATE', () => mergeSome(SLICE))
      } catch (error) {
        reload()
        throw error
      }
      return merging !== undefined
    },
    merged: (after, limit) => scan.all(after, limit),
    unmerged: () => [...(merging?.entries.keys() ?? []), ...recent.keys()],
  }
}
