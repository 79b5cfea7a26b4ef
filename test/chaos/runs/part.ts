/** Hundreds of whole bootstraps against an API that misbehaves, in one process and on a clock that only sleep moves. */
import { cp, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { userDirectory } from '../../../bootstrap/state-paths.ts'
import { createUserKey } from '../../../bootstrap/user-files.ts'
import type { World } from '../../bootstrap/world.ts'
import type { Context, Part } from '../part.ts'
import { runLife } from './run.ts'
import type { Outcome } from './run.ts'

const NAME = 'bootstraps'

/** API user keys that are made for the whole part: an RSA-4096 key takes a second. */
const POOL = 3

/** Runs at the same time. */
const AT_ONCE = 8

/** One run in so many makes its own key; the others find one, as a run that was killed just after making it would. */
const OWN_KEY_EVERY = 50

export const bootstraps: Part = {
  name: NAME,
  story: '`up` and `rotate` under chaos, typed again until they have ended',
  text: `A whole life of a pairing, drawn from its seed: \`up\` and \`rotate\` in one of the three modes, against an API that loses answers, fails before and after the deed, limits the rate, delays, adds members and statuses that nobody has documented; with people who approve, reject, cancel, wait for days or approve late; with one or two machines that switch up to ten seconds before or after COMPLETED. A third of the lives is also killed now and then. A made-up operator types the same command again and does what its hints say. The bootstrapper runs in this process with a clock that only sleep moves; files are real. After each command: never more than one API user, never another private key, never a body or an instant without a callback handler. At the end: the user has the key that is on disk, API, co-signer and handler agree on one generation, and the same command has nothing to do.`,
  run: runBootstraps,
}

async function runBootstraps({ report, seed, runs, root }: Context): Promise<void> {
  const pool = await makePool(join(root, 'user-keys'))
  let next = 0
  let done = 0
  // A run mostly waits for its fsyncs; several at once do not disturb each other, and each is the same for its seed.
  const worker = async () => {
    while (next < runs) {
      const index = next
      next += 1
      const own = index % OWN_KEY_EVERY === OWN_KEY_EVERY - 1
      const outcome = await runLife(seed, index, async (world) => {
        if (!own) await placeKey(world, pool[index % POOL] ?? '')
      })
      enter(outcome, index, own, report)
      done += 1
      if (done % 100 === 0) report.say(`${done} of ${runs} runs`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

function enter(outcome: Outcome, index: number, own: boolean, report: Context['report']): void {
  const { endings, broken, requests, spoiled, life } = outcome
  const sum = (count: (ending: Outcome['endings'][number]) => number) =>
    endings.reduce((total, ending) => total + count(ending), 0)
  report.count(NAME, 'runs')
  report.count(NAME, 'in the right final state', broken === undefined ? 1 : 0)
  report.count(NAME, 'with more than one API user', broken?.kind === 'users' ? 1 : 0)
  report.count(NAME, 'with a lost or changed key', broken?.kind === 'key' ? 1 : 0)
  report.count(
    NAME,
    'with an instant without a callback handler',
    broken?.kind === 'handler' ? 1 : 0,
  )
  report.count(NAME, 'that made their own RSA-4096 key', own ? 1 : 0)
  report.count(
    NAME,
    'command lines',
    sum(({ typed }) => typed),
  )
  report.count(
    NAME,
    'command lines killed',
    sum(({ killed }) => killed),
  )
  report.count(
    NAME,
    'rejections and cancellations',
    sum(({ rejections }) => rejections),
  )
  report.count(
    NAME,
    'resubmissions',
    sum(({ resubmits }) => resubmits),
  )
  report.count(
    NAME,
    'rotations abandoned',
    sum(({ abandons }) => abandons),
  )
  report.count(
    NAME,
    'stops for a late approval of something older',
    sum(({ overtaken }) => overtaken),
  )
  report.count(NAME, 'API requests', requests)
  report.count(NAME, 'API requests spoiled', spoiled)
  report.must(
    broken === undefined,
    `a bootstrap ends in the right state (${broken?.kind})`,
    `run ${index}, seed ${life.seed}: ${broken?.text}`,
  )
}

async function makePool(directory: string): Promise<readonly string[]> {
  const places: string[] = []
  for (let index = 0; index < POOL; index += 1) {
    const place = join(directory, String(index))
    await createUserKey(place, 'chaos')
    places.push(place)
  }
  return places
}

async function placeKey(world: World, from: string): Promise<void> {
  const to = join(userDirectory(world.stateDir, 'countersign'), 'key')
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await cp(join(from, 'key'), to, { recursive: true })
}
