/** Readings of the addresses that refusing rules list: every text that may name the same destination. */
import { addressReadings, splitTag } from '../chains/address-readings.ts'
import type { Steps } from '../steps.ts'

/** Readings of listed addresses, once per list, however many rules refer to it. */
export interface ListedReadings {
  /** Complete after `fill`. */
  of(set: ReadonlySet<string>): ReadonlySet<string>
  /** Computes what was asked for. */
  fill(): Steps<void>
}

/** How many addresses are read in one step. */
const PER_STEP = 256

export function createListedReadings(): ListedReadings {
  const known = new Map<ReadonlySet<string>, Set<string>>()
  return {
    of: (set) => {
      const readings = known.get(set) ?? new Set()
      known.set(set, readings)
      return readings
    },
    *fill() {
      let count = 0
      for (const [set, readings] of known) {
        for (const key of set) {
          for (const each of readingsOfListed(key)) readings.add(each)
          count += 1
          if (count % PER_STEP === 0) yield
        }
      }
    },
  }
}

/** Stands for the tag of a request that states none. */
export const ANY_TAG = '\n?'

/** Every reading of a listed address; one with a tag is also that of a request that states none. */
export function readingsOfListed(key: string): readonly string[] {
  const { address, tag } = splitTag(key) ?? { address: key, tag: '' }
  const readings = addressReadings(address)
  return tag === ''
    ? readings
    : readings.flatMap((reading) => [`${reading}\n${tag}`, reading + ANY_TAG])
}
