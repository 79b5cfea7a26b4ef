/** Counts the requests each generation serves, and how long each has been quiet; cheap enough for every answer. */
import type { GenerationHits } from '../../common/admin-api.ts'
import type { Clock } from '../../common/clock.ts'

/** Signers counted one by one; in `certificate` mode the names come from callers that nobody vouches for. */
const MAX_SIGNERS = 256

interface Count {
  total: number
  lastAt: string
}

interface Counts extends Count {
  readonly bySigner: Map<string, Count>
}

/** What survives a restart. */
export type StoredHits = Readonly<Record<string, GenerationHits>>

export interface HitCounter {
  /** One request was served; `signer` is undefined when the request named none. */
  readonly hit: (generation: number, signer: string | undefined) => void
  /** Somebody called, though nothing was served (shed for load): the generation is not quiet. */
  readonly touch: (generation: number) => void
  readonly of: (generation: number) => GenerationHits
  /** Milliseconds since the last call, on the monotonic clock; since `startAt` when there was none. */
  readonly quietForMs: (generation: number) => number
  /** Everything counted so far; and forgets that anything is new. */
  readonly snapshot: () => StoredHits
  /** True when something was counted since the last snapshot. */
  readonly isDirty: () => boolean
}

/**
 * Continues from `stored`. Quiet time begins at the start of the process, or `quietMs` earlier for generations whose
 * quiet time was written down by an orderly stop: time in which nobody listened never counts.
 */
export function createHitCounter(
  clock: Clock,
  stored: StoredHits,
  quietMs: Readonly<Record<string, number>>,
): HitCounter {
  const counts = new Map<number, Counts>()
  const touched = new Map<number, number>()
  const startedMs = clock.monotonicMs()
  let dirty = false
  for (const [generation, hits] of Object.entries(stored)) {
    if (hits.lastAt === null) continue
    const bySigner = new Map(Object.entries(hits.bySigner).map(([name, one]) => [name, { ...one }]))
    counts.set(Number(generation), {
      total: hits.total,
      lastAt: hits.lastAt,
      bySigner,
    })
  }
  for (const [generation, earlierMs] of Object.entries(quietMs)) {
    touched.set(Number(generation), startedMs - earlierMs)
  }

  const countsOf = (generation: number, lastAt: string): Counts => {
    const known = counts.get(generation)
    if (known !== undefined) return known
    const fresh = { total: 0, lastAt, bySigner: new Map<string, Count>() }
    counts.set(generation, fresh)
    return fresh
  }

  return {
    hit(generation, signer) {
      const lastAt = clock.now().toISOString()
      const count = countsOf(generation, lastAt)
      count.total += 1
      count.lastAt = lastAt
      touched.set(generation, clock.monotonicMs())
      dirty = true
      if (signer === undefined) return
      const own = count.bySigner.get(signer)
      if (own !== undefined) {
        own.total += 1
        own.lastAt = lastAt
      } else if (count.bySigner.size < MAX_SIGNERS) {
        count.bySigner.set(signer, { total: 1, lastAt })
      }
    },
    touch: (generation) => {
      touched.set(generation, clock.monotonicMs())
    },
    of: (generation) => hitsOf(counts.get(generation)),
    quietForMs: (generation) => clock.monotonicMs() - (touched.get(generation) ?? startedMs),
    snapshot: () => {
      dirty = false
      return Object.fromEntries(
        Array.from(counts, ([generation, count]) => [String(generation), hitsOf(count)]),
      )
    },
    isDirty: () => dirty,
  }
}

function hitsOf(count: Counts | undefined): GenerationHits {
  if (count === undefined) return { total: 0, lastAt: null, bySigner: {} }
  const bySigner = Object.fromEntries(
    Array.from(count.bySigner, ([name, one]) => [name, { ...one }]),
  )
  return { total: count.total, lastAt: count.lastAt, bySigner }
}
