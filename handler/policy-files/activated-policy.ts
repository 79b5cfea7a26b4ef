/**
 * The policy that was activated last, kept for a restart: its files, copied whole, and which record of the chain says so. Kept
 * only while changes of the policy need people; otherwise the files at hand decide at a start.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { ensurePrivateDirectory, writeFileAtomic } from '../../common/atomic-file.ts'
import { errnoOf } from '../../common/errors.ts'
import { parseJson } from '../../common/json.ts'
import { listFilesOf } from '../policy/compile/lists.ts'
import { readYaml } from '../policy/file/yaml-source.ts'
import { digestOf } from '../policy/parse.ts'

const POINTER = 'activated.json'

const pointerSchema = z.strictObject({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  file: z.string().regex(/^[^/]{1,255}$/),
  seq: z.int().min(1),
})

export interface Activated {
  readonly digest: string
  /** Path of its file. */
  readonly path: string
  /** The record that says that it was activated. */
  readonly seq: number
}

/**
 * Copies the files of a policy; undefined when they are no longer those of that digest.
 *
 * @param directory - where activated policies are kept
 */
export async function copyPolicy(
  path: string,
  digest: string,
  directory: string,
): Promise<string | undefined> {
  const text = await readFile(path, 'utf8')
  const lists = new Map<string, string>()
  for (const name of listFilesOf(readYaml(text).value)) {
    lists.set(name, await readFile(join(dirname(path), name), 'utf8'))
  }
  if (digestOf(text, lists) !== digest) return undefined
  const place = join(directory, digest)
  await ensurePrivateDirectory(directory)
  await mkdir(place, { recursive: true, mode: 0o700 })
  for (const [name, contents] of lists) await writeFileAtomic(join(place, name), contents)
  const copy = join(place, basename(path))
  await writeFileAtomic(copy, text)
  return copy
}

/** Says which of the copies was activated; the others are removed. */
export async function noteActivated(
  { digest, path, seq }: Activated,
  directory: string,
): Promise<void> {
  const before = await activatedIn(directory)
  const pointer = { digest, file: basename(path), seq }
  await writeFileAtomic(join(directory, POINTER), `${JSON.stringify(pointer)}\n`)
  if (before === undefined || before === 'damaged' || before.digest === digest) return
  await rm(dirname(before.path), { recursive: true, force: true })
}

/** From now on the files at hand decide at a start. */
export async function forgetActivated(directory: string): Promise<void> {
  await rm(join(directory, POINTER), { force: true })
}

/** The policy that was activated last; undefined when none is kept. */
export async function activatedIn(directory: string): Promise<Activated | 'damaged' | undefined> {
  const text = await readFile(join(directory, POINTER), 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const { success, data } = pointerSchema.safeParse(parseJson(text))
  if (!success) return 'damaged'
  const { digest, file, seq } = data
  return { digest, path: join(directory, digest, file), seq }
}
