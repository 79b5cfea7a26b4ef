/** The files of a policy: each is read once, so that what is hashed is what is parsed. */
import type { BigIntStats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf, messageOf, UnsafeFileError } from '../../common/errors.ts'
import { assertSafe } from '../../common/file-safety.ts'
import { listFilesOf } from '../policy/compile/lists.ts'
import type { PolicyProblem } from '../policy/file/problems.ts'
import { readYaml } from '../policy/file/yaml-source.ts'
import { buildPolicy, digestOf, parseForm, problemsOf } from '../policy/parse.ts'
import type { Found, PolicyForm } from '../policy/parse.ts'
import type { Policy } from '../policy/compile/policy.ts'
import { allSteps } from '../policy/steps.ts'

/** Upper bound; a larger file is refused. */
const MAX_BYTES = 64 * 1024 * 1024

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** How the files of a policy stood when they were read, by path: changes when one is written, replaced or removed. */
export type Stamps = ReadonlyMap<string, string>

/** A policy as its files have it, before its rules are compiled. */
export type ReadPolicy = { readonly stamps: Stamps } & (
  | {
      readonly kind: 'read'
      readonly form: PolicyForm
      /** Where in the files the findings are. */
      readonly locate: (found: Found) => readonly PolicyProblem[]
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly problems: readonly PolicyProblem[] }
)

export interface LoadChoice {
  /** False for a policy that is only looked at, so that it does not matter who can write it. */
  readonly decides?: boolean
  /**
   * Digest of the policy that was in force. That file goes on deciding when only what version 0.1.0 accepted is wrong with it:
   * an upgrade must not keep a handler from starting.
   */
  readonly inForce?: () => string | undefined
}

/** A policy, and the problems in spite of which it is kept. */
export type LoadResult =
  | { readonly ok: true; readonly policy: Policy; readonly kept: readonly PolicyProblem[] }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

/** Loads a policy in this thread; a file that cannot be read is a problem like any other. */
export async function loadPolicy(
  path: string,
  { decides = true, inForce = () => undefined }: LoadChoice = {},
): Promise<LoadResult> {
  const read = await readPolicy(path, undefined, decides)
  if (read.kind !== 'read') {
    return { ok: false, problems: read.kind === 'refused' ? read.problems : [] }
  }
  const built = allSteps(buildPolicy(read.form))
  if (built.ok) return { ...built, kept: [] }
  const problems = read.locate(built.found)
  return built.kept !== undefined && built.kept.digest === inForce()
    ? { ok: true, policy: built.kept, kept: problems }
    : { ok: false, problems }
}

/**
 * Reads the policy file and the list files that it names, each once, and checks their form. `known`: the digest that
 * needs no check, because its policy is in force.
 */
export async function readPolicy(
  path: string,
  known?: string,
  decides = true,
): Promise<ReadPolicy> {
  const file = basename(path)
  const stamps = new Map<string, string>()
  const refuse = (name: string, message: string): ReadPolicy => {
    const problem = { file: name, line: 1, column: 1, path: '', message }
    return { kind: 'refused', problems: [problem], stamps }
  }
  const read = await readText(path, stamps, decides)
  if (read.problem !== undefined) return refuse(file, read.problem)
  const source = readYaml(read.text)
  const lists = new Map<string, string>()
  for (const name of listFilesOf(source.value)) {
    const list = await readText(join(dirname(path), name), stamps, decides)
    if (list.text !== undefined) lists.set(name, list.text)
    // A file that does not exist is reported where the policy names it.
    else if (!list.missing) return refuse(name, list.problem)
  }
  const digest = digestOf(read.text, lists)
  if (digest === known) return { kind: 'unchanged', stamps }
  const parsed = parseForm(source, file, digest, lists)
  if (!parsed.ok) return { kind: 'refused', problems: parsed.problems, stamps }
  const locate = (found: Found) => problemsOf(found, source, file)
  return { kind: 'read', form: parsed.form, locate, stamps }
}

/** How files stand now, for comparison with the stamps of what was read. */
export async function stampsNow(paths: Iterable<string>): Promise<Stamps> {
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

async function readText(
  path: string,
  stamps: Map<string, string>,
  decides: boolean,
): Promise<ReadResult> {
  stamps.set(path, ABSENT)
  try {
    const bytes = await readBytes(path, stamps, decides)
    if (bytes === undefined) return { problem: 'larger than 64 MiB', missing: false }
    return { text: UTF8.decode(bytes) }
  } catch (error) {
    if (error instanceof UnsafeFileError) return { problem: error.message, missing: false }
    const code = errnoOf(error)
    if (code === 'ENOENT') return { problem: 'no such file', missing: true }
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return { problem: 'not UTF-8', missing: false }
    return { problem: `not readable (${code ?? messageOf(error)})`, missing: false }
  }
}

async function readBytes(
  path: string,
  stamps: Map<string, string>,
  decides: boolean,
): Promise<Buffer | undefined> {
  const handle = await open(path)
  try {
    // Before the bytes: a change while they are read shows as a change afterwards.
    const found = await handle.stat({ bigint: true })
    stamps.set(path, stampOf(found))
    if (decides) await assertDecides(path, found)
    return found.size > MAX_BYTES ? undefined : await handle.readFile()
  } finally {
    await handle.close()
  }
}

/**
 * Who can write a policy, or put another in its place, can approve transactions.
 *
 * @throws UnsafeFileError
 */
async function assertDecides(path: string, { mode, uid, gid }: BigIntStats): Promise<void> {
  const facts = { mode: Number(mode), uid: Number(uid), gid: Number(gid) }
  assertSafe(path, facts, 'trusted')
  const directory = dirname(path)
  assertSafe(directory, await stat(directory), 'trusted', { sticky: true })
}
