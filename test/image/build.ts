/** Builds the project's own Dockerfile, unchanged, and looks at what came of it. */
import { join } from 'node:path'
import type { Report } from '../faults/report.ts'
import type { Engine } from './engine.ts'

/** Name of the image in the store of this run. */
export const IMAGE = 'localhost/countersign:local'

/** Megabytes that the image may add to its base. */
const MOST_MEGABYTES = 50

/**
 * Builds `IMAGE` on `base`, which is in the store, and checks what it holds.
 *
 * @param named the base is not the Dockerfile's own, and given to it by `NODE_IMAGE`
 */
export async function buildImage(
  engine: Engine,
  project: string,
  base: string,
  named: boolean,
  report: Report,
): Promise<void> {
  const policy = join(engine.directory, 'policy.json')
  const rules = ['--pull-never', '--signature-policy', policy]
  const args = named ? [`--build-arg=NODE_IMAGE=${base}`] : []
  await engine.buildah('bud', ...rules, ...args, '--tag', IMAGE, project)
  const own = Math.round(((await size(engine, IMAGE)) - (await size(engine, base))) / 1e6)
  report.count('megabytes of the image without its base', own)
  report.must(own <= MOST_MEGABYTES, `the image adds at most ${MOST_MEGABYTES} MB to its base`, own)
  const script = `const found = ['gcc', 'g++', 'make', 'python3'].filter((p) => fs.existsSync('/usr/bin/' + p))
const kept = ['typescript', 'better-sqlite3', 'jest'].filter((p) => fs.existsSync('node_modules/' + p))
console.log(JSON.stringify([...found, ...kept]))`
  const held = await engine.podman(
    'run',
    '--rm',
    '--pull=never',
    '--network=none',
    IMAGE,
    '-e',
    script,
  )
  report.must(
    held.trim() === '[]',
    'neither compilers nor development tools are in the image',
    held,
  )
}

async function size(engine: Engine, image: string): Promise<number> {
  return Number(await engine.podman('image', 'inspect', '--format', '{{.Size}}', image))
}
