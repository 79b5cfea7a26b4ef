/** Names under which a record says what it made of holds. */

const HOLD = 'hold:'
const CARRIED = 'carried:'

/** Of an approval that used up its own hold. */
export function heldName(hold: string): string {
  return `${HOLD}${hold}`
}

/** Of an approval of a signing request that a hold of the approval stage served; the digest of the bytes owns this use. */
export function carriedName(hold: string): string {
  return `${CARRIED}${hold}`
}

/** Ids of the hold that a record used up, and of the one that served it. */
export function holdsUsedBy({ used = [] }: { readonly used?: readonly string[] }): {
  readonly own: readonly string[]
  readonly carried: readonly string[]
} {
  const named = (prefix: string) =>
    used.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  return { own: named(HOLD), carried: named(CARRIED) }
}
