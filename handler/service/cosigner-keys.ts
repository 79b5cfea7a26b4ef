/** The co-signers' public keys: one PEM file, or a directory with one file each; all mistakes are reported at once. */
import type { Stats } from 'node:fs'
import { lstat, open, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { kidOf, rsaPublicKey } from '../../certs/inspect.ts'
import { errnoOf, messageOf, UnsafeFileError } from '../../common/errors.ts'
import { assertOwner, unsafeReason } from '../../common/file-safety.ts'
import type { CosignerKey } from '../protocol/token.ts'

/** Co-signers sign with RSA-2048 (vendor: callback handler security). */
const COSIGNER_KEY_BITS = 2048

export interface LoadedCosignerKeys {
  readonly keys: readonly CosignerKey[]
  /** One line each, with the file named; the keys may be used only when there are none. */
  readonly problems: readonly string[]
}

/** Loads the key or keys; the name of a co-signer is its file's name without `.pem`. */
export async function loadCosignerKeys(path: string): Promise<LoadedCosignerKeys> {
  const keys: CosignerKey[] = []
  const problems: string[] = []
  try {
    for (const file of await keyFiles(path)) {
      try {
        keys.push({ name: nameOf(file), key: await readKey(file) })
      } catch (error) {
        problems.push(`\`${file}\`: ${explain(error)}`)
      }
    }
  } catch (error) {
    problems.push(`\`${path}\`: ${explain(error)}`)
  }
  return { keys, problems: [...problems, ...duplicates(keys)] }
}

async function keyFiles(path: string): Promise<string[]> {
  const found = await stat(path)
  if (!found.isDirectory()) return [path]
  assertTrusted(path, found)
  const names = (await readdir(path)).filter((name) => name.endsWith('.pem') && name[0] !== '.')
  if (names.length === 0) throw new UnsafeFileError('holds no `<name>.pem`')
  return names.toSorted().map((name) => join(path, name))
}

async function readKey(file: string) {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(nameOf(file))) {
    throw new UnsafeFileError('a name is made of 1 to 64 characters A-Z a-z 0-9 . _ -')
  }
  // A link may lead to the key (mounted volumes have them), but not one that another user has put here.
  assertOwner(file, await lstat(file))
  const handle = await open(file)
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new UnsafeFileError('is not a regular file')
    assertTrusted(file, found)
    return rsaPublicKey(await handle.readFile('utf8'), COSIGNER_KEY_BITS)
  } finally {
    await handle.close()
  }
}

/** Who can write here can approve transactions. */
function assertTrusted(path: string, found: Stats): void {
  const reason = unsafeReason(path, found, 'trusted', { sticky: found.isDirectory() })
  if (reason !== undefined) throw new UnsafeFileError(reason)
}

function duplicates(keys: readonly CosignerKey[]): string[] {
  const kids = keys.map(({ key }) => kidOf(key))
  return keys.flatMap(({ name }, index) => {
    const first = keys[kids.indexOf(kids[index] ?? '')]
    if (first === undefined || first.name === name) return []
    return [`co-signers \`${first.name}\` and \`${name}\` have the same key`]
  })
}

function nameOf(file: string): string {
  return basename(file, '.pem')
}

function explain(error: unknown): string {
  if (errnoOf(error) === 'ENOENT') return 'there is no such file'
  if (errnoOf(error) === 'EACCES') return 'cannot be read by this user'
  return messageOf(error)
}
