/** The smallest parts of the policy language: texts, names, durations and decimals as a file may write them. */
import { z } from 'zod'
import { DURATION } from '../../../common/duration.ts'
import { parseDecimal } from '../../protocol/decimal.ts'

/** How a text with control characters or of endless length is refused, wherever the file has free text. */
const PRINTABLE = /^[^\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]{1,512}$/u
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** 1 to 512 printable characters. */
export const text = z.string().regex(PRINTABLE, 'expected 1 to 512 printable characters')
/** What can be referred to by name. */
export const name = z.string().regex(NAME, 'expected letters, digits, `.`, `_` and `-`, at most 64')
/** An id as requests have it. */
export const signer = z
  .string()
  .regex(/^[\x20-\x7E]{1,128}$/, 'expected 1 to 128 printable ASCII characters')
/** `30s`, `24h`, … */
export const duration = z
  .string()
  .regex(DURATION, 'expected a duration such as `30s`, `15m`, `24h` or `7d`')
/** An exact decimal, as text. */
export const decimal = z
  .string()
  .meta({ pattern: '^(?:0|[1-9][0-9]{0,77})(?:\\.[0-9]{1,78})?$' })
  .refine(
    (value) => parseDecimal(value) !== undefined,
    'expected a plain decimal such as `"1.5"`: no sign, exponent, separator or leading zero',
  )

/** One, or a list of at least one. */
export function oneOrMore<T extends z.ZodType>(item: T) {
  return z.union([item, z.array(item).min(1)])
}

const listReference = z.strictObject({ list: oneOrMore(name) })

/** One text, several, or a named list. */
export const texts = z.union([text, z.array(text).min(1), listReference])
/** What an unknown value means in a rule that refuses; without it the answer is RETRY. */
export const unknown = z.literal('no-match').optional()
