/** A lock that only one process holds and that no death leaves behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'
import { takeKernelLock } from '../../common/kernel-lock.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const MODULE = fileURLToPath(new URL('../../dist/common/kernel-lock.js', import.meta.url))

it('is held once, is given back, and its file is private', async () => {
  const path = join(await temporaryDirectory(), 'a.lock')
  const lock = takeKernelLock(path)
  expect(takeKernelLock(path)).toBeUndefined()
  lock?.release()
  const again = takeKernelLock(path)
  expect(again).toBeDefined()
  again?.release()
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

it('ends with a process that is killed', async () => {
  const path = join(await temporaryDirectory(), 'a.lock')
  const script = `import(${JSON.stringify(MODULE)}).then(({ takeKernelLock }) => {
    process.stdout.write(takeKernelLock(process.argv[1]) === undefined ? 'taken' : 'held')
    setInterval(() => undefined, 1000)
  })`
  const child = spawn(process.execPath, ['-e', script, path])
  try {
    const [word] = (await once(child.stdout, 'data')) as [Buffer]
    expect(word.toString()).toBe('held')
    expect(takeKernelLock(path)).toBeUndefined()
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    const lock = takeKernelLock(path)
    expect(lock).toBeDefined()
    lock?.release()
  } finally {
    child.kill('SIGKILL')
  }
})

it('is never a file that a link leads to', async () => {
  const directory = await temporaryDirectory()
  await symlink('/dev/null', join(directory, 'a.lock'))
  expect(() => takeKernelLock(join(directory, 'a.lock'))).toThrow('is not a regular file')
})
