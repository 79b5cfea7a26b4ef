/** Which requests were seen and decided: the same one gets the same decision, an altered one is recognised. */
import type { Chain } from './chain.ts'
import type { Database } from './database.ts'
import { sha256 } from './record.ts'
import { StoreError } from './store-error.ts'
import type { Decision } from '../policy/decision.ts'
import type { Recall, RequestKey } from './store.ts'

/** Hex SHA-256 of endpoint, request id and signer id: what all stages and versions of one request share. */
export function requestIdentity(key: RequestKey): string {
  return sha256(JSON.stringify([key.endpoint, key.requestId, key.signerId]))
}

export interface RequestTable {
  recall(key: RequestKey, id: Buffer): Recall
  /** Enters record `seq`, which decided the request; `final` unless it was a RETRY. */
  enter(key: RequestKey, id: Buffer, decision: Decision, seq: number): void
}

interface Identity {
  readonly core: string
  readonly seq: number
  readonly rejected: number | null
}

/** The table of an open database. Every question costs the same however long the history is. */
export function createRequestTable(db: Database, chain: Chain): RequestTable {
  const identity = db.prepare<[Buffer], Identity>(
    `SELECT core, seq, rejected FROM requests WHERE id = ? AND stage = '' AND digest = ''`,
  )
  const decided = db.prepare<[Buffer, string, string], { core: string; seq: number }>(
    'SELECT core, seq FROM requests WHERE id = ? AND stage = ? AND digest = ?',
  )
  const insert = db.prepare<[Buffer, string, string, string, number]>(
    'INSERT INTO requests (id, stage, digest, core, seq) VALUES (?, ?, ?, ?, ?)',
  )
  const refuse = db.prepare<[number, Buffer]>(
    `UPDATE requests SET rejected = ? WHERE id = ? AND stage = '' AND digest = ''`,
  )

  const decisionOf = (seq: number, key: RequestKey): Decision => {
    const { body } = chain.read(seq)
    if (body.kind !== 'decision' || body.requestId !== key.requestId) {
      throw new StoreError(
        'ERR_STORE_DAMAGED',
        `record ${seq} does not decide the request asked for`,
      )
    }
    return { action: body.action, rule: body.rule, reason: body.reason }
  }

  return {
    recall: (key, id) => {
      const first = identity.get(id)
      if (first === undefined) return { kind: 'new' }
      const own = decided.get(id, key.stage, key.digest)
      if (own !== undefined) {
        return { kind: 'decided', decision: decisionOf(own.seq, key), seq: own.seq }
      }
      if (first.core !== key.coreDigest) return { kind: 'conflict', seq: first.seq }
      if (first.rejected === null) return { kind: 'new' }
      const decision = decisionOf(first.rejected, key)
      return { kind: 'rejected-sibling', decision, seq: first.rejected }
    },
    enter: (key, id, decision, seq) => {
      const first = identity.get(id)
      if (first === undefined) insert.run(id, '', '', key.coreDigest, seq)
      if (decision.action === 'RETRY') return
      insert.run(id, key.stage, key.digest, key.coreDigest, seq)
      const sameCore = first === undefined || first.core === key.coreDigest
      if (decision.action !== 'REJECT' || !sameCore) return
      if (first === undefined || first.rejected === null) refuse.run(seq, id)
    },
  }
}
