/** What an unquoted word of YAML 1.2 (core schema) means, where there is no doubt about it. */

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
])

const NULLS: ReadonlySet<string> = new Set(['null', 'Null', 'NULL'])

const WHOLE = /^(?:0|[1-9][0-9]{0,14})$/

/** A character that no notation of a number has. */
const NOT_A_NUMBER = /[g-hj-mp-wyzG-HJ-MP-WYZ:]/

/** The text, boolean or small whole number; undefined for null and for everything that might be some other number. */
export function resolvePlain(text: string): string | boolean | number | undefined {
  const first = text.charCodeAt(0)
  const isDigit = first >= 48 && first <= 57
  if (!isDigit) return NULLS.has(text) ? undefined : (WORDS.get(text) ?? text)
  if (WHOLE.test(text)) return Number(text)
  return NOT_A_NUMBER.test(text) ? text : undefined
}
