/** Once after all tests: nothing of theirs stays in the temporary directory, not even of one that was killed. */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import { ROOT_PREFIX } from './start.ts'

export default function end(): void {
  const root = tmpdir()
  if (!basename(root).startsWith(ROOT_PREFIX)) return
  rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
