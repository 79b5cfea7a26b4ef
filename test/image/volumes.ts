/**
 * Volumes as the kubelet hands them to a pod: owners and modes after kubernetes' pkg/volume/volume_linux.go (fsGroup) and
 * pkg/volume/util/atomic_writer.go (ConfigMaps and Secrets).
 */
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

const SETGID = 0o2000
/** What the group gets: of files on volumes that are written, of files on those that are only read, and of directories. */
const WRITTEN = 0o660
const READ = 0o440
const ENTERED = 0o110

/** A claim that is mounted for the first time: the root of a new file system; otherwise nothing. */
export function newClaim(path: string): void {
  if (mkdirSync(path, { recursive: true }) !== undefined) chmodSync(path, 0o755)
}

/** What happens to a claim at each mount; with `OnRootMismatch` nothing, once its root is as it should be. */
export function mountClaim(path: string, fsGroup: number, policy: string): void {
  const { mode, gid } = lstatSync(path)
  const due = SETGID | WRITTEN | ENTERED
  if (policy === 'OnRootMismatch' && gid === fsGroup && (mode & due) === due) return
  giveToGroup(path, fsGroup, WRITTEN)
}

/** An empty directory of a pod; one in memory is a tmpfs. */
export function emptyDirectory(path: string, fsGroup: number, inMemory: boolean): void {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  chmodSync(path, inMemory ? 0o1777 : 0o777)
  giveToGroup(path, fsGroup, WRITTEN)
}

/** A ConfigMap or Secret, first written or written anew: the visible names lead through a link that is replaced at once. */
export function project(
  path: string,
  data: Readonly<Record<string, string>>,
  { fsGroup, mode, secret }: { fsGroup: number; mode: number; secret: boolean },
): void {
  mkdirSync(path, { recursive: true })
  chmodSync(path, secret ? 0o1777 : 0o777)
  const version = `..${process.hrtime.bigint()}`
  mkdirSync(join(path, version))
  chmodSync(join(path, version), 0o755)
  for (const [name, text] of Object.entries(data)) {
    const file = join(path, version, name)
    writeFileSync(file, text)
    chmodSync(file, mode)
  }
  symlinkSync(version, join(path, '..data_tmp'))
  renameSync(join(path, '..data_tmp'), join(path, '..data'))
  for (const name of Object.keys(data)) {
    if (!readdirSync(path).includes(name)) symlinkSync(join('..data', name), join(path, name))
  }
  for (const old of readdirSync(path)) {
    if (/^\.\.\d/.test(old) && old !== version) rmSync(join(path, old), { recursive: true })
  }
  giveToGroup(path, fsGroup, READ)
}

function giveToGroup(path: string, group: number, mask: number): void {
  const found = lstatSync(path)
  lchownSync(path, found.uid, group)
  if (found.isSymbolicLink()) return
  const more = found.isDirectory() ? mask | ENTERED | SETGID : mask
  chmodSync(path, (found.mode & 0o7777) | more)
  if (!found.isDirectory()) return
  for (const name of readdirSync(path)) giveToGroup(join(path, name), group, mask)
}
