/**
 * Text for terminals: whatever the API, a request or a file put into it, a terminal acts on none of
 * it.
 */

/** Control, format and unassigned characters, line and paragraph separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** One line of printable text; each character that is none becomes a question mark. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, '?')
}

/** The same for text of several lines, which it keeps. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** Foreign text on one line: what is not printable becomes a space; at most 300 characters. */
export function oneLine(text: string): string {
  const flat = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return flat.length > 300 ? `${flat.slice(0, 300)}…` : flat
}

/** The value as JSON on one line of printable text; it parses to the same value. */
export function printableJson(value: unknown): string {
  return escapeUnprintable(JSON.stringify(value))
}

/** JSON on one line, its unprintable characters as `\u` escapes. */
export function escapeUnprintable(json: string): string {
  return json.replaceAll(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeUnit(character, index)).join(''),
  )
}

function escapeUnit(text: string, index: number): string {
  return `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`
}

/** The text, cut to a number of columns with an ellipsis; characters count as one column each. */
export function fitted(text: string, columns: number): string {
  const characters = Array.from(text)
  return characters.length <= columns ? text : `${characters.slice(0, columns - 1).join('')}…`
}
