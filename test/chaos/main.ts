/**
 * `npm run test:chaos [-- --short|--full] [--runs N] [--rate R] [--seed S] [--minutes M] [--only a,b] [--write-docs]`: pairs and
 * rotates while everything that can fail fails, and says what came of it; exit code 1 when a promise did not hold.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeMachine } from '../../bench/machine.ts'
import { killAll } from '../../emulator/demo/programs.ts'
import { renderDocument } from './document.ts'
import { parseOptions } from './options.ts'
import { bootstraps } from './runs/part.ts'
import { kills } from './kills/part.ts'
import { killPoints } from './kills/points.ts'
import { twice } from './twice.ts'
import { unfamiliar } from './unfamiliar.ts'
import { createReport } from './report.ts'
import { rotations } from './rotations/part.ts'
import type { Part } from './part.ts'

const PARTS: readonly Part[] = [bootstraps, unfamiliar, twice, rotations, kills]

/** Seen from `dist/test/chaos/`. */
const DOCUMENT = fileURLToPath(new URL('../../../docs/chaos.md', import.meta.url))

const options = parseOptions(
  process.argv.slice(2),
  PARTS.map(({ name }) => name),
)
if ('help' in options) {
  process.stdout.write(options.help)
  process.exit(0)
}
if ('error' in options) {
  process.stderr.write(`error: ${options.error}\n`)
  process.exit(2)
}
const began = performance.now()
const machine = describeMachine(new Date())
const report = createReport(process.stdout, process.stderr)
const { seed, form, runs, rate, strace, minutes, only } = options
report.say(`seed ${seed}, ${form} form`)
const root = await mkdtemp(join(tmpdir(), 'countersign-chaos-'))
// Whatever makes a temporary directory of its own makes it in here.
process.env['TMPDIR'] = root
const end = () => {
  killAll()
  killPoints()
}
const cleanUp = async () => {
  end()
  await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  // What was started meanwhile.
  end()
}
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    void cleanUp().finally(() => process.exit(status))
  })
}
const secondsSince = (from: number) => Math.round((performance.now() - from) / 1_000)
try {
  const deadlineMs = began + minutes * 60_000
  for (const { name, story, run } of PARTS.filter((part) => only?.includes(part.name) ?? true)) {
    report.say(`${name}: ${story}`)
    const partBegan = performance.now()
    await run({ report, seed, runs, rate, strace, form, root, deadlineMs }).catch(
      (error: unknown) => {
        report.violation(`the part \`${name}\` ran to its end`, error)
      },
    )
    report.figure(name, 'seconds', secondsSince(partBegan))
  }
} finally {
  await cleanUp()
}
const seconds = secondsSince(began)
report.figure('harness', 'seconds', seconds)
// maxRSS is in KiB.
const peak = Math.round(process.resourceUsage().maxRSS / 1_024)
report.figure('harness', 'MiB of memory at most', peak)
const held = report.finish()
process.stdout.write(`seed ${seed}, ${form} form, ${seconds} s\n`)
if (options.writeDocs && held) {
  await writeFile(DOCUMENT, renderDocument({ report, options, machine, seconds, parts: PARTS }))
}
if (options.writeDocs && !held) report.say('docs/chaos.md is left as it was')
process.exitCode = held ? 0 : 1
