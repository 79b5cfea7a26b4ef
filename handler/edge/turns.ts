/** A number of turns that can be taken at once; whoever finds none free waits, first come, first served. */

export interface Turns {
  /** Takes a turn; undefined when one was free at once. Every turn must be given back once. */
  readonly take: () => Promise<void> | undefined
  /** Gives a turn back, to the first in line if there is one. */
  readonly give: () => void
  readonly size: number
  /** How many are in line. */
  readonly waiting: number
}

/** `size` turns, all free. */
export function createTurns(size: number): Turns {
  const line: (() => void)[] = []
  let head = 0
  let taken = 0
  return {
    take() {
      if (taken < size) {
        taken += 1
        return undefined
      }
      return new Promise((resolve) => line.push(resolve))
    },
    give() {
      const next = line[head]
      if (next === undefined) {
        taken -= 1
        return
      }
      head += 1
      // Dropping served entries now and then keeps both the line short and taking from it cheap.
      if (head > 1_024 && head * 2 > line.length) {
        line.splice(0, head)
        head = 0
      }
      next()
    },
    size,
    get waiting() {
      return line.length - head
    },
  }
}
