/** Readings of the addresses that rules list: every text that may name the same destination. */
import { partsOf } from '../chains/address.ts'
import { addressReadings, splitTag } from '../chains/address-readings.ts'
import type { Steps } from '../steps.ts'

/** Readings of listed addresses, once per list, however many rules refer to it. */
export interface ListedReadings {
  /** For rules that refuse; complete after `fill`. */
  of(set: ReadonlySet<string>): ReadonlySet<string>
  /** Listed addresses without their tags; complete after `fill`. */
  baresOf(set: ReadonlySet<string>): ReadonlySet<string>
  /** Computes what was asked for. */
  fill(): Steps<void>
}

/** How many addresses are read in one step. */
const PER_STEP = 256

type Sets = Map<ReadonlySet<string>, Set<string>>

export function createListedReadings(): ListedReadings {
  const readings: Sets = new Map()
  const bares: Sets = new Map()
  return {
    of: (set) => wanted(readings, set),
    baresOf: (set) => wanted(bares, set),
    *fill() {
      yield* filled(readings, readingsOfListed)
      yield* filled(bares, (key) => {
        const { bare, tag } = partsOf(key)
        return tag === undefined ? [] : [bare]
      })
    },
  }
}

function wanted(sets: Sets, set: ReadonlySet<string>): Set<string> {
  const found = sets.get(set) ?? new Set()
  sets.set(set, found)
  return found
}

function* filled(sets: Sets, of: (key: string) => readonly string[]): Steps<void> {
  let count = 0
  for (const [set, found] of sets) {
    for (const key of set) {
      for (const each of of(key)) found.add(each)
      count += 1
      if (count % PER_STEP === 0) yield
    }
  }
}

/** Stands for the tag of a request that states none. */
export const ANY_TAG = '\n?'

/** Every reading of a listed address; one with a tag is also that of a request that states none. */
export function readingsOfListed(key: string): readonly string[] {
  const { bare, tag: own } = partsOf(key)
  const { address, tag } =
    own === undefined ? (splitTag(bare) ?? { address: bare, tag: '' }) : { address: bare, tag: own }
  const readings = addressReadings(address)
  return tag === '' || tag === '*'
    ? readings
    : readings.flatMap((reading) => [`${reading}\n${tag}`, reading + ANY_TAG])
}
