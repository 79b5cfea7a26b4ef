/**
 * `npm run test:image [-- --short] [-- --only a,b] [-- --where-possible]`: builds the project's own Dockerfile and runs
 * what is shipped where people run it, without a container daemon and without an image registry.
 */
import { mkdtemp } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createReport } from '../faults/report.ts'
import { baseOf, makeBase } from './base.ts'
import { buildImage, IMAGE } from './build.ts'
import { container } from './container.ts'
import { openEngine } from './engine.ts'
import { kubernetes } from './kubernetes.ts'
import type { Part } from './part.ts'
import { killPrograms, whatIsMissing } from './programs.ts'

/** Besides the line of the Dockerfile, the other one for production. */
const OTHER_LINE = '26.10.0'

const PARTS: readonly Part[] = [container, kubernetes]

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    'where-possible': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(`Usage: npm run test:image -- [options]

Builds the image and runs handler, emulator and bootstrapper from it. Exit code 0 when every promise held, 1 when one did
not, 2 when something that is needed here is missing.

  --short           only the Node.js of the Dockerfile; without it the other line for production, too
  --only <names>    parts, with commas: ${PARTS.map(({ name }) => name).join(', ')}
  --where-possible  where something is missing, say so and end with 0
`)
  process.exit(0)
}
const missing = whatIsMissing(process.env)
if (missing !== undefined) {
  process.stderr.write(`${values['where-possible'] ? 'skipped: ' : 'error: '}${missing}\n`)
  process.exit(values['where-possible'] ? 0 : 2)
}
const only = values.only?.split(',')
const unknown = only?.filter((name) => PARTS.every((part) => part.name !== name)) ?? []
if (unknown.length > 0) {
  process.stderr.write(`error: there is no part \`${unknown.join('`, `')}\`\n`)
  process.exit(2)
}

const environment = Object.fromEntries(
  Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
)
// dist/test/image/main.js
const project = resolve(import.meta.dirname, '../../..')
const cache = join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'countersign')
const report = createReport(process.stdout)
const engine = await openEngine(await mkdtemp(join(tmpdir(), 'countersign-image-')), environment)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killPrograms()
    void engine.remove().then(() => process.exit(130))
  })
}
try {
  const own = await baseOf(project)
  const other = { image: own.image.replace(own.version, OTHER_LINE), version: OTHER_LINE }
  for (const base of values.short ? [own] : [own, other]) {
    report.say(`base ${base.image}`)
    await makeBase(engine, base, cache, environment, (text) => report.say(text))
    report.say('builds the Dockerfile')
    await buildImage(engine, project, base.image, base !== own, report)
    for (const part of PARTS.filter(({ name }) => only?.includes(name) ?? true)) {
      const say = (text: string) => report.say(`${part.name}: ${text}`)
      const context = { engine, project, image: IMAGE, base: base.image, environment }
      await part.run({ ...context, report: { ...report, say } }).catch((error: unknown) => {
        report.violation(`the part \`${part.name}\` ran to its end`, error)
      })
      await engine.clear()
    }
  }
} catch (error) {
  report.violation('the harness ran to its end', error)
} finally {
  await engine.remove()
}
process.exit(report.finish() ? 0 : 1)
