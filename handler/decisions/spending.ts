/** Spending of an approval: limits that are charged, single uses, the release of a hold. All of it is spent, or nothing. */
import type { Decision, LimitCharge } from '../policy/decision.ts'
import { carriedName } from './hold-uses.ts'
import { isUsable } from './holds.ts'
import type { HoldRow } from './holds.ts'
import { charge, usageOf } from './limits.ts'
import { chargeName, limitName } from './snapshot.ts'
import type { Changes, ChargeRow, LimitRow, Snapshot, UseRow } from './snapshot.ts'
import type { NewDecision, Spent } from './store.ts'
import { spends, variantFor, variantOwner, variantPlaceOf, variantsName } from './variants.ts'
import type { KnownVariants, VariantRow } from './variants.ts'

export interface Spending {
  /** The holds, with what this batch changed. */
  readonly holds: Overlay<HoldRow>
  /** The single uses, with what this batch used up. */
  readonly uses: Overlay<UseRow>
  /**
   * Charges the limits of an approval. Changes nothing when something of it cannot be spent, and returns the `otherwise`
   * of the first such thing.
   */
  charge(entry: NewDecision): Spent | Refused
  /** Uses up the rest of what the approval in record `seq` stands on. */
  use(entry: NewDecision, spent: Spent, seq: number): void
  changes(): Pick<Changes, 'charges' | 'limits' | 'uses' | 'variants' | 'holds'>
}

/** Something cannot be spent. */
export interface Refused {
  readonly refusal: Decision
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
  const variants = createVariants(snapshot.variants)

  /** Charges one limit after the other, until one is full; returns what was charged, or the decision instead. */
  const chargeAll = (
    asked: readonly LimitCharge[],
    owner: string,
    staged: { readonly limits: Overlay<LimitRow>; readonly charges: Overlay<ChargeRow> },
  ): readonly LimitCharge[] | Refused => {
    const applied: LimitCharge[] = []
    for (const one of asked) {
      const { limit, key } = one
      const place = { limit, key, owner }
      const known = staged.limits.get(limitName(one))
      if (known === undefined) throw new Error('a limit was not loaded')
      if (one.onlyIfSpent === true && usageOf(known.state, nowMs) === undefined) continue
      applied.push(one)
      const earlier = staged.charges.get(chargeName(place))
      const charged = charge(known.state, earlier, one, nowMs)
      if (charged === 'full') return { refusal: one.otherwise }
      if (charged === 'covered') continue
      staged.limits.set(limitName(one), { limit, key, state: charged.state })
      staged.charges.set(chargeName(place), { ...place, ...charged.charge })
    }
    return applied
  }
  const isTaken = (name: string, owner: string) => {
    const use = uses.get(name)
    return use !== undefined && use.owner !== owner
  }
  /** As the variant `n`. */
  const chargeAs = (n: number, entry: NewDecision): Spent | Refused => {
    const owner = variantOwner(entry.evidence.owner, n)
    const staged = { limits: overlay(limits), charges: overlay(charges) }
    const applied = chargeAll(entry.charges, owner, staged)
    if ('refusal' in applied) return applied
    const taken = entry.singleUses.find(({ name }) => isTaken(name, owner))
    if (taken !== undefined) return { refusal: taken.otherwise }
    const unreleased = unreleasedOf(entry)
    if (unreleased !== undefined) return { refusal: unreleased }
    for (const row of staged.limits.changed()) limits.set(limitName(row), row)
    for (const row of staged.charges.changed()) charges.set(chargeName(row), row)
    return { variant: n, charges: applied }
  }
  const unreleasedOf = ({ hold }: NewDecision): Decision | undefined =>
    hold === undefined || isUsable(holds.get(hold.id), nowMs) ? undefined : hold.otherwise

  return {
    holds,
    uses,
    charge: (entry) => {
      if (!spends(entry)) {
        const refusal = unreleasedOf(entry)
        return refusal === undefined ? { variant: undefined, charges: [] } : { refusal }
      }
      const n = variantFor(variants.of(entry), entry)
      const [first] = [...entry.charges, ...entry.singleUses]
      if (n === undefined && first !== undefined) return { refusal: first.otherwise }
      return chargeAs(n ?? 1, entry)
    },
    use: (entry, { variant }, seq) => {
      if (variant !== undefined) {
        variants.add(entry, variant, seq)
        const owner = variantOwner(entry.evidence.owner, variant)
        for (const { name } of entry.singleUses) {
          if (uses.get(name) === undefined) uses.set(name, { name, owner, seq })
        }
      }
      const row = entry.hold && holds.get(entry.hold.id)
      if (row !== undefined) holds.set(row.id, { ...row, usedSeq: seq })
      const { carried, bytes } = entry
      const name = carried && carriedName(carried.id)
      if (name !== undefined && bytes !== undefined && uses.get(name) === undefined) {
        uses.set(name, { name, owner: bytes, seq })
      }
    },
    changes: () => ({
      limits: limits.changed(),
      charges: charges.changed(),
      uses: uses.changed(),
      variants: variants.added(),
      holds: holds.changed(),
    }),
  }
}

/** Names of the limits that have no room for an approval, each asked as if it were the only one. Nothing is kept. */
export function fullLimits(entry: NewDecision, spending: Spending): readonly string[] {
  const names = [...new Set(entry.charges.map(({ limit }) => limit))]
  return names.filter((name) => {
    const charges = entry.charges.filter(({ limit }) => limit === name)
    return 'refusal' in spending.charge({ ...entry, charges })
  })
}

/** Variants of a snapshot, and those that a batch adds: requests of one transaction share their numbers. */
function createVariants(known: Snapshot['variants']) {
  const now = new Map(known)
  const last = new Map<string, number>()
  const added: VariantRow[] = []
  const of = (entry: NewDecision): KnownVariants => {
    const place = variantPlaceOf(entry)
    const found = now.get(variantsName(place))
    if (found === undefined) throw new Error('variants were not loaded')
    return { ...found, last: Math.max(found.last, last.get(place.owner) ?? 0) }
  }
  return {
    of,
    add: (entry: NewDecision, n: number, seq: number) => {
      const { owner, requestId, bytes } = variantPlaceOf(entry)
      const row = { owner, requestId, n, seq, bytes }
      const before = of(entry)
      last.set(owner, Math.max(before.last, n))
      const rows = [...before.rows, { ...row, token: entry.evidence.token }]
      now.set(variantsName(row), { rows, last: before.last })
      added.push(row)
    },
    added: () => added,
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
