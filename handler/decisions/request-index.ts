/**
 * Where to look for a request among all records, without a random disk write per decision.
 *
 * Each record that can be recalled carries a fingerprint of its request in its own row, which is appended anyway. The newest
 * such rows are indexed in memory; from time to time they are merged into `request_index`, sorted and in small
 * transactions. Memory and start-up time therefore do not grow with the history. A fingerprint may be shared by
 * chance: whoever asks compares the records themselves.
 */
import type { Database } from './database.ts'

/** Newest entries kept in memory before they are merged; a start reads at most about twice as many rows. */
const TAIL = 16_384
/**
 * Records that are looked at for one fingerprint. The vendor sends two or three contents under one request id; whoever
 * sends more than this is refused, at a constant cost.
 */
export const MAX_CANDIDATES = 64
/** Entries per merge transaction: a few milliseconds. */
const SLICE = 1_024

interface Entry {
  readonly fingerprint: number
  readonly seq: number
}

/** Entries still to be written, sorted by fingerprint, and the last record that the merge covers. */
interface Merge {
  readonly entries: readonly Entry[]
  readonly upTo: number
}

export interface RequestIndex {
  /** Sequence numbers of at most `MAX_CANDIDATES` records with that fingerprint, ascending. */
  candidates(fingerprint: number): readonly number[]
  /** Enters a record that was appended in the transaction at hand. */
  add(fingerprint: number, seq: number): void
  /** Reads the entries in memory again: after a rollback, or when another process has written. */
  reload(): void
  /** Merges a slice when enough has gathered; whether there is more to do at once. */
  merge(): boolean
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

  let recent = new Map<number, number[]>()
  let size = 0
  let merging: Merge | undefined

  const add = (fingerprint: number, seq: number) => {
    const known = recent.get(fingerprint)
    if (known === undefined) recent.set(fingerprint, [seq])
    else known.push(seq)
    size += 1
  }
  const reload = () => {
    merging = undefined
    recent = new Map()
    size = 0
    for (const { fingerprint, seq } of tail.iterate(mergedSeq.get() ?? 0)) add(fingerprint, seq)
  }
  const begin = (): Merge => {
    const entries = Array.from(recent, ([fingerprint, seqs]) =>
      seqs.map((seq) => ({ fingerprint, seq })),
    ).flat()
    const upTo = entries.reduce((most, { seq }) => Math.max(most, seq), 0)
    return { entries: entries.toSorted((a, b) => a.fingerprint - b.fingerprint), upTo }
  }
  const forget = (upTo: number) => {
    const kept = Array.from(recent).flatMap(([fingerprint, seqs]) =>
      seqs.filter((seq) => seq > upTo).map((seq) => ({ fingerprint, seq })),
    )
    recent = new Map()
    size = 0
    for (const { fingerprint, seq } of kept) add(fingerprint, seq)
  }
  const writeSlice = db.transaction((entries: readonly Entry[], upTo: number | undefined) => {
    for (const { fingerprint, seq } of entries) insert.run(fingerprint, seq)
    if (upTo !== undefined) setMergedSeq.run(upTo)
  })

  reload()
  return {
    candidates: (fingerprint) => {
      const older = find.all(fingerprint)
      const newer = recent.get(fingerprint)
      // While a merge is under way an entry may be in both places.
      return newer === undefined
        ? older
        : [...new Set([...older, ...newer])].slice(0, MAX_CANDIDATES)
    },
    add,
    reload,
    merge: () => {
      if (merging === undefined && size < TAIL) return false
      const { entries, upTo } = merging ?? begin()
      // Should writing fail, the merge begins anew another time.
      merging = undefined
      const rest = entries.slice(SLICE)
      writeSlice.immediate(entries.slice(0, SLICE), rest.length === 0 ? upTo : undefined)
      if (rest.length === 0) forget(upTo)
      else merging = { entries: rest, upTo }
      return rest.length > 0
    },
    merged: (after, limit) => scan.all(after, limit),
    unmerged: () => Array.from(recent.keys()),
  }
}
