/**
 * Killed at a contact with the outside, then run again: the same end, nothing twice, nothing lost. Every third contact is
 * tried here, every one with COUNTERSIGN_EVERY_KILL=1 (`npm run test:long`).
 */
import { describe, expect, it } from '@jest/globals'
import { COSIGNER, createWorld, placeUserKey, USER, type World } from './world.ts'

const EVERY = process.env['COUNTERSIGN_EVERY_KILL'] === '1' ? 1 : 3

/** What must be the same at the end, however often it died on the way. */
function endOf(world: World) {
  const { emulator, handler } = world
  const pairing = emulator.pairings.get(`${COSIGNER}/${USER}`)
  return {
    paired: Array.from(emulator.pairings.values(), ({ shown }) => shown.at(-1)?.handler?.url),
    users: Array.from(emulator.users.values()).filter(({ name }) => name.startsWith('countersign-'))
      .length,
    needs: Object.values(handler.needs),
    generations: handler.status().generations.map(({ generation, state }) => [generation, state]),
    requests: pairing === undefined ? 0 : 1,
  }
}

async function pairedWorld(): Promise<World> {
  const world = (await createWorld()).withUser()
  expect(await world.run('pair', '--cosigner-id', COSIGNER, '--api-key-id', USER)).toBe(0)
  return world
}

async function emptyWorld(): Promise<World> {
  const world = await createWorld()
  await placeUserKey(world)
  return world
}

const CASES = [
  { name: 'up', argv: ['up', '--cosigner-id', COSIGNER], make: emptyWorld },
  { name: 'rotate', argv: ['rotate', '--yes'], make: pairedWorld },
  { name: 'unpair', argv: ['unpair', '--yes'], make: pairedWorld },
] as const

describe.each(CASES)('$name, killed at its n-th contact and run again', ({ argv, make }) => {
  it('ends as if it had never been killed', async () => {
    const calm = await make()
    expect(await calm.run(...argv)).toBe(0)
    const expected = endOf(calm)
    const { contacts } = calm
    calm.clean()
    expect(contacts).toBeGreaterThan(20)
    const ends = []
    // Contacts come in pairs, before and after an effect; between one pair and the next nothing happens outside, so
    // dying after each effect is dying at every point. The last one is the end of the run: nothing is left to be killed.
    for (let dieAt = 2; dieAt < contacts; dieAt += 2 * EVERY) {
      const world = await make()
      world.dieAt = dieAt
      // A kill inside a probe is reported as a probe that failed; no process is left to mind.
      expect([7, 70]).toContain(await world.run(...argv))
      world.dieAt = undefined
      let exit = await world.run(...argv, '--wait', '2m')
      // The run died with a PATCH or DELETE in flight that never arrived: the operator has looked, nothing waits.
      if (exit === 5) exit = await world.run(...argv, '--resubmit')
      ends.push({ dieAt, exit, end: endOf(world) })
      world.clean()
    }
    expect(ends.filter(({ exit }) => exit !== 0)).toEqual([])
    for (const { dieAt, end } of ends) expect({ dieAt, end }).toEqual({ dieAt, end: expected })
  })
})
