/** Whole runs against an API that loses answers, fails before and after the deed, and is slow: always the same end. */
import { describe, expect, it } from '@jest/globals'
import type { Knobs } from '../../emulator/knobs.ts'
import { COSIGNER, createWorld, placeUserKey, type World } from './world.ts'

/** A longer run: `CHAOS_SEEDS=500 npx jest test/bootstrap/chaos`. */
const SEEDS = Number(process.env['CHAOS_SEEDS'] ?? '8')

const CHAOS: Partial<Knobs> = {
  LOST_REPLY_PCT: 8,
  HTTP_5XX_PCT: 8,
  HTTP_502_AFTER_COMMIT_PCT: 8,
  HTTP_429_PCT: 8,
  UNKNOWN_FIELDS_PCT: 20,
  UNKNOWN_STATUS_PCT: 20,
  LOCATION_MISSING_PCT: 10,
  APPROVAL_DELAY_S: [0, 15],
  COMPLETION_DELAY_MS: [0, 20_000],
  SWITCH_SKEW_MS: [-10_000, 10_000],
}

/** Runs a command until it is done, as an operator would: again, and with --resubmit when nothing waits for approval. */
async function persist(world: World, ...argv: string[]): Promise<number> {
  let exit = -1
  let flags: string[] = []
  for (let attempt = 0; attempt < 30 && exit !== 0; attempt += 1) {
    exit = await world.run(...argv, '--wait', '2m', ...flags)
    expect([0, 4, 5]).toContain(exit)
    const waits = world.emulator.requests.some(
      ({ status }) => status === 'WAITING_FOR_APPROVAL' || status === 'APPROVED',
    )
    flags = exit === 5 && !waits ? ['--resubmit'] : []
    world.nowMs += 60_000
  }
  return exit
}

describe('under chaos', () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
    'seed %i: one user, one pairing, one rotation, nothing lost',
    async (seed) => {
      const world = await createWorld({ seed })
      await placeUserKey(world)
      world.knobs(CHAOS)
      expect(await persist(world, 'up', '--cosigner-id', COSIGNER)).toBe(0)
      const users = Array.from(world.emulator.users.values())
      const made = users.filter(({ name }) => name.startsWith('countersign-'))
      expect(made).toHaveLength(1)
      expect(await persist(world, 'rotate', '--yes')).toBe(0)
      const [pairing] = world.emulator.pairings.values()
      expect(pairing?.shown.at(-1)?.handler?.url).toBe('https://handler.test:8444/g2')
      expect(world.handler.needs).toEqual({
        [`${COSIGNER}/${made[0]?.id}`]: { live: 2, pending: null, drainMs: 7_200_000 },
      })
      world.clean()
    },
  )
})
