/** The policy that was in force: its digest is that of the last decision on record. */
import { existsSync } from 'node:fs'
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
