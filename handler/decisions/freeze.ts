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
  /** The freeze in force, from memory. */
  get(): Freeze | undefined
  /** Reads it again: after a rollback, or when another process has written. */
  reload(): void
  set(action: Freeze['action'], act: Act, nowMs: number): Freeze
  clear(): void
}

/** The freeze of an open database. Any row freezes; an action that is not RETRY counts as REJECT. */
export function createFreezeTable(db: Database): FreezeTable {
  const select = db.prepare<[], Row>('SELECT action, person, reason, since FROM freeze')
  const put = db.prepare<[string, string, string, number]>(
    'INSERT OR REPLACE INTO freeze (one, action, person, reason, since) VALUES (1, ?, ?, ?, ?)',
  )
  const remove = db.prepare('DELETE FROM freeze')
  const read = (): Freeze | undefined => {
    const row = select.get()
    if (row === undefined) return undefined
    const { person: by, reason, since } = row
    const action = row.action === 'RETRY' ? 'RETRY' : 'REJECT'
    return { action, by, reason, since: new Date(since).toISOString() }
  }
  let freeze = read()
  return {
    get: () => freeze,
    reload: () => {
      freeze = read()
    },
    set: (action, act, nowMs) => {
      put.run(action, act.by, act.note, nowMs)
      const since = new Date(nowMs).toISOString()
      freeze = { action, by: act.by, reason: act.note, since }
      return freeze
    },
    clear: () => {
      remove.run()
      freeze = undefined
    },
  }
}
