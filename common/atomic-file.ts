/**
 * Files that are either whole or absent, and private files that other users cannot have read or
 * replaced.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf, UnsafeFileError } from './errors.ts'

/** Makes a directory (and its parents) with mode 0700, and refuses one that others can write to. */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const stat = await lstat(path)
  if (!stat.isDirectory()) throw new UnsafeFileError(`\`${path}\` is not a directory`)
  if ((stat.mode & 0o022) !== 0) {
    throw new UnsafeFileError(`\`${path}\` can be written by other users`, {
      hint: `chmod 700 ${path}`,
    })
  }
  assertOwner(path, stat.uid)
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
 * Reads a secret. Refuses a symbolic link, anything but a regular file with one name, an owner
 * other than this user or root, and any permission for group or others; everything is checked on
 * the opened file.
 */
export async function readPrivateFile(path: string): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    if (errnoOf(error) === 'ELOOP') {
      throw new UnsafeFileError(`\`${path}\` is a symbolic link`, { hint: 'name the file itself' })
    }
    throw error
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new UnsafeFileError(`\`${path}\` is not a regular file`)
    if (stat.nlink > 1) throw new UnsafeFileError(`\`${path}\` has a second name (hard link)`)
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
      throw new UnsafeFileError(`\`${path}\` can be read by other users (mode ${mode})`, {
        hint: `chmod 600 ${path}`,
      })
    }
    assertOwner(path, stat.uid)
    await assertParent(path)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/**
 * The directory of a secret may not be writable by others, or they could put another file in its
 * place.
 */
async function assertParent(path: string): Promise<void> {
  const parent = dirname(path)
  const stat = await lstat(parent)
  const sticky = (stat.mode & 0o1000) !== 0
  if ((stat.mode & 0o022) === 0 || sticky) return
  throw new UnsafeFileError(`the directory of \`${path}\` can be written by other users`, {
    hint: `chmod go-w ${parent}`,
  })
}

function assertOwner(path: string, uid: number): void {
  const me = process.geteuid?.()
  if (me === undefined || uid === me || uid === 0) return
  throw new UnsafeFileError(`\`${path}\` belongs to another user (uid ${uid})`)
}
