/** The journal: durable, chained, and clear about what it does not believe. */
import {
  appendFile,
  open,
  readFile,
  stat,
  symlink,
  truncate,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, jest } from '@jest/globals'
import { openJournal, readJournal } from '../../bootstrap/journal.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const deps = {
  clock: { now: () => new Date('2026-11-02T09:00:00Z'), monotonicMs: () => 0 },
  run: 'run-1',
}

async function written() {
  const path = join(await temporaryDirectory(), 'journal.jsonl')
  const journal = await openJournal(path, 'a/b', deps)
  await journal.append('begin', { kind: 'pair' })
  await journal.append('probe', { generations: [1] })
  await journal.close()
  return path
}

const ops = async (path: string) => (await readJournal(path, 'a/b')).map(({ op }) => op)

describe('a journal', () => {
  it('reads back what was written, private, with its version first', async () => {
    const path = await written()
    const records = await readJournal(path, 'a/b')
    expect(records.map(({ op, seq }) => [op, seq])).toEqual([
      ['open', 1],
      ['begin', 2],
      ['probe', 3],
    ])
    expect(records[0]?.data).toEqual({ version: 1, subject: 'a/b' })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('is empty when there is no file, and reading makes none', async () => {
    const path = join(await temporaryDirectory(), 'none.jsonl')
    expect(await readJournal(path)).toEqual([])
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  it.each([1, 2, 30])('drops a last line torn after %i bytes, and goes on', async (bytes) => {
    const path = await written()
    const text = await readFile(path, 'utf8')
    const last = text.trimEnd().split('\n').at(-1) ?? ''
    await truncate(path, text.length - last.length - 1 + bytes)
    expect(await ops(path)).toEqual(['open', 'begin'])
    const journal = await openJournal(path, 'a/b', deps)
    await journal.append('done', {})
    await journal.close()
    expect(await ops(path)).toEqual(['open', 'begin', 'done'])
  })

  it('drops the zeros that a lost block leaves behind', async () => {
    const path = await written()
    await appendFile(path, Buffer.alloc(64))
    expect(await ops(path)).toEqual(['open', 'begin', 'probe'])
  })

  it.each([
    ['a changed value', (text: string) => text.replace('"pair"', '"unpair"')],
    ['a removed line', (text: string) => text.split('\n').toSpliced(1, 1).join('\n')],
    ['a doubled line', (text: string) => text + text.split('\n')[2] + '\n'],
    ['garbage', (text: string) => `${text}garbage\n`],
    ['a record without data', (text: string) => `${text}{"seq":4}\n`],
  ])('stops at %s', async (_name, tamper) => {
    const path = await written()
    await writeFile(path, tamper(await readFile(path, 'utf8')))
    await expect(readJournal(path)).rejects.toMatchObject({ code: 'ERR_STATE_DAMAGED' })
    await expect(openJournal(path, 'a/b', deps)).rejects.toMatchObject({
      code: 'ERR_STATE_DAMAGED',
    })
  })

  it('belongs to one subject', async () => {
    await expect(readJournal(await written(), 'a/c')).rejects.toMatchObject({
      code: 'ERR_STATE_DAMAGED',
    })
  })

  it('refuses another version', async () => {
    const path = await written()
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('"version":1', '"version":2'))
    await expect(readJournal(path)).rejects.toMatchObject({ code: 'ERR_STATE_VERSION' })
  })

  // Removing the fsync, or the memory of a failed one, went unnoticed by every test.
  it('is on the disk, file and name, before `append` returns', async () => {
    const path = join(await temporaryDirectory(), 'journal.jsonl')
    const probe = await open(path.replace('journal', 'probe'), 'w')
    const synced: number[] = []
    const sync = jest.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'sync')
    sync.mockImplementation(async function (this: FileHandle) {
      synced.push((await this.stat()).isDirectory() ? -1 : (await this.stat()).size)
    })
    try {
      const journal = await openJournal(path, 'a/b', deps)
      for (const op of ['begin', 'probe']) {
        await journal.append(op, {})
        expect(synced.at(-1)).toBe((await stat(path)).size)
      }
      expect(synced.filter((size) => size === -1)).toHaveLength(1)
      const before = synced.length
      await journal.note('reported')
      expect(synced).toHaveLength(before)
      await journal.close()
    } finally {
      sync.mockRestore()
      await probe.close()
    }
  })

  it('is final after a failed fsync, although the next one would succeed', async () => {
    const path = await written()
    const journal = await openJournal(path, 'a/b', deps)
    const probe = await open(path)
    const sync = jest.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'sync')
    sync.mockRejectedValueOnce(Object.assign(new Error('input/output error'), { code: 'EIO' }))
    try {
      await expect(journal.append('done', {})).rejects.toMatchObject({ code: 'ERR_DISK' })
      await expect(journal.append('done', {})).rejects.toMatchObject({ code: 'ERR_DISK' })
      expect(sync).toHaveBeenCalledTimes(1)
    } finally {
      sync.mockRestore()
      await Promise.all([probe.close(), journal.close()])
    }
  })

  it('is not written through a link', async () => {
    const path = await written()
    await symlink(path, `${path}.link`)
    await expect(openJournal(`${path}.link`, 'a/b', deps)).rejects.toThrow('ELOOP')
  })

  it('is final after a failed write', async () => {
    const path = await written()
    const journal = await openJournal(path, 'a/b', deps)
    await journal.close()
    const failure = { code: 'ERR_DISK' }
    await expect(journal.append('done', {})).rejects.toMatchObject(failure)
    await expect(journal.append('done', {})).rejects.toMatchObject(failure)
    const file = await open(path)
    await file.close()
    expect(await ops(path)).toEqual(['open', 'begin', 'probe'])
  })
})
