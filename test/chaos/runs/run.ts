/** One life of a pairing under chaos: `up`, then `rotate`, each typed until it has ended, then both once more in calm. */
import { COSIGNER, createWorld } from '../../bootstrap/world.ts'
import type { World } from '../../bootstrap/world.ts'
import { assertEnd, Broken, watch } from './invariants.ts'
import type { Kind } from './invariants.ts'
import { drawLife } from './life.ts'
import type { Life } from './life.ts'
import { persist } from './operator.ts'
import type { Ending } from './operator.ts'

/** What a run says about itself. */
export interface Outcome {
  readonly life: Life
  readonly endings: readonly Ending[]
  /** API requests that the emulator saw, and those that chaos spoiled. */
  readonly requests: number
  readonly spoiled: number
  readonly broken: { readonly kind: Kind; readonly text: string } | undefined
}

/** Runs life `index`; `placeKey` puts an API user's key in place, or leaves it to the program. */
export async function runLife(
  seed: number,
  index: number,
  placeKey: (world: World) => Promise<void>,
): Promise<Outcome> {
  const life = drawLife(seed, index)
  const world = await createWorld({ seed: life.seed, autoApproveMs: null, auth: life.auth })
  const endings: Ending[] = []
  let broken: Outcome['broken']
  try {
    await placeKey(world)
    world.knobs(life.knobs)
    const eyes = watch(world)
    for (const argv of [
      ['up', '--cosigner-id', COSIGNER],
      ['rotate', '--yes'],
    ]) {
      const ending = await persist(world, life, argv, (story) => {
        try {
          eyes.look()
        } catch (error) {
          throw error instanceof Broken
            ? new Broken(error.kind, `${error.message}\n${story}`)
            : error
        }
      })
      endings.push(ending)
      if (ending.exit !== 0) {
        throw new Broken(
          'end',
          `\`${argv[0]}\` ended with ${ending.exit}\n${ending.story.join('\n')}`,
        )
      }
      // Every machine has switched, and what people approved twice has been carried out twice.
      world.nowMs += 120_000
      await assertEnd(world, liveGeneration(world))
      if (argv[0] === 'rotate' && liveGeneration(world) < 2)
        throw new Broken('end', 'nothing was rotated')
    }
    await assertNothingLeft(world, life)
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    const text = `${error.message}\n${life.auth} ${JSON.stringify(life.knobs)}\n${world.stderr}`
    broken = { kind: error.kind, text }
  } finally {
    world.clean()
  }
  const { audit } = world.emulator
  const spoiled = audit.filter(({ fault }) => fault !== undefined).length
  return { life, endings, requests: audit.length, spoiled, broken }
}

/** The generation that the API shows. */
function liveGeneration({ emulator }: World): number {
  const [pairing] = emulator.pairings.values()
  return Number(/\/g(\d+)$/.exec(pairing?.shown.at(-1)?.handler?.url ?? '')?.[1])
}

/** In calm the same command finds nothing to do and writes nothing. */
async function assertNothingLeft(world: World, life: Life): Promise<void> {
  world.knobs({ CLOCK_SKEW_S: life.knobs.CLOCK_SKEW_S })
  world.nowMs += 3_600_000
  const writes = world.writes.length
  const exit = await world.run(
    'up',
    '--cosigner-id',
    COSIGNER,
    '--json',
    '--api-family',
    life.family,
  )
  const { changed } = exit === 0 ? world.json() : {}
  if (exit === 0 && changed === false && world.writes.length === writes) return
  throw new Broken(
    'end',
    `in calm the same command ends with ${exit} and \`changed\` ${String(changed)}`,
  )
}
