/**
 * `npm run test:chaos [-- --short|--full] [--runs N] [--rate R] [--seed S] [--minutes M] [--only a,b] [--write-docs]`: pairs and
 * rotates while everything that can fail fails, and says what came of it; exit code 1 when a promise did not hold.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killAll } from '../../emulator/demo/programs.ts'
import { parseOptions } from './options.ts'
import { bootstraps } from './runs/part.ts'
import { kills } from './kills/part.ts'
import { twice } from './twice.ts'
import { createReport } from './report.ts'
import { rotations } from './rotations/part.ts'
import type { Part } from './part.ts'

const PARTS: readonly Part[] = [bootstraps, twice, rotations, kills]

const options = parseOptions(
  process.argv.slice(2),
  PARTS.map(({ name }) => name),
)
if (typeof options === 'string') {
  process.stderr.write(`error: ${options}\n`)
  process.exit(2)
}
const report = createReport(process.stdout)
const { seed, form, runs, rate, strace, minutes, only } = options
report.say(`seed ${seed}, ${form} form, at most ${minutes} min`)
const root = await mkdtemp(join(tmpdir(), 'countersign-chaos-'))
const cleanUp = async () => {
  killAll()
  await rm(root, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().then(() => process.exit(130)))
}
const deadlineMs = performance.now() + minutes * 60_000
try {
  for (const { name, story, run } of PARTS.filter((part) => only?.includes(part.name) ?? true)) {
    report.say(`${name}: ${story}`)
    await run({ report, seed, runs, rate, strace, form, root, deadlineMs }).catch(
      (error: unknown) => {
        report.violation(`the part \`${name}\` ran to its end`, error)
      },
    )
  }
} finally {
  await cleanUp()
}
process.exitCode = report.finish() ? 0 : 1
