/** Once before all tests: what they run is built, and what they write lies below one directory. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import build from './build.ts'

/** Beginning of the name of the directory for all temporary files of a run. */
export const ROOT_PREFIX = 'cs-tests-'

export default function start(): void {
  build()
  // Inherited by the workers and by every program that a test starts; the name is short for the sake of sockets.
  process.env['TMPDIR'] = mkdtempSync(join(tmpdir(), ROOT_PREFIX))
}
