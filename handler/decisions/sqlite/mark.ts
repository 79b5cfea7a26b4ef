/**
 * The high-water mark: a small file beside the database that remembers how far the chain had come, so that an older or
 * another database in its place is noticed. It survives a crash of the process; after a power loss it may be older than
 * the database, never newer than what was committed.
 */
import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { writeFileAtomic } from '../../../common/atomic-file.ts'
import { errnoOf } from '../../../common/errors.ts'

export interface Mark {
  readonly storeId: string
  readonly seq: number
  readonly hash: string
}

/** Path of the mark of a database. */
export function markPath(databasePath: string): string {
  return `${databasePath}.mark`
}

/** One line of fixed length, so that overwriting it in place never leaves a mixture. */
const LINE = /^countersign-mark 1 ([0-9a-f-]{36}) (\d{16}) ([0-9a-f]{64})\n$/

/** The mark; `undefined` when there is no file, `'damaged'` when the file is not a mark. */
export function readMark(path: string): Mark | 'damaged' | undefined {
  const text = readText(path)
  if (text === undefined) return undefined
  const [, storeId, seq, hash] = LINE.exec(text) ?? []
  if (storeId === undefined || seq === undefined || hash === undefined) return 'damaged'
  return { storeId, seq: Number(seq), hash }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function markLine(mark: Mark): string {
  return `countersign-mark 1 ${mark.storeId} ${String(mark.seq).padStart(16, '0')} ${mark.hash}\n`
}

export interface MarkWriter {
  /** Overwrites the mark in place, without a sync. */
  write(mark: Mark): void
  /** Syncs what was written. */
  sync(): void
  close(): void
}

/** Puts a mark in place of whatever is there, durably. */
export async function replaceMark(path: string, mark: Mark): Promise<void> {
  await writeFileAtomic(path, markLine(mark))
}

/** Opens an existing mark for writing. */
export function openMark(path: string): MarkWriter {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
  return {
    write: (mark) => {
      writeSync(fd, markLine(mark), 0)
    },
    sync: () => fsyncSync(fd),
    close: () => closeSync(fd),
  }
}
