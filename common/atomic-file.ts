/**
 * Files that are either whole or absent, and private files that other users cannot have read or
 * replaced.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf, UnsafeFileError } from './errors.ts'
import { assertSafe, isOwn } from './file-safety.ts'

/**
 * Makes a directory (and its parents) with mode 0700. One of this user that others can write to is closed to them; one of
 * another user is refused.
 */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY } = constants
  const directory = await open(path, O_RDONLY | O_NOFOLLOW | O_DIRECTORY).catch(
    (cause: unknown) => {
      if (errnoOf(cause) !== 'ENOTDIR' && errnoOf(cause) !== 'ELOOP') throw cause
      throw new UnsafeFileError(`\`${path}\` is not a directory`, { cause })
    },
  )
  try {
    const facts = await directory.stat()
    if (isOwn(facts) && (facts.mode & 0o022) !== 0) await directory.chmod(facts.mode & 0o7755)
    else assertSafe(path, facts, 'trusted')
  } finally {
    await directory.close()
  }
}

/**
 * Replaces `path` with `contents` in one step: temporary file in the same directory, fsync, rename,
 * fsync of the directory. A crash leaves the old or the new contents, never a mixture.
 */
export async function writeFileAtomic(
  path: string,
  contents: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeNew(temporary, contents, mode)
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Names that only `writeFileAtomic` gives. */
const TEMPORARY = /^\..+\.[0-9a-f]{12}\.tmp$/

/**
 * Removes what killed processes have left of `writeFileAtomic` in a directory; for a caller who
 * holds the lock under which everything there is written, so that none of it is in use.
 */
export async function removeTemporaries(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  })
  for (const entry of entries) {
    if (entry.isFile() && TEMPORARY.test(entry.name)) await unlink(join(directory, entry.name))
  }
}

/** Writes and fsyncs a file that must not exist yet (`EEXIST` otherwise); for key material. */
export async function writeNew(
  path: string,
  contents: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
  try {
    await file.chmod(mode)
    await file.writeFile(contents)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Removes a file durably; does nothing when it is gone already. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
  await syncDirectory(dirname(path))
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * Reads a secret. Refuses a symbolic link, anything but a regular file with one name, and what the rule for secrets
 * refuses; everything is checked on the opened file. `ours`: a file that this program has made, whose mode is set back
 * at the start and not judged here.
 *
 * @throws UnsafeFileError
 */
export async function readPrivateFile(path: string, { ours = false } = {}): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    if (errnoOf(error) === 'ELOOP') {
      throw new UnsafeFileError(`\`${path}\` is a symbolic link`, { hint: 'name the file itself' })
    }
    throw error
  })
  try {
    const facts = await file.stat()
    if (!facts.isFile()) throw new UnsafeFileError(`\`${path}\` is not a regular file`)
    if (facts.nlink > 1) throw new UnsafeFileError(`\`${path}\` has a second name (hard link)`)
    if (!ours || !isOwn(facts)) {
      assertSafe(path, facts, 'secret')
      // Who can write to the directory of a secret could put another file in its place.
      const parent = dirname(path)
      assertSafe(parent, await lstat(parent), 'trusted', { sticky: true })
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
