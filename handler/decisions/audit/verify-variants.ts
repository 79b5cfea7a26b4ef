/** Checks the table of variants: each approval that spent something stands in it as its record says, and nothing else does. */
import type { DecisionContent } from '../decision-fields.ts'
import type { Database } from '../sqlite/database.ts'

export interface VariantCheck {
  /** What is wrong with the row of a decision, in words. */
  record(content: DecisionContent, seq: number): readonly string[]
  /** Problems of the table as a whole. */
  finish(): readonly string[]
}

/** Begins without any record. A store of version 0.1.0 has no such table, and no record that needs one. */
export function createVariantCheck(db: Database): VariantCheck {
  const hasTable = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'variants'").get()
  if (hasTable === undefined) {
    return {
      record: ({ variant }) => (variant === undefined ? [] : [MISSING]),
      finish: () => [],
    }
  }
  const rowOf = db.prepare<[string, string, number], { n: number; bytes: string | null }>(
    'SELECT n, bytes FROM variants WHERE owner = ? AND request_id = ? AND seq = ?',
  )
  let explained = 0
  return {
    record: ({ variant, bytes = null, owner, requestId }, seq) => {
      if (variant === undefined) return []
      const row = rowOf.get(owner, requestId, seq)
      if (row === undefined) return [MISSING]
      explained += 1
      return row.n === variant && row.bytes === bytes ? [] : ['its variant is another']
    },
    finish: () => {
      const count = db.prepare<[], number>('SELECT count(*) FROM variants').pluck().get()
      return count === explained ? [] : ['there are variants of no record']
    },
  }
}

const MISSING = 'its variant is missing'
