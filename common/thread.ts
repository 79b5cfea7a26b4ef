/** Threads that are started ahead: they load their modules while the rest of the program loads its own. */
import { Worker } from 'node:worker_threads'

/** A thread that waits for its first message. */
export interface BootedThread {
  readonly worker: Worker
  /** Rejects when the thread ends; nothing has to listen. */
  readonly died: Promise<never>
}

/** Starts the thread whose compiled module is at `url`. */
export function bootThread(url: URL): BootedThread {
  const worker = new Worker(url)
  const died = new Promise<never>((_, reject) => {
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the thread ended')))
  })
  died.catch(() => undefined)
  return { worker, died }
}

const ROOT = new URL('..', import.meta.url)

/**
 * The compiled module that stands beside the caller's, given its `import.meta.url`: sources that run uncompiled (tests) use
 * `dist/`, for Node 20 loads no TypeScript into a thread or a process.
 */
export function compiledModule(here: string, name: string): URL {
  if (!here.endsWith('.ts')) return new URL(name, here)
  const folder = new URL('.', here).href.slice(ROOT.href.length)
  return new URL(`dist/${folder}${name}`, ROOT)
}
