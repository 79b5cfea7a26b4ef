/** Reads a policy and the list files beside it: each file once, so that what is hashed is what is parsed. */
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf, messageOf } from '../common/errors.ts'
import { listFileNames, parsePolicy } from './policy/policy.ts'
import type { PolicyResult } from './policy/policy.ts'

/** A larger file is a mistake. */
const MAX_BYTES = 64 * 1024 * 1024

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Loads a policy; a file that cannot be read is a problem like any other. */
export async function loadPolicy(path: string): Promise<PolicyResult> {
  const file = basename(path)
  const text = await readText(path)
  if (text.problem !== undefined) return refused(file, text.problem)
  const lists = new Map<string, string>()
  for (const name of listFileNames(text.text)) {
    const list = await readText(join(dirname(path), name))
    if (list.text !== undefined) lists.set(name, list.text)
    // A file that does not exist is reported where the policy names it.
    else if (!list.missing) return refused(name, list.problem)
  }
  return parsePolicy(text.text, file, lists)
}

type ReadResult =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: string; readonly missing: boolean }

async function readText(path: string): Promise<ReadResult> {
  try {
    const bytes = await readFile(path)
    if (bytes.length > MAX_BYTES) return { problem: 'larger than 64 MiB', missing: false }
    return { text: UTF8.decode(bytes) }
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT') return { problem: 'no such file', missing: true }
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return { problem: 'not UTF-8', missing: false }
    return { problem: `not readable (${code ?? messageOf(error)})`, missing: false }
  }
}

function refused(file: string, message: string): PolicyResult {
  return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message }] }
}
