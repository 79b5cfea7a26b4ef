/** Patterns with `*` and `?` that take time linear in the text, whatever the pattern: there are no regular expressions. */

/** Tells whether a whole text matches. */
export type Matcher = (text: string) => boolean

/** True when the text is a pattern rather than itself. */
export function isGlob(text: string): boolean {
  return text.includes('*') || text.includes('?')
}

/**
 * Compiles a pattern: `*` stands for any text, also none, `?` for one UTF-16 unit, all else for itself. The parts
 * between stars are found from left to right and never looked for again, so that nothing backtracks.
 */
export function compileGlob(pattern: string): Matcher {
  const first = pattern.indexOf('*')
  if (first < 0) return (text) => text.length === pattern.length && fits(text, 0, pattern)
  const last = pattern.lastIndexOf('*')
  const head = pattern.slice(0, first)
  const tail = pattern.slice(last + 1)
  const middle = pattern.slice(first + 1, last).split('*')
  return (text) => {
    const end = text.length - tail.length
    if (end < head.length || !fits(text, 0, head) || !fits(text, end, tail)) return false
    let from = head.length
    for (const part of middle) {
      const at = find(text, part, from, end)
      if (at === undefined) return false
      from = at + part.length
    }
    return true
  }
}

/** The first place at or after `from` where the part fits and ends by `end`. */
function find(text: string, part: string, from: number, end: number): number | undefined {
  for (let at = from; at + part.length <= end; at += 1) {
    if (fits(text, at, part)) return at
  }
  return undefined
}

function fits(text: string, at: number, part: string): boolean {
  for (let i = 0; i < part.length; i += 1) {
    if (part[i] !== '?' && part[i] !== text[at + i]) return false
  }
  return true
}
