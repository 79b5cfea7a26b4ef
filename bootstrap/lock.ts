/** One writing run per state directory: a lock of the kernel that dies with its process, and a note for people. */
import { hostname } from 'node:os'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../common/atomic-file.ts'
import type { Clock, Sleep } from '../common/clock.ts'
import { errnoOf } from '../common/errors.ts'
import { openSqlite } from '../common/sqlite.ts'
import type { Database } from '../common/sqlite.ts'
import { isObject, parseJson } from './api/failures.ts'
import { BootstrapError } from './errors.ts'

/** Who holds the lock; written beside it for people, never trusted by the program. */
export interface LockHolder {
  readonly command: string
  readonly pid: number
  readonly host: string
  /** ISO 8601. */
  readonly startedAt: string
}

export interface Lock {
  /** Removes the note for people while the lock is still held. */
  forgetHolder(): Promise<void>
  release(): Promise<void>
}

/** How long a run that finds the lock taken looks for the name of the other one: reads of the note, and the wait between two. */
const LOOKS = { count: 30, everyMs: 100 } as const

/**
 * Takes the lock of a directory, or fails as soon as it knows who holds it. It is SQLite's exclusive file lock, so that
 * it also holds between containers that share the directory, and the kernel drops it when the process dies, however it
 * dies.
 *
 * The holder writes its note a moment after it has the lock. Until then there is none, or the one of a run that was
 * killed: both are looked at again for three seconds, and the lock is tried again each time, because two runs that ask
 * at the same instant can refuse each other.
 *
 * @throws BootstrapError ERR_LOCKED naming the holder
 */
export async function acquireLock(
  directory: string,
  command: string,
  { clock, sleep }: { readonly clock: Clock; readonly sleep: Sleep },
): Promise<Lock> {
  const path = join(directory, 'lock.db')
  await createPrivately(path)
  const database = openSqlite(path, { busyMs: 0 })
  try {
    let holder: LockHolder | undefined
    for (let looks = 1; !tryLock(database); looks += 1) {
      const before = holder
      holder = await readHolder(directory)
      const sign = signOfLife(holder)
      const changed = looks > 1 && JSON.stringify(holder) !== JSON.stringify(before)
      // What appears or changes now is written by the holder, whatever can be known of its process.
      if (holder !== undefined && (sign === 'alive' || changed)) throw lockedBy(holder)
      if (looks === LOOKS.count) throw lockedBy(sign === 'dead' ? undefined : holder)
      await sleep(LOOKS.everyMs)
    }
    return await holdLock(directory, database, command, clock.now())
  } catch (error) {
    database.close()
    throw error
  }
}

async function holdLock(
  directory: string,
  database: Database,
  command: string,
  now: Date,
): Promise<Lock> {
  const note = join(directory, 'lock.json')
  const holder: LockHolder = {
    command,
    pid: process.pid,
    host: hostname(),
    startedAt: now.toISOString(),
  }
  await writeFileAtomic(note, `${JSON.stringify(holder)}\n`)
  let noted = true
  const forgetHolder = async () => {
    if (noted) await rm(note, { force: true })
    noted = false
  }
  return {
    forgetHolder,
    release: async () => {
      await forgetHolder()
      database.close()
    },
  }
}

/** False when another connection has the lock. */
function tryLock(database: Database): boolean {
  try {
    // A journal on disk would be removed after the last act of the run, and a kill in between would look like a kill before it.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (errnoOf(error) !== 'SQLITE_BUSY') throw error
    return false
  }
}

/**
 * Whether the writer of a note can be the holder. A note of another host cannot be asked; one with this process's own
 * number may be left over from an earlier life of the same container.
 */
function signOfLife(holder: LockHolder | undefined): 'alive' | 'dead' | 'unknown' {
  if (holder === undefined || holder.host !== hostname() || holder.pid === process.pid) {
    return 'unknown'
  }
  try {
    process.kill(holder.pid, 0)
    return 'alive'
  } catch (error) {
    return errnoOf(error) === 'EPERM' ? 'alive' : 'dead'
  }
}

/** Whoever wrote the note last; it may be left over from a run that was killed. */
export async function readHolder(directory: string): Promise<LockHolder | undefined> {
  const text = await readFile(join(directory, 'lock.json'), 'utf8').catch(() => '')
  const value = parseJson(text)
  if (!isObject(value)) return undefined
  const { command, pid, host, startedAt } = value
  if (typeof command !== 'string' || typeof pid !== 'number') return undefined
  if (typeof host !== 'string' || typeof startedAt !== 'string') return undefined
  return { command, pid, host, startedAt }
}

/** SQLite would make the file with the mode of the umask. */
async function createPrivately(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if (errnoOf(error) === 'EEXIST') return undefined
    throw error
  })
  await file?.close()
}

function lockedBy(holder: LockHolder | undefined): BootstrapError {
  const who =
    holder === undefined
      ? 'another run'
      : `\`${holder.command}\` (pid ${holder.pid} on ${holder.host}, since ${holder.startedAt})`
  return new BootstrapError('ERR_LOCKED', `${who} is at work on this state directory`, {
    hint: 'wait for it or stop it; both are safe',
  })
}
