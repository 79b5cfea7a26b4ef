/** The lock: one at a time, gone with its process, and clear about who holds it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { acquireLock, readHolder } from '../../bootstrap/lock.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const NOW = new Date('2026-11-02T09:00:00Z')

describe('the lock', () => {
  it('is exclusive, names its holder, and can be taken again', async () => {
    const directory = await temporaryDirectory()
    const lock = await acquireLock(directory, 'rotate', NOW)
    await expect(acquireLock(directory, 'pair', NOW)).rejects.toMatchObject({
      code: 'ERR_LOCKED',
      message: expect.stringContaining(`\`rotate\` (pid ${process.pid} on `),
    })
    await lock.release()
    expect(await readHolder(directory)).toBeUndefined()
    await (await acquireLock(directory, 'pair', NOW)).release()
    expect((await stat(join(directory, 'lock.db'))).mode & 0o777).toBe(0o600)
  })

  it('dies with a process that is killed', async () => {
    const directory = await temporaryDirectory()
    await (await acquireLock(directory, 'warm up', NOW)).release()
    const script = `
      const database = new (require('better-sqlite3'))(process.argv[1], { timeout: 0 })
      database.exec('BEGIN EXCLUSIVE')
      process.stdout.write('held')
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['-e', script, join(directory, 'lock.db')])
    await once(child.stdout, 'data')
    await expect(acquireLock(directory, 'pair', NOW)).rejects.toMatchObject({
      code: 'ERR_LOCKED',
      message: 'another run is at work on this state directory',
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
    await (await acquireLock(directory, 'pair', NOW)).release()
  })
})
