/** Addresses that a condition accepts: by their keys, and in refusing rules by every reading of a text. */
import { addressKey } from '../chains/address.ts'
import { addressReadings, splitTag } from '../chains/address-readings.ts'
import { answerFor, CERTAINLY, greatest, NO, POSSIBLY } from '../readings/answer.ts'
import type { Answer, Reading, Stated } from '../readings/answer.ts'
import { accepter } from './check.ts'
import { ANY_TAG } from './listed-readings.ts'
import type { Accepted } from './check.ts'
import type { CompileContext } from './texts.ts'

export interface AcceptedAddresses {
  readonly accepts: (key: string) => boolean
  readonly answer: (keys: Stated, reading: Reading, missing: () => Answer) => Answer
}

/** Only refusing rules pay for the readings of what they list. */
export function acceptedAddresses(
  accepted: Accepted,
  { reading, listedReadings }: CompileContext,
): AcceptedAddresses {
  const accepts = accepter(accepted)
  const alike = reading === 'any' ? likenessOf(accepted.sets) : () => NO
  return {
    accepts,
    answer: (keys, asked, missing) => {
      const answer = answerFor(keys, accepts, asked, missing)
      if (asked !== 'any' || answer === CERTAINLY) return answer
      return keys.texts.reduce<Answer>((best, key) => greatest(best, alike(key)), answer)
    },
  }

  /** Certain when the text adds a tag to a listed address, possible when a reading of both agrees. */
  function likenessOf(sets: Accepted['sets']): (key: string) => Answer {
    const listed = sets.map((set) => listedReadings.of(set))
    return (key) => {
      const { bare, readings } = likenessesOf(key)
      if (bare !== undefined && accepts(bare)) return CERTAINLY
      const isAlike = listed.some((each) => readings.some((text) => each.has(text)))
      return isAlike ? POSSIBLY : NO
    }
  }
}

/** What a request's address may also be. */
interface Likenesses {
  /** The key of the address without the tag in its text. */
  readonly bare: string | undefined
  /** As `readingsOfListed` has them. */
  readonly readings: readonly string[]
}

/** Many rules ask about the few addresses of one request. */
const asked = new Map<string, Likenesses>()
const MAX_ASKED = 1_024

function likenessesOf(key: string): Likenesses {
  const known = asked.get(key)
  if (known !== undefined) return known
  if (asked.size >= MAX_ASKED) asked.clear()
  const split = splitTag(key)
  const suffix = split?.tag ? `\n${split.tag}` : ANY_TAG
  const likenesses = {
    bare: split === undefined ? undefined : addressKey(split.address),
    readings: addressReadings(key).flatMap((reading) => [reading, reading + suffix]),
  }
  asked.set(key, likenesses)
  return likenesses
}

/** What a request's address is looked up by, besides its key, among the readings of listed ones. */
export function likenessKeys(key: string): readonly string[] {
  const { bare, readings } = likenessesOf(key)
  return bare === undefined ? readings : [bare, ...readings]
}
