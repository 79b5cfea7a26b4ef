/** The three answers of a condition, a block and a rule, and the two ways to read a request that states several values. */

/** Not a truth value: `POSSIBLY` says that it depends on a value that is unknown. */
export type Answer = 0 | 1 | 2
export const NO: Answer = 0
export const POSSIBLY: Answer = 1
export const CERTAINLY: Answer = 2

/**
 * `every`: all destinations, elements and stated values must fit (rules that approve or abstain). `any`: one is enough
 * (rules that refuse or hold). `release`: as `every`, for people who release what a rule holds; a lower bound of an amount,
 * which holds large ones, is then judged by the largest.
 */
export type Reading = 'every' | 'any' | 'release'

export function least(left: Answer, right: Answer): Answer {
  return left < right ? left : right
}

export function greatest(left: Answer, right: Answer): Answer {
  return left > right ? left : right
}

/** As an operator reads it. */
export const ANSWER_WORDS = ['no', 'possibly', 'certainly'] as const

/** What a request states about one member: no values, one, or several that need not agree. */
export interface Stated {
  readonly texts: readonly string[]
  /** Something is there that cannot be read: of another type, or with a checksum that fails. */
  readonly unreadable: boolean
}

const NOTHING: Stated = { texts: [], unreadable: false }
const UNREADABLE: Stated = { texts: [], unreadable: true }

/** Absent, null and empty text are the same; anything else that is no text is unreadable. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** What one or two members state; equal texts once. */
export function stated(first: unknown, second?: unknown): Stated {
  const one = isAbsent(first)
  const other = isAbsent(second)
  if (one && other) return NOTHING
  const texts: string[] = []
  if (!one && typeof first === 'string') texts.push(first)
  if (!other && typeof second === 'string' && second !== first) texts.push(second)
  const unreadable = (!one && typeof first !== 'string') || (!other && typeof second !== 'string')
  return texts.length === 0 && unreadable ? UNREADABLE : { texts, unreadable }
}

/** The answer for what was stated, when one text is accepted or not; `missing` answers when nothing was. */
export function answerFor(
  { texts, unreadable }: Stated,
  accepts: (text: string) => boolean,
  reading: Reading,
  missing: () => Answer,
): Answer {
  if (texts.length === 0) return unreadable ? POSSIBLY : missing()
  if (reading === 'any') return texts.some(accepts) ? CERTAINLY : unreadable ? POSSIBLY : NO
  if (!texts.every(accepts)) return NO
  return unreadable ? POSSIBLY : CERTAINLY
}
