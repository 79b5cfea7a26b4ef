/** One bound for the bytes of all bodies in memory, with a part set aside that large bodies cannot use up. */

/** Bodies up to this size may use the whole budget; larger ones three quarters of it. */
const SMALL_BODY_BYTES = 64 * 1024

export interface ByteBudget {
  /** Takes `bytes` for a body of `total` bytes, or returns false when there is no room. */
  readonly take: (bytes: number, total: number) => boolean
  readonly give: (bytes: number) => void
  readonly usedBytes: number
}

/** A budget of `limitBytes` for the whole process. */
export function createByteBudget(limitBytes: number): ByteBudget {
  let used = 0
  return {
    take(bytes, total) {
      const limit = total <= SMALL_BODY_BYTES ? limitBytes : limitBytes * 0.75
      if (used + bytes > limit) return false
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
    },
    get usedBytes() {
      return used
    },
  }
}
