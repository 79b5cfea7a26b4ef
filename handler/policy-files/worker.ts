/** Thread that reads one policy: what takes seconds of parsing and checking stops no callback. */
import { parentPort } from 'node:worker_threads'
import type { PolicyForm } from '../policy/parse.ts'
import { readPolicy } from './policy-file.ts'
import type { ReadPolicy } from './policy-file.ts'
import type { FormHead, FromThread, Part, ToThread } from './worker-messages.ts'

/** How much goes into one part. */
const RULES = 50
const KEYS = 2_000

let read: ReadPolicy | undefined
let parts: Iterator<Part> | undefined

parentPort?.on('message', (message: ToThread) => void serve(message))

/** A rejection ends the thread, and with it the load. */
async function serve(message: ToThread): Promise<void> {
  const answered = await answer(message)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(answered)
}

async function answer(message: ToThread): Promise<FromThread> {
  if (message.kind === 'read') {
    read = await readPolicy(message.path, message.known)
    if (read.kind !== 'read') return read
    parts = partsOf(read.form)
    return { kind: 'read', head: headOf(read.form), stamps: read.stamps }
  }
  if (message.kind === 'next') {
    const next = parts?.next()
    return next === undefined || next.done === true ? { kind: 'end' } : next.value
  }
  const problems = read?.kind === 'read' ? read.locate(message.found) : []
  return { kind: 'located', problems }
}

function headOf({ file, lists, ...rest }: PolicyForm): FormHead {
  const { rules: _rules, tests: _tests, ...head } = file
  return {
    ...rest,
    file: head,
    lists: Array.from(lists.values(), ({ keys: _keys, ...list }) => list),
  }
}

function* partsOf({ file, lists }: PolicyForm): Generator<Part, undefined, undefined> {
  for (const rules of pieces(file.rules ?? [], RULES)) yield { kind: 'rules', rules }
  for (const tests of pieces(file.tests ?? [], RULES)) yield { kind: 'tests', tests }
  for (const { name, keys } of lists.values()) {
    for (const piece of pieces([...keys], KEYS)) yield { kind: 'keys', list: name, keys: piece }
  }
}

function* pieces<T>(
  all: readonly T[],
  size: number,
): Generator<readonly T[], undefined, undefined> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}
