/** The final decisions asked for last, in memory: a request that keeps repeating is recalled without a wait. */
import type { Recall } from './store.ts'
import type { RequestKey } from '../protocol/digest.ts'

export type Decided = Extract<Recall, { kind: 'decided' }>

export interface RecentDecisions {
  get(key: RequestKey): Decided | undefined
  put(key: RequestKey, decided: Decided): void
}

/** Keeps at most `limit` decisions, the least recently asked for goes first. A final decision never changes. */
export function createRecentDecisions(limit = 4_096): RecentDecisions {
  const kept = new Map<string, Decided>()
  return {
    get: (key) => {
      const text = textOf(key)
      const decided = kept.get(text)
      if (decided === undefined) return undefined
      kept.delete(text)
      kept.set(text, decided)
      return decided
    },
    put: (key, decided) => {
      kept.set(textOf(key), decided)
      if (kept.size <= limit) return
      for (const oldest of kept.keys()) {
        kept.delete(oldest)
        return
      }
    },
  }
}

function textOf({ endpoint, requestId, signerId, stage, digest }: RequestKey): string {
  return JSON.stringify([endpoint, requestId, signerId, stage, digest])
}
