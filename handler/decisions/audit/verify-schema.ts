/** Compares the tables, indexes and triggers of a store with those that this program makes: a trigger could change rows later. */
import type { Database } from '../sqlite/database.ts'
import { emptyDatabase } from '../sqlite/database.ts'

interface SchemaRow {
  readonly type: string
  readonly name: string
  readonly sql: string | null
}

/** What differs, in words. */
export function checkSchema(db: Database): readonly string[] {
  const own = emptyDatabase(Number(db.prepare('PRAGMA user_version').pluck().get()))
  const expected = schemaOf(own)
  own.close()
  const found = schemaOf(db)
  const foreign = [...found].flatMap(([title, sql]) => {
    if (!expected.has(title))
      return [`the store has the ${title}, which this program does not make`]
    return expected.get(title) === sql ? [] : [`the ${title} is not as this program makes it`]
  })
  const missing = [...expected.keys()].filter((title) => !found.has(title))
  return [...foreign, ...missing.map((title) => `the ${title} is missing`)]
}

/** By kind and name; statistics that `ANALYZE` left change no answer. */
function schemaOf(db: Database): ReadonlyMap<string, string | null> {
  const rows = db
    .prepare<[], SchemaRow>(
      `SELECT type, name, sql FROM sqlite_schema
       WHERE NOT (type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4')) ORDER BY type, name`,
    )
    .all()
  return new Map(rows.map(({ type, name, sql }) => [`${type} \`${name}\``, sql]))
}
