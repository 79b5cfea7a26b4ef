/** One writing run per state directory, and a note that tells people which. */
import { readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { writeFileAtomic } from '../common/atomic-file.ts'
import type { Clock, Sleep } from '../common/clock.ts'
import { errnoOf } from '../common/errors.ts'
import { isObject, parseJson } from '../common/json.ts'
import { takeKernelLock } from '../common/kernel-lock.ts'
import { BootstrapError } from './errors.ts'

export interface Lock {
  /** Removes the note while the lock is still held. */
  forgetHolder(): Promise<void>
  release(): Promise<void>
}

/** How often and at which distance a lock that is taken is tried again, in milliseconds. */
const TRIES = { count: 10, everyMs: 100 } as const

/**
 * Takes the lock of a directory. One that is taken is tried again for a second: two runs that ask
 * at the same instant can refuse each other, and the holder writes its note a moment after it has
 * the lock.
 *
 * @throws BootstrapError ERR_LOCKED, naming the holder when its note says who it is
 */
export async function acquireLock(
  directory: string,
  command: string,
  { clock, sleep }: { readonly clock: Clock; readonly sleep: Sleep },
): Promise<Lock> {
  const path = join(directory, 'lock.db')
  const note = join(directory, 'lock.json')
  let lock = takeKernelLock(path)
  for (let tries = 0; lock === undefined && tries < TRIES.count; tries += 1) {
    await sleep(TRIES.everyMs)
    lock = takeKernelLock(path)
  }
  if (lock === undefined) throw await lockedBy(note)
  const held = lock
  const startedAt = clock.now().toISOString()
  const holder = { command, pid: process.pid, host: hostname(), startedAt }
  await writeFileAtomic(note, `${JSON.stringify(holder)}\n`)
  let noted = true
  const forgetHolder = async () => {
    if (noted) await rm(note, { force: true })
    noted = false
  }
  const release = async () => {
    await forgetHolder()
    held.release()
  }
  return { forgetHolder, release }
}

async function lockedBy(note: string): Promise<BootstrapError> {
  const who = await holderIn(note)
  return new BootstrapError('ERR_LOCKED', `${who ?? 'another run'} is using this state directory`, {
    hint: 'wait for it or stop it; both are safe',
  })
}

/**
 * The writer of the note, unless it was killed: then another run, still without a note, has the
 * lock.
 */
async function holderIn(note: string): Promise<string | undefined> {
  const value = parseJson(await readFile(note, 'utf8').catch(() => ''))
  if (!isObject(value)) return undefined
  const { command, pid, host, startedAt } = value
  if (typeof command !== 'string' || typeof pid !== 'number' || typeof host !== 'string') {
    return undefined
  }
  if (host === hostname() && !isAlive(pid)) return undefined
  return `\`${command}\` (pid ${pid} on ${host}, since ${String(startedAt)})`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}
