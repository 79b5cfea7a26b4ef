import { chmod, chown, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import {
  ensurePrivateDirectory,
  readPrivateFile,
  removeTemporaries,
  writeFileAtomic,
  writeNew,
} from '../../common/atomic-file.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

describe('writeFileAtomic', () => {
  it('replaces the file, with mode 0600, and leaves no temporary file', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'state.json')
    await writeFileAtomic(path, 'old')
    await writeFileAtomic(path, 'new')
    expect(await readFile(path, 'utf8')).toBe('new')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(directory)).toEqual(['state.json'])
  })

  it('replaces a symbolic link instead of writing through it', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'victim'), 'untouched')
    await symlink(join(directory, 'victim'), join(directory, 'state.json'))
    await writeFileAtomic(join(directory, 'state.json'), 'new')
    expect(await readFile(join(directory, 'victim'), 'utf8')).toBe('untouched')
    expect(await readFile(join(directory, 'state.json'), 'utf8')).toBe('new')
  })

  it('keeps what was there, and cleans up, when it cannot replace it', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'taken')
    await mkdir(join(path, 'inside'), { recursive: true })
    await expect(writeFileAtomic(path, 'new')).rejects.toThrow()
    expect(await readdir(directory)).toEqual(['taken'])
  })
})

describe('removeTemporaries', () => {
  it('removes what writeFileAtomic was killed over, and nothing else', async () => {
    const directory = await temporaryDirectory()
    const others = ['lock.json', '.lock.json.tmp', 'lock.json.0123456789ab.tmp', '.env']
    for (const name of others) await writeFile(join(directory, name), '')
    await mkdir(join(directory, '.keys.0123456789ab.tmp'))
    await writeFile(join(directory, '.lock.json.0123456789ab.tmp'), '')
    await removeTemporaries(directory)
    expect((await readdir(directory)).toSorted()).toEqual(
      [...others, '.keys.0123456789ab.tmp'].toSorted(),
    )
  })

  it('finds nothing in what is no directory', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'file'), '')
    await removeTemporaries(join(directory, 'file'))
    await removeTemporaries(join(directory, 'missing'))
  })
})

describe('writeNew', () => {
  it('never overwrites', async () => {
    const path = join(await temporaryDirectory(), 'key.pem')
    await writeNew(path, 'first')
    await expect(writeNew(path, 'second')).rejects.toMatchObject({ code: 'EEXIST' })
    expect(await readPrivateFile(path)).toBe('first')
  })
})

describe('ensurePrivateDirectory', () => {
  it('makes a directory for this user alone', async () => {
    const path = join(await temporaryDirectory(), 'a', 'b')
    await ensurePrivateDirectory(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
  })

  it('closes its own to others who can write, refuses that of another user, and a link', async () => {
    const directory = await temporaryDirectory()
    const open = join(directory, 'open')
    await mkdir(open)
    await chmod(open, 0o2777)
    await ensurePrivateDirectory(open)
    expect((await stat(open)).mode & 0o777).toBe(0o755)
    if (process.getuid?.() === 0) {
      await chown(open, 65_534, 65_534)
      await expect(ensurePrivateDirectory(open)).rejects.toThrow(/belongs to another user/)
    }
    await symlink(directory, join(directory, 'link'))
    await expect(ensurePrivateDirectory(join(directory, 'link'))).rejects.toThrow(
      /is not a directory/,
    )
  })
})
