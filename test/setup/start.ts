/** Once before all tests: what they run is built, and what they write lies below one directory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import build from './build.ts'

/** Beginning of the name of the directory for all temporary files of a run. */
export const ROOT_PREFIX = 'cs-tests-'

export default function start(): void {
  build()
  // Inherited by the workers and by every program that a test starts; the name is short for the sake of sockets.
  process.env['TMPDIR'] = mkdtempSync(join(tmpdir(), ROOT_PREFIX))
  // A run that is broken off, by Ctrl-C for example, comes to no end of its own.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      removeRoot()
      process.kill(process.pid, signal)
    })
  }
}

/** Removes the directory of this run with everything in it. */
export function removeRoot(): void {
  const root = tmpdir()
  if (!basename(root).startsWith(ROOT_PREFIX)) return
  rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
