/** The freeze: one durable row, so that it outlives the process that was told of it. */
import type { Database } from './database.ts'
import type { Act, Freeze } from './operations.ts'

interface Row {
  readonly action: string
  readonly person: string
  readonly reason: string
  readonly since: number
}

export interface FreezeTable {
  get(): Freeze | undefined
  set(action: Freeze['action'], act: Act, nowMs: number): void
  clear(): void
}

/** The freeze of an open database. Any row freezes; an action that is not RETRY counts as REJECT. */
export function createFreezeTable(db: Database): FreezeTable {
  const select = db.prepare<[], Row>('SELECT action, person, reason, since FROM freeze')
  const put = db.prepare<[string, string, string, number]>(
    'INSERT OR REPLACE INTO freeze (one, action, person, reason, since) VALUES (1, ?, ?, ?, ?)',
  )
  const remove = db.prepare('DELETE FROM freeze')
  return {
    get: () => {
      const row = select.get()
      if (row === undefined) return undefined
      const { person: by, reason, since } = row
      const action = row.action === 'RETRY' ? 'RETRY' : 'REJECT'
      return { action, by, reason, since: new Date(since).toISOString() }
    },
    set: (action, act, nowMs) => {
      put.run(action, act.by, act.note, nowMs)
    },
    clear: () => {
      remove.run()
    },
  }
}
