/** The policy that was in force: its digest is that of the last decision on record. */
import { existsSync } from 'node:fs'
import { readBody } from '../record.ts'
import { openReadOnly } from './database.ts'

/** Hex SHA-256; undefined when there is no store, none that can be read, or no decision in it. */
export function policyOnRecord(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  try {
    const db = openReadOnly(path)
    try {
      // Decisions alone have a token.
      const body = db
        .prepare<[], string>(
          'SELECT body FROM chain WHERE token IS NOT NULL ORDER BY seq DESC LIMIT 1',
        )
        .pluck()
        .get()
      const { policyDigest }: { policyDigest?: unknown } = JSON.parse(body ?? '{}')
      return typeof policyDigest === 'string' ? policyDigest : undefined
    } finally {
      db.close()
    }
  } catch {
    return undefined
  }
}

/** What a record says of the policy. */
export interface RecordedActivation {
  /** There is no store, or it has recorded nothing yet. */
  readonly isEmpty: boolean
  /** Digest of the policy that was activated there. */
  readonly digest?: string
}

/** Which policy a record activates. */
export function activatedAt(path: string, seq: number): RecordedActivation {
  if (!existsSync(path)) return { isEmpty: true }
  const db = openReadOnly(path)
  try {
    const last = db.prepare<[], number>('SELECT ifnull(max(seq), 0) FROM chain').pluck().get() ?? 0
    if (last <= 1) return { isEmpty: true }
    const bodyOf = db.prepare<[number], string>('SELECT body FROM chain WHERE seq = ?').pluck()
    const body = readBody(bodyOf.get(seq) ?? '')
    return body?.kind === 'operator' && body.act === 'policy-load'
      ? { isEmpty: false, digest: body.subject }
      : { isEmpty: false }
  } finally {
    db.close()
  }
}
