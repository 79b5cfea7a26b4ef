/** One writing run per state directory: a lock of the kernel that dies with its process, and a note for people. */
import { hostname } from 'node:os'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { writeFileAtomic } from '../common/atomic-file.ts'
import { errnoOf } from '../common/errors.ts'
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

/**
 * Takes the lock of a directory or fails at once. It is SQLite's exclusive file lock, so that it also holds between
 * containers that share the directory, and the kernel drops it when the process dies, however it dies.
 *
 * @throws BootstrapError ERR_LOCKED naming the holder
 */
export async function acquireLock(directory: string, command: string, now: Date): Promise<Lock> {
  const path = join(directory, 'lock.db')
  await createPrivately(path)
  const database = new Database(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (errnoOf(error) !== 'SQLITE_BUSY') throw error
    throw lockedBy(await readHolder(directory))
  }
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
