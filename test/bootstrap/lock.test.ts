/** The lock: one at a time, gone with its process, and clear about who holds it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { acquireLock } from '../../bootstrap/lock.ts'
import { systemClock, systemSleep } from '../../common/clock.ts'
import { openSqlite } from '../../common/sqlite.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const NOW = new Date('2026-11-02T09:00:00Z')

/** Time stands still, and a wait is over at once. */
const STILL = {
  clock: { ...systemClock, now: () => NOW },
  sleep: async () => undefined,
}

/** Real waits. */
const REAL = { clock: systemClock, sleep: systemSleep }

const SQLITE = new URL('../../dist/common/sqlite.js', import.meta.url).href

/** What another process does with the lock of the directory in its first argument, then says `held`. */
const HOLD = `
  const [directory, note = '', noteAfterMs = '0'] = process.argv.slice(1)
  const { writeFileSync } = await import('node:fs')
  const { openSqlite } = await import(${JSON.stringify(SQLITE)})
  const database = openSqlite(directory + '/lock.db', { busyMs: 0 })
  database.exec('BEGIN EXCLUSIVE')
  process.stdout.write('held')
  if (note !== '') setTimeout(() => writeFileSync(directory + '/lock.json', note), Number(noteAfterMs))
  setInterval(() => undefined, 1000)`

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process of its own that runs `script`; resolves when it says something. */
async function start(script: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...args])
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** A directory in which the lock was held before. */
async function usedDirectory(): Promise<string> {
  const directory = await temporaryDirectory()
  await (await acquireLock(directory, 'warm up', STILL)).release()
  return directory
}

function noteOf(command: string, pid: number, host = hostname()): string {
  return JSON.stringify({ command, pid, host, startedAt: NOW.toISOString() })
}

const locked = (message: string) => ({
  code: 'ERR_LOCKED',
  message: expect.stringContaining(message),
})

describe('the lock', () => {
  it('is exclusive, names its holder, and can be taken again', async () => {
    const directory = await temporaryDirectory()
    const lock = await acquireLock(directory, 'rotate', STILL)
    await expect(acquireLock(directory, 'pair', STILL)).rejects.toMatchObject(
      locked(`\`rotate\` (pid ${process.pid} on `),
    )
    await lock.release()
    expect(await readdir(directory)).toEqual(['lock.db'])
    await (await acquireLock(directory, 'pair', STILL)).release()
    expect((await stat(join(directory, 'lock.db'))).mode & 0o777).toBe(0o600)
  })

  it('dies with a process that is killed', async () => {
    const directory = await usedDirectory()
    const child = await start(HOLD, directory)
    await expect(acquireLock(directory, 'pair', STILL)).rejects.toMatchObject(
      locked('another run is using this state directory'),
    )
    await kill(child)
    await (await acquireLock(directory, 'pair', STILL)).release()
  })
})

/**
 * A journal of SQLite was removed when the lock was released, after a run had told its result. A run killed over that
 * looked finished to itself and unfinished to its caller, and the same `rotate` again rotated twice.
 */
describe('releasing the lock', () => {
  it('changes no file after the note is gone', async () => {
    const directory = await temporaryDirectory()
    const lock = await acquireLock(directory, 'rotate', STILL)
    await lock.forgetHolder()
    const held = await readdir(directory)
    await lock.release()
    expect(held).toEqual(['lock.db'])
    expect(await readdir(directory)).toEqual(held)
  })
})

/**
 * Two runs were started at once. The first took the lock and was about to write its note; the second found no note and
 * could not say who is at work, or found the note of a run that had been killed and named that one.
 */
describe('a run that comes between the lock and the note of its holder', () => {
  it('names the holder whose note comes a moment later', async () => {
    const directory = await usedDirectory()
    await start(HOLD, directory, noteOf('rotate', 4711, 'another.host'), '300')
    await expect(acquireLock(directory, 'pair', REAL)).rejects.toMatchObject(
      locked('`rotate` (pid 4711 on another.host'),
    )
  })

  it('never names a run that was killed', async () => {
    const directory = await usedDirectory()
    const dead = await start(`process.stdout.write('here'); setInterval(() => undefined, 1000)`)
    await kill(dead)
    await writeFile(join(directory, 'lock.json'), noteOf('unpair', dead.pid ?? 0))
    await start(HOLD, directory)
    await expect(acquireLock(directory, 'pair', STILL)).rejects.toMatchObject({
      message: 'another run is using this state directory',
    })
  })

  it('prefers the note that replaces an old one of which nothing can be known', async () => {
    const directory = await usedDirectory()
    await writeFile(join(directory, 'lock.json'), noteOf('unpair', 12, 'another.host'))
    await start(HOLD, directory, noteOf('rotate', process.ppid), '300')
    await expect(acquireLock(directory, 'pair', REAL)).rejects.toMatchObject(
      locked(`\`rotate\` (pid ${process.ppid} on `),
    )
  })

  it('takes the lock when the two had only refused each other', async () => {
    const directory = await usedDirectory()
    // A reader that asks at the same instant: enough to refuse an exclusive lock, and gone at once.
    const reader = openSqlite(join(directory, 'lock.db'))
    reader.exec('BEGIN; SELECT * FROM sqlite_schema')
    const sleep = async () => reader.close()
    await (await acquireLock(directory, 'pair', { ...STILL, sleep })).release()
  })
})
