/** Reads a policy and the list files beside it: each file once, so that what is hashed is what is parsed. */
import { open, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf, messageOf } from '../../common/errors.ts'
import { digestOf, listFileNames, parsePolicy } from '../policy/parse.ts'
import type { PolicyResult } from '../policy/parse.ts'

/** A larger file is a mistake. */
const MAX_BYTES = 64 * 1024 * 1024

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Loads a policy; a file that cannot be read is a problem like any other. */
export async function loadPolicy(path: string): Promise<PolicyResult> {
  return parse(await readPolicyFiles(path))
}

/** The texts of a policy as they were read, and how the files stood at that moment. */
export interface PolicyFiles {
  readonly file: string
  /** Undefined when a file cannot be read: then `problem` says why. */
  readonly text: string | undefined
  readonly lists: ReadonlyMap<string, string>
  readonly problem: { readonly file: string; readonly message: string } | undefined
  /** By path: changes whenever the file is written, replaced or removed. */
  readonly stamps: ReadonlyMap<string, string>
}

/** Reads the policy file and the list files that it names, each once. */
export async function readPolicyFiles(path: string): Promise<PolicyFiles> {
  const file = basename(path)
  const stamps = new Map<string, string>()
  const lists = new Map<string, string>()
  const read = await readText(path, stamps)
  const refuse = (name: string, message: string) => {
    return { file, text: undefined, lists, problem: { file: name, message }, stamps }
  }
  if (read.problem !== undefined) return refuse(file, read.problem)
  for (const name of listFileNames(read.text)) {
    const list = await readText(join(dirname(path), name), stamps)
    if (list.text !== undefined) lists.set(name, list.text)
    // A file that does not exist is reported where the policy names it.
    else if (!list.missing) return refuse(name, list.problem)
  }
  return { file, text: read.text, lists, problem: undefined, stamps }
}

/** The digest that the policy of these texts would have. */
export function digestOfFiles({ text, lists }: PolicyFiles): string | undefined {
  return text === undefined ? undefined : digestOf(text, lists)
}

/** The policy in the texts, or every problem. */
export function parse({ file, text, lists, problem }: PolicyFiles): PolicyResult {
  if (problem !== undefined) return refused(problem.file, problem.message)
  return parsePolicy(text ?? '', file, lists)
}

/** How files stand now, for comparison with the stamps of what was read. */
export async function stampsNow(paths: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const stamps = new Map<string, string>()
  for (const path of paths) {
    stamps.set(path, await stat(path, { bigint: true }).then(stampOf, () => ABSENT))
  }
  return stamps
}

const ABSENT = 'absent'

function stampOf(found: Record<'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = found
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}

type ReadResult =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: string; readonly missing: boolean }

async function readText(path: string, stamps: Map<string, string>): Promise<ReadResult> {
  stamps.set(path, ABSENT)
  try {
    const bytes = await readBytes(path, stamps)
    if (bytes === undefined) return { problem: 'larger than 64 MiB', missing: false }
    return { text: UTF8.decode(bytes) }
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT') return { problem: 'no such file', missing: true }
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return { problem: 'not UTF-8', missing: false }
    return { problem: `not readable (${code ?? messageOf(error)})`, missing: false }
  }
}

async function readBytes(path: string, stamps: Map<string, string>): Promise<Buffer | undefined> {
  const handle = await open(path)
  try {
    // Before the bytes: a change while they are read shows as a change afterwards.
    const found = await handle.stat({ bigint: true })
    stamps.set(path, stampOf(found))
    return found.size > MAX_BYTES ? undefined : await handle.readFile()
  } finally {
    await handle.close()
  }
}

function refused(file: string, message: string): PolicyResult {
  return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message }] }
}
