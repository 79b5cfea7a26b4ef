/**
 * Compiles the sources into dist/ once per run, when one is newer than the last build: the decision store's thread and the
 * end-to-end tests run what is shipped, and Node 20 cannot load TypeScript into a thread anyway.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const SOURCES = ['handler', 'bootstrap', 'certs', 'common', 'emulator']
const STAMP = join(ROOT, 'dist', '.built')

export default function build(): void {
  if (newestSource() < modifiedAt(STAMP)) return
  const startedAt = new Date()
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', ROOT], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  // A source that changed while the compiler ran is newer than this.
  writeFileSync(STAMP, '')
  utimesSync(STAMP, startedAt, startedAt)
}

function newestSource(): number {
  const configuration = modifiedAt(join(ROOT, 'tsconfig.json'))
  const files = SOURCES.flatMap((folder) => sourcesIn(join(ROOT, folder)))
  return Math.max(configuration, ...files.map(modifiedAt))
}

function sourcesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
  } catch {
    return []
  }
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
