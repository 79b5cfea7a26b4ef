/** What `doctor` says about the pairings: between runs it is known here, where people and events look. */
import type { Clock } from '../../common/clock.ts'

/** More pairings than any handler serves; those told first are forgotten first. */
const MAX_PAIRINGS = 64

export interface DriftBook {
  /** `pairing`: co-signer and API key. Null: what is paired is what is served. */
  tell(pairing: string, drift: string | null): void
  /** One line each. */
  notices(): readonly string[]
}

/** Empty until `doctor` tells: a restart forgets what the next run finds again. */
export function createDriftBook(clock: Clock): DriftBook {
  const told = new Map<string, string>()
  return {
    tell(pairing, drift) {
      told.delete(pairing)
      if (drift === null) return
      told.set(pairing, `${drift} (seen at ${clock.now().toISOString()})`)
      for (const oldest of told.keys()) if (told.size > MAX_PAIRINGS) told.delete(oldest)
    },
    notices: () => Array.from(told, ([pairing, drift]) => `drift of pairing ${pairing}: ${drift}`),
  }
}
