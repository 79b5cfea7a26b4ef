/** The most recent entries by name; what is older is dropped by the half, not one by one. */

export interface Recent<T> {
  get(name: string): T | undefined
  put(name: string, value: T): void
}

/** Keeps at least the last `size / 2` entries that were put, and at most `size`. */
export function createRecent<T>(size: number): Recent<T> {
  // Deleting the oldest of a `Map` for each new entry would make every look at its first one walk over the deleted ones.
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  return {
    get: (name) => young.get(name) ?? old.get(name),
    put(name, value) {
      young.set(name, value)
      if (young.size * 2 < size) return
      old = young
      young = new Map()
    },
  }
}
