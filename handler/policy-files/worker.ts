/** Thread that reads one policy: what takes seconds of parsing and checking stops no callback. */
import { parentPort } from 'node:worker_threads'
import { readPolicy } from './policy-file.ts'
import type { ReadPolicy } from './policy-file.ts'
import { headOf, partsOf } from './form-parts.ts'
import type { Part } from './form-parts.ts'
import type { FromThread, ToThread } from './worker-messages.ts'

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
    const { found } = read.form
    return { kind: 'read', head: { ...headOf(read.form), found }, stamps: read.stamps }
  }
  if (message.kind === 'next') {
    const next = parts?.next()
    return next === undefined || next.done === true ? { kind: 'end' } : next.value
  }
  const problems = read?.kind === 'read' ? read.locate(message.found) : []
  return { kind: 'located', problems }
}
