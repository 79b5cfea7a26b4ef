import {
  chmod,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, jest } from '@jest/globals'
import { destroyPrivateKeys, installGeneration } from '../../certs/store.ts'
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

/** Every fsync could be removed unnoticed: contents, and then the names of the directory, must be on the disk. */
describe('what is written', () => {
  /** Runs `work` and returns what was synced, in order: files by their size, directories as `directory`. */
  async function syncsOf(work: () => Promise<void>): Promise<(number | 'directory')[]> {
    const probe = await open(import.meta.filename)
    const synced: (number | 'directory')[] = []
    const sync = jest.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'sync')
    sync.mockImplementation(async function (this: FileHandle) {
      const found = await this.stat()
      synced.push(found.isDirectory() ? 'directory' : found.size)
    })
    try {
      await work()
    } finally {
      sync.mockRestore()
      await probe.close()
    }
    return synced
  }

  it('by writeFileAtomic is durable, then its name is', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'a')
    expect(await syncsOf(() => writeFileAtomic(path, 'twelve bytes'))).toEqual([12, 'directory'])
  })

  it('by writeNew is durable', async () => {
    const directory = await temporaryDirectory()
    expect(await syncsOf(() => writeNew(join(directory, 'a'), 'four'))).toEqual([4])
  })

  it('as a generation is durable file by file, before its name is', async () => {
    const directory = join(await temporaryDirectory(), 'keys')
    const meta = {
      version: 1,
      generation: 1,
      slot: 'A',
      createdAt: '2026-11-02T09:00:00Z',
    } as const
    const files = { meta, privateKeyPem: 'p', publicKeyPem: 'pub', certificatePem: 'certs' }
    const metaBytes = JSON.stringify(meta, null, 2).length + 1
    expect(await syncsOf(() => installGeneration(directory, files))).toEqual([
      1,
      3,
      5,
      metaBytes,
      'directory',
      'directory',
    ])
    expect(await syncsOf(() => destroyPrivateKeys(directory, 1))).toEqual(['directory'])
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
    const shared = join(directory, 'open')
    await mkdir(shared)
    await chmod(shared, 0o2777)
    await ensurePrivateDirectory(shared)
    expect((await stat(shared)).mode & 0o777).toBe(0o755)
    if (process.getuid?.() === 0) {
      await chown(shared, 65_534, 65_534)
      await expect(ensurePrivateDirectory(shared)).rejects.toThrow(/belongs to another user/)
    }
    await symlink(directory, join(directory, 'link'))
    await expect(ensurePrivateDirectory(join(directory, 'link'))).rejects.toThrow(
      /is not a directory/,
    )
  })
})
