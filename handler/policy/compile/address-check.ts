/** Addresses that a condition accepts: by their keys, and in refusing rules by every reading of a text. */
import { partsOf, withAnyTag, withTag } from '../chains/address.ts'
import { addressReadings, splitTag } from '../chains/address-readings.ts'
import { CERTAINLY, greatest, least, NO, POSSIBLY } from '../readings/answer.ts'
import type { Answer, Reading, Stated } from '../readings/answer.ts'
import type { Matcher } from './glob.ts'
import { ANY_TAG } from './listed-readings.ts'
import type { Accepted } from './check.ts'
import type { CompileContext } from './texts.ts'

export interface AcceptedAddresses {
  /** Certainly accepted in a rule that approves. */
  readonly accepts: Matcher
  readonly answer: (keys: Stated, reading: Reading, missing: () => Answer) => Answer
}

/** Only refusing rules pay for the readings of what they list. */
export function acceptedAddresses(
  { sets }: Accepted,
  { reading, listedReadings }: CompileContext,
): AcceptedAddresses {
  const lists = (key: string) => sets.some((set) => set.has(key))
  const listed = reading === 'any' ? sets.map((set) => listedReadings.of(set)) : []
  const bares = sets.map((set) => listedReadings.baresOf(set))

  /** Listed as it is, or with whatever tag. */
  function accepts(key: string): boolean {
    if (lists(key)) return true
    const { bare, tag } = partsOf(key)
    return tag !== undefined && lists(withAnyTag(bare))
  }

  function approving(key: string): Answer {
    if (accepts(key)) return CERTAINLY
    const { bare, isUnknown } = partsOf(key)
    return isUnknown && bares.some((each) => each.has(bare)) ? POSSIBLY : NO
  }

  /** A listed address without a tag covers all tags. */
  function refusing(key: string): Answer {
    const { bare, readings } = likenessesOf(key)
    if (accepts(key) || bare.some(lists)) return CERTAINLY
    return listed.some((each) => readings.some((text) => each.has(text))) ? POSSIBLY : NO
  }

  return {
    accepts,
    answer: ({ texts, unreadable }, asked, missing) => {
      if (texts.length === 0) return unreadable ? POSSIBLY : missing()
      if (asked !== 'any') {
        return texts.reduce<Answer>(
          (worst, key) => least(worst, approving(key)),
          unreadable ? POSSIBLY : CERTAINLY,
        )
      }
      return texts.reduce<Answer>(
        (best, key) => greatest(best, refusing(key)),
        unreadable ? POSSIBLY : NO,
      )
    },
  }
}

/** What a request's address may also be. */
interface Likenesses {
  /** Keys of the address without its tag, in a list. */
  readonly bare: readonly string[]
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
  const likenesses = likenessesIn(key)
  asked.set(key, likenesses)
  return likenesses
}

function likenessesIn(key: string): Likenesses {
  const { bare, tag, isUnknown } = partsOf(key)
  const readings = addressReadings(bare)
  if (tag !== undefined) {
    const suffix = isUnknown ? ANY_TAG : `\n${tag}`
    const tagged = tag === '' ? [] : readings.map((reading) => reading + suffix)
    return { bare: [bare, withTag(bare, '')], readings: [...readings, ...tagged] }
  }
  const split = splitTag(bare)
  const suffix = split?.tag ? `\n${split.tag}` : ANY_TAG
  return {
    bare: split === undefined ? [] : [split.address],
    readings: readings.flatMap((reading) => [reading, reading + suffix]),
  }
}

/** What a request's address is looked up by among those that rules that refuse list. */
export function likenessKeys(key: string): readonly string[] {
  const { bare, readings } = likenessesOf(key)
  return [key, withAnyTag(partsOf(key).bare), ...bare, ...readings]
}

/** The same among those that rules that approve list; null when any of them may be meant. */
export function approvedKeys(key: string): readonly string[] | null {
  const { bare, tag, isUnknown } = partsOf(key)
  if (isUnknown) return null
  return tag === undefined ? [key] : [key, withAnyTag(bare)]
}
