/** Spending of an approval: limits that are charged, single uses, the release of a hold. All of it is spent, or nothing. */
import type { Decision } from '../policy/decision.ts'
import { isUsable } from './holds.ts'
import type { HoldRow } from './holds.ts'
import { charge } from './limits.ts'
import { chargeName, limitName } from './snapshot.ts'
import type { Changes, ChargeRow, LimitRow, Snapshot } from './snapshot.ts'
import type { NewDecision } from './store.ts'

export interface Spending {
  /** The holds, with what this batch changed. */
  readonly holds: Overlay<HoldRow>
  /**
   * Charges the limits of an approval. Changes nothing when something of it cannot be spent, and returns the `otherwise`
   * of the first such thing.
   */
  charge(entry: NewDecision): Decision | undefined
  /** Uses up the rest of what the approval in record `seq` stands on. */
  use(entry: NewDecision, seq: number): void
  changes(): Pick<Changes, 'charges' | 'limits' | 'uses' | 'holds'>
}

/** Rows by name, and those of them that a batch changed. */
export interface Overlay<V> {
  get(name: string): V | undefined
  set(name: string, row: V): void
  changed(): readonly V[]
}

/** Begins with the rows of a snapshot. `nowMs` is the chain's time. */
export function createSpending(snapshot: Snapshot, nowMs: number): Spending {
  const limits = overlay(snapshot.limits)
  const charges = overlay(snapshot.charges)
  const uses = overlay(snapshot.uses)
  const holds = overlay(snapshot.holds)

  /** Charges one limit after the other, until one is full. */
  const chargeAll = (
    { charges: asked, evidence: { owner } }: NewDecision,
    staged: { readonly limits: Overlay<LimitRow>; readonly charges: Overlay<ChargeRow> },
  ): Decision | undefined => {
    for (const one of asked) {
      const { limit, key } = one
      const place = { limit, key, owner }
      const known = staged.limits.get(limitName(one))
      if (known === undefined) throw new Error('a limit was not loaded')
      const earlier = staged.charges.get(chargeName(place))
      const charged = charge(known.state, earlier, one, nowMs)
      if (charged === 'full') return one.otherwise
      if (charged === 'covered') continue
      staged.limits.set(limitName(one), { limit, key, state: charged.state })
      staged.charges.set(chargeName(place), { ...place, ...charged.charge })
    }
    return undefined
  }
  const isTaken = (name: string, owner: string) => {
    const use = uses.get(name)
    return use !== undefined && use.owner !== owner
  }

  return {
    holds,
    charge: (entry) => {
      const { singleUses, hold, evidence } = entry
      const staged = { limits: overlay(limits), charges: overlay(charges) }
      const refusal = chargeAll(entry, staged)
      if (refusal !== undefined) return refusal
      const taken = singleUses.find(({ name }) => isTaken(name, evidence.owner))
      if (taken !== undefined) return taken.otherwise
      if (hold !== undefined && !isUsable(holds.get(hold.id), nowMs)) return hold.otherwise
      for (const row of staged.limits.changed()) limits.set(limitName(row), row)
      for (const row of staged.charges.changed()) charges.set(chargeName(row), row)
      return undefined
    },
    use: ({ singleUses, hold, evidence: { owner } }, seq) => {
      for (const { name } of singleUses) {
        if (uses.get(name) === undefined) uses.set(name, { name, owner, seq })
      }
      const row = hold && holds.get(hold.id)
      if (row !== undefined) holds.set(row.id, { ...row, usedSeq: seq })
    },
    changes: () => ({
      limits: limits.changed(),
      charges: charges.changed(),
      uses: uses.changed(),
      holds: holds.changed(),
    }),
  }
}

function overlay<V>(base: { get(name: string): V | undefined }): Overlay<V> {
  const rows = new Map<string, V>()
  return {
    get: (name) => rows.get(name) ?? base.get(name),
    set: (name, row) => {
      rows.set(name, row)
    },
    changed: () => [...rows.values()],
  }
}
