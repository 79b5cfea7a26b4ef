/** Held requests: each waits until the people its rule asks for have released it, someone refuses, or it expires. */
import type { Database } from './database.ts'
import { sha256 } from './record.ts'
import { StoreError } from './store-error.ts'
import type { HoldTerms } from '../policy/decision.ts'
import type { Hold, HoldRequest, HoldState } from './operations.ts'
import type { RequestKey } from '../protocol/digest.ts'

interface Row {
  readonly id: string
  readonly terms: string
  readonly summary: string
  readonly opened: number
  readonly expires: number
  readonly approvals: string
  readonly rejected_by: string | null
  readonly used: number | null
}

export interface HoldTable {
  /** The hold of this very request (stage and digest included); opens one when there is none. */
  open(request: HoldRequest, nowMs: number): Hold
  /** Waiting and released holds, the one that expires first in front. */
  list(nowMs: number): readonly Hold[]
  /**
   * Notes one person's approval.
   *
   * @throws StoreError `ERR_HOLD_UNKNOWN`, `ERR_HOLD_CLOSED`, `ERR_HOLD_SAME_PERSON`
   */
  approve(id: string, person: string, nowMs: number): Hold
  /**
   * Refuses it for good; a released hold that was not used yet can still be refused.
   *
   * @throws StoreError `ERR_HOLD_UNKNOWN`, `ERR_HOLD_CLOSED`
   */
  reject(id: string, person: string, nowMs: number): Hold
  /** Whether the hold is released, unexpired and unused. */
  usable(id: string, nowMs: number): boolean
  /** Notes that record `seq` used the release up. */
  use(id: string, seq: number): void
}

/** Short enough to type: the first 16 hex digits of the request's digest. */
export function holdIdOf(key: RequestKey): string {
  const { endpoint, requestId, signerId, stage, digest } = key
  return sha256(JSON.stringify([endpoint, requestId, signerId, stage, digest])).slice(0, 16)
}

/** The holds of an open database. */
export function createHoldTable(db: Database): HoldTable {
  const byId = db.prepare<[string], Row>('SELECT * FROM holds WHERE id = ?')
  const insert = db.prepare<[string, string, string, number, number]>(
    `INSERT INTO holds (id, terms, summary, opened, expires, approvals) VALUES (?, ?, ?, ?, ?, '[]')`,
  )
  const openOnes = db.prepare<[number], Row>(
    `SELECT * FROM holds WHERE used IS NULL AND rejected_by IS NULL AND expires > ?
     ORDER BY expires LIMIT 1000`,
  )
  const setApprovals = db.prepare<[string, string]>('UPDATE holds SET approvals = ? WHERE id = ?')
  const setRejected = db.prepare<[string, string]>('UPDATE holds SET rejected_by = ? WHERE id = ?')
  const setUsed = db.prepare<[number, string]>('UPDATE holds SET used = ? WHERE id = ?')

  const find = (id: string, nowMs: number): Hold => {
    const row = byId.get(id)
    if (row === undefined) throw new StoreError('ERR_HOLD_UNKNOWN', `no hold has the id \`${id}\``)
    return holdOf(row, nowMs)
  }
  const findOpen = (id: string, nowMs: number): Hold => {
    const hold = find(id, nowMs)
    if (hold.state === 'waiting' || hold.state === 'released') return hold
    throw new StoreError('ERR_HOLD_CLOSED', `the hold \`${id}\` is ${hold.state}`)
  }

  return {
    open: ({ key, terms, summary }, nowMs) => {
      const id = holdIdOf(key)
      if (byId.get(id) === undefined) {
        insert.run(id, JSON.stringify(terms), summary, nowMs, nowMs + terms.expiresMs)
      }
      return find(id, nowMs)
    },
    list: (nowMs) => openOnes.all(nowMs).map((row) => holdOf(row, nowMs)),
    approve: (id, person, nowMs) => {
      const hold = findOpen(id, nowMs)
      if (hold.state === 'released') {
        throw new StoreError('ERR_HOLD_CLOSED', `the hold \`${id}\` is released already`)
      }
      if (hold.approvals.some((earlier) => samePerson(earlier, person))) {
        throw new StoreError(
          'ERR_HOLD_SAME_PERSON',
          `\`${person}\` has approved \`${id}\` already`,
          {
            hint: 'a second person must approve',
          },
        )
      }
      setApprovals.run(JSON.stringify([...hold.approvals, person]), id)
      return find(id, nowMs)
    },
    reject: (id, person, nowMs) => {
      findOpen(id, nowMs)
      setRejected.run(person, id)
      return find(id, nowMs)
    },
    usable: (id, nowMs) => {
      const row = byId.get(id)
      return row !== undefined && holdOf(row, nowMs).state === 'released'
    },
    use: (id, seq) => {
      setUsed.run(seq, id)
    },
  }
}

/** Names that differ only in case or in white space are one person. */
function samePerson(a: string, b: string): boolean {
  return plainName(a) === plainName(b)
}

function plainName(name: string): string {
  return name.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase()
}

function holdOf(row: Row, nowMs: number): Hold {
  const approvals: readonly string[] = JSON.parse(row.approvals)
  const terms: HoldTerms = JSON.parse(row.terms)
  return {
    id: row.id,
    terms,
    summary: row.summary,
    openedAt: new Date(row.opened).toISOString(),
    expiresAt: new Date(row.expires).toISOString(),
    approvals,
    rejectedBy: row.rejected_by ?? undefined,
    state: stateOf(row, approvals.length >= terms.approvals, nowMs),
  }
}

function stateOf(row: Row, released: boolean, nowMs: number): HoldState {
  if (row.used !== null) return 'used'
  if (row.rejected_by !== null) return 'rejected'
  if (nowMs >= row.expires) return 'expired'
  return released ? 'released' : 'waiting'
}
