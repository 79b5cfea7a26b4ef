/** Answers that the API's documents allow and no example shows, in calm and after kills: each ends as it must. */
import { COMMANDS, type Variant, VARIANTS, worldOf } from '../bootstrap/unfamiliar.ts'
import type { World } from '../bootstrap/world.ts'
import { type Chaos, createChaos, drawWithin } from '../../emulator/chaos.ts'
import type { Context, Part } from './part.ts'

const NAME = 'unfamiliar'

/** Kills per command and variant; the full form kills after every contact. */
const KILLS = { short: 1, default: 6, full: Infinity } as const

/** Runs after a kill until a command has ended as it must. */
const MAX_RUNS = 6

export const unfamiliar: Part = {
  name: NAME,
  story: 'legal answers that no example of the vendor shows, in calm and after kills',
  text: `Each variant rewrites what the emulated API says in one way that its documents allow: a 404 without a body, a \`Location\` that leads nowhere, a status in another spelling, a key on one line, a read model without a handler, … For each, \`pair\`, \`status\`, \`rotate\` and \`unpair\` run one after the other and must end as the variant says; then once more with the command killed after one of its contacts with the outside and typed again. At the end API, handler and journal agree. The bootstrapper runs in this process with a clock that only sleep moves; files are real.`,
  run: runUnfamiliar,
}

async function runUnfamiliar({ report, seed, form, deadlineMs }: Context): Promise<void> {
  const chance = createChaos(seed)
  for (const variant of VARIANTS) {
    const contacts = await inCalm(variant, report)
    const right = variant.ends?.every((end) => end === 0) ?? true
    for (const [at, most] of contacts.entries()) {
      // What ends with an alarm has no end to come back to.
      if (!right || COMMANDS[at]?.[0] === 'status') continue
      for (const dieAt of pointsOf(most, KILLS[form], chance)) {
        if (form !== 'full' && performance.now() > deadlineMs) break
        await afterKill(variant, at, dieAt, report)
      }
    }
  }
}

/** Runs the commands; returns the contacts of each with the outside. */
async function inCalm(variant: Variant, report: Context['report']): Promise<number[]> {
  const world = await worldOf(variant)
  const contacts: number[] = []
  try {
    for (const [at, argv] of COMMANDS.entries()) {
      const exit = await world.run(...argv)
      contacts.push(world.contacts)
      report.count(NAME, 'commands in calm')
      report.must(
        exit === endOf(variant, at),
        'an unfamiliar answer ends as it must',
        `${variant.name}: ${argv[0]} ended with ${exit}\n${world.stderr}`,
      )
    }
  } finally {
    world.clean()
  }
  report.count(NAME, 'variants')
  return contacts
}

async function afterKill(
  variant: Variant,
  at: number,
  dieAt: number,
  report: Context['report'],
): Promise<void> {
  const world = await worldOf(variant)
  try {
    for (const argv of COMMANDS.slice(0, at)) await world.run(...argv)
    const argv = COMMANDS[at] ?? []
    world.dieAt = dieAt
    await world.run(...argv)
    world.dieAt = undefined
    const exit = await untilDone(world, argv)
    report.count(NAME, 'commands killed and typed again')
    report.must(
      exit === 0 && agrees(world, String(argv[0])),
      'an unfamiliar answer ends as it must after a kill',
      `${variant.name}: ${argv[0]} killed at ${dieAt}, ended with ${exit}\n${world.stderr}`,
    )
  } finally {
    world.clean()
  }
}

/** Types the command again, as its hints say. */
async function untilDone(world: World, argv: readonly string[]): Promise<number> {
  let exit = -1
  for (let runs = 0; runs < MAX_RUNS && exit !== 0; runs += 1) {
    exit = await world.run(...argv, ...(exit === 5 ? ['--resubmit'] : []))
  }
  return exit
}

/** The co-signer, the handler and the command agree on what is paired. */
function agrees(world: World, command: string): boolean {
  const [pairing] = world.emulator.pairings.values()
  const url = pairing?.shown.at(-1)?.handler?.url
  const [needs] = Object.values(world.handler.needs)
  if (command === 'unpair') return url === undefined && needs === undefined
  const live = world.handler.status().generations.find((item) => item.generation === needs?.live)
  return url !== undefined && live?.url === url && needs?.pending === null
}

function endOf({ ends }: Variant, at: number): number {
  return ends?.[at] ?? 0
}

/**
 * Contacts come in pairs, before and after an effect: dying after each is dying everywhere. After the last one nothing is
 * left to do: `rotate` has ended there, and typed again it is the next rotation.
 */
function pointsOf(contacts: number, most: number, chance: Chaos): number[] {
  const effects = Math.floor(contacts / 2) - 1
  const all = Array.from({ length: effects }, (_, index) => 2 * (index + 1))
  if (all.length <= most) return all
  return Array.from({ length: most }, () => 2 * drawWithin(chance, NAME, [1, effects]))
}
