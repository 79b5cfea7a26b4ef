/** A compact set of fingerprints: tells without asking the store that a request was never seen. */

/** 64 MiB: about twelve million requests. */
const MAX_SLOTS = 2 ** 24
const EMPTY_SLOT = 0

export interface FingerprintSet {
  add(fingerprint: number): void
  /** False only if it was never added. True by chance for about one in 4,000 at a million entries. */
  mayHave(fingerprint: number): boolean
}

/** Keeps 32 bits of each fingerprint in an open hash table. Once full, it answers true to everything. */
export function createFingerprintSet(maxSlots = MAX_SLOTS): FingerprintSet {
  let slots = new Uint32Array(1_024)
  let used = 0
  let full = false

  /** The slot that holds the value, or the empty one where it belongs. */
  const slotOf = (value: number): number => {
    const mask = slots.length - 1
    // The multiplication spreads the value over the table (Fibonacci hashing).
    let slot = (Math.imul(value, 0x9e3779b1) >>> 8) & mask
    while (slots[slot] !== EMPTY_SLOT && slots[slot] !== value) slot = (slot + 1) & mask
    return slot
  }
  const put = (value: number) => {
    const slot = slotOf(value)
    if (slots[slot] === value) return
    slots[slot] = value
    used += 1
  }
  const grow = () => {
    const before = slots
    slots = new Uint32Array(before.length * 2)
    used = 0
    for (const value of before) if (value !== EMPTY_SLOT) put(value)
  }

  return {
    add: (fingerprint) => {
      if (full) return
      put(slotValue(fingerprint))
      if (used * 4 < slots.length * 3) return
      if (slots.length < maxSlots) grow()
      else full = true
    },
    mayHave: (fingerprint) => {
      if (full) return true
      const value = slotValue(fingerprint)
      return slots[slotOf(value)] === value
    },
  }
}

/** The low 32 bits, never the value that marks an empty slot. */
function slotValue(fingerprint: number): number {
  const low = fingerprint >>> 0
  return low === EMPTY_SLOT ? 1 : low
}
