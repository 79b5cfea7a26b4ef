/**
 * Legal answers that no example of the vendor shows. Seven of thirty-four ended wrongly: `pair` could never be made
 * where a 404 had an empty body, an accepted change could not be followed where `Location` led nowhere, a key on one
 * line was drift, and a user shown without a handler was never paired.
 */
import { expect, it, jest } from '@jest/globals'
import { COMMANDS, VARIANTS, worldOf } from './unfamiliar.ts'

jest.setTimeout(60_000)

it.each(VARIANTS.map((variant) => [variant.name, variant] as const))('%s', async (_, variant) => {
  const world = await worldOf(variant)
  try {
    const exits: string[] = []
    for (const [index, argv] of COMMANDS.entries()) {
      const exit = await world.run(...argv)
      const expected = variant.ends?.[index] ?? 0
      exits.push(exit === expected ? 'right' : `${argv[0]} ${exit}: ${world.stderr}`)
    }
    expect(exits).toEqual(COMMANDS.map(() => 'right'))
  } finally {
    world.clean()
  }
})
