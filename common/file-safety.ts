/**
 * The one rule for owner and mode of files. Own files are private: what a volume mount made of their modes is set back at
 * the start. Files of others are taken from this user and root only; a secret may also be readable by a group of this
 * process, and nothing may be writable by others, except on a mount that is read-only.
 */
import { accessSync, constants, type Stats } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, UnsafeFileError } from './errors.ts'

type Facts = Pick<Stats, 'mode' | 'uid' | 'gid'>

/** `secret`: nobody else may read it. `trusted`: nobody else may write it. */
export type Need = 'secret' | 'trusted'

/** True for what this process itself has made, as far as its owner tells. */
export function isOwn({ uid }: Pick<Facts, 'uid'>): boolean {
  return process.geteuid === undefined || uid === process.geteuid()
}

/**
 * Why what was found at `path` cannot be used; the facts are those of the opened file wherever one is opened. `sticky`: a
 * directory where others can add entries and change none will do, because its entries are judged one by one.
 */
export function unsafeReason(
  path: string,
  facts: Facts,
  need: Need,
  { sticky = false }: { readonly sticky?: boolean } = {},
): string | undefined {
  const { mode, uid, gid } = facts
  if (!isOwn(facts) && uid !== 0) return `belongs to another user (uid ${uid})`
  const shown = `(mode ${(mode & 0o777).toString(8).padStart(4, '0')})`
  const read = (mode & 0o007) !== 0 || ((mode & 0o070) !== 0 && !isOwnGroup(gid))
  if (need === 'secret' && read) return `can be read by other users ${shown}`
  const written = (mode & 0o022) !== 0 && !(sticky && (mode & 0o1000) !== 0)
  return written && !isReadOnly(path) ? `can be written by other users ${shown}` : undefined
}

/** @throws UnsafeFileError with the reason and a remedy */
export function assertSafe(...[path, facts, need, options]: Parameters<typeof unsafeReason>): void {
  const reason = unsafeReason(path, facts, need, options)
  if (reason === undefined) return
  const remedy = need === 'secret' ? 'chmod 600' : 'chmod go-w'
  const hint = reason.startsWith('can be') ? `${remedy} ${path}` : undefined
  throw new UnsafeFileError(`\`${path}\` ${reason}`, { hint })
}

/** @throws UnsafeFileError for the file of a user other than this one and root */
export function assertOwner(path: string, facts: Pick<Facts, 'uid'>): void {
  if (isOwn(facts) || facts.uid === 0) return
  throw new UnsafeFileError(`\`${path}\` belongs to another user (uid ${facts.uid})`)
}

function isOwnGroup(gid: number): boolean {
  return gid === process.getegid?.() || (process.getgroups?.() ?? []).includes(gid)
}

/** Nothing can be written on a read-only mount, whatever a mode says (access(2): EROFS). */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return false
  } catch (error) {
    return errnoOf(error) === 'EROFS'
  }
}

/** Entries that are looked at below a directory. */
const MAX_ENTRIES = 10_000

/**
 * Own files and directories at these paths, and down to a depth below them, that others may use; links are not followed.
 * A volume with `fsGroup` gets such modes at each mount.
 */
export async function openToOthers(paths: readonly string[], depth: number): Promise<string[]> {
  const found: string[] = []
  let left = MAX_ENTRIES
  const visit = async (path: string, deeper: number): Promise<void> => {
    const facts = await lstat(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EACCES') return undefined
      throw error
    })
    if (facts === undefined || !isOwn(facts) || (left -= 1) < 0) return
    if ((facts.mode & 0o077) !== 0 && (facts.isFile() || facts.isDirectory())) found.push(path)
    if (!facts.isDirectory() || deeper === 0) return
    for (const name of await readdir(path)) await visit(join(path, name), deeper - 1)
  }
  for (const path of paths) await visit(path, depth)
  return found
}

/**
 * Makes own files (0600) and directories (0700) private again. The mode is set on the opened file: a path could lead
 * elsewhere by then. Must not be called for a file whose lock this process holds.
 */
export async function setBackModes(paths: readonly string[]): Promise<void> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  for (const path of paths) {
    const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const facts = await handle.stat()
      if (isOwn(facts)) await handle.chmod(facts.isDirectory() ? 0o700 : 0o600)
    } finally {
      await handle.close()
    }
  }
}
