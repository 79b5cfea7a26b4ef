/**
 * `npm run test:faults [-- --short] [-- --seconds N] [-- --seed S] [-- --only a,b]`: attacks, starves and kills the
 * built handler from outside and says what came of it; exit code 1 when a promise did not hold.
 */
import { parseArgs } from 'node:util'
import { randomInt } from 'node:crypto'
import { killAll as killPrograms } from '../../emulator/demo/programs.ts'
import { createChaos } from '../../emulator/chaos.ts'
import { inParallel } from './load.ts'
import { createReport } from './report.ts'
import { createWorld, killAll, removeWorld } from './rig.ts'
import { SCENARIOS } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(`Usage: npm run test:faults -- [options]

Attacks, starves and kills the built handler from outside. Exit code 0 when every promise held, 1 when one did not.

  --short         a few minutes, for continuous integration
  --seconds <n>   length of what has no end of its own (default: 100; short: 8)
  --seed <n>      the same inputs, faults and order as the run that printed it
  --only <names>  scenarios, with commas: ${SCENARIOS.map(({ name }) => name).join(', ')}
`)
  process.exit(0)
}
const seconds = Number(values.seconds ?? (values.short ? 8 : 100))
const seed = Number(values.seed ?? randomInt(2 ** 32))
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write('error: `--seconds` and `--seed` are numbers\n')
  process.exit(2)
}
const only = values.only?.split(',')
const unknown = only?.filter((name) => SCENARIOS.every((each) => each.name !== name)) ?? []
if (unknown.length > 0) {
  process.stderr.write(`error: there is no scenario \`${unknown.join('`, `')}\`\n`)
  process.exit(2)
}

const report = createReport(process.stdout)
report.say(
  `seed ${seed}; ${seconds} s for what has no end of its own, the rest takes as long as it takes`,
)
const world = await createWorld()
const cleanUp = async () => {
  killAll()
  killPrograms()
  await removeWorld(world)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().then(() => process.exit(130)))
}
try {
  const chosen = SCENARIOS.filter(({ name }) => only?.includes(name) ?? true)
  // Most of the time is spent waiting: the short form does two things at once.
  await inParallel(values.short ? 2 : 1, chosen, async ({ name, story, share, run }) => {
    const say = (text: string) => report.say(`${name}: ${text.trim()}`)
    say(story)
    const context = { world, chaos: createChaos(seed), seconds: seconds * share }
    const named = { ...report, say }
    await run({ ...context, report: named, short: values.short }).catch((error: unknown) => {
      report.violation(`the scenario \`${name}\` ran to its end`, error)
    })
  })
} finally {
  await cleanUp()
}
process.exit(report.finish() ? 0 : 1)
