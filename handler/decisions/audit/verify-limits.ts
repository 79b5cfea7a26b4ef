/**
 * Checks charges and running totals: what the records charged and gave back is replayed by the rules of
 * limits.ts and compared with the tables, which alone say how much of a limit is left.
 */
import { addDecimals, compareDecimals, parseDecimal } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { DecisionContent } from '../decision-fields.ts'
import { increaseOf, subtract, totalUntil } from '../limits.ts'
import type { Charge, LimitSum, LimitTotal } from '../limits.ts'
import { limitName } from '../snapshot.ts'
import { isVariantOf, variantOwner } from '../variants.ts'
import type { Database } from '../sqlite/database.ts'

export interface LimitCheck {
  /** Notes what a decision charged. */
  charged(content: DecisionContent, seq: number, timeMs: number): void
  /** Notes that all variants of a transaction were given back what they were charged. */
  released(transaction: string): void
  /** Compares the tables; `nowMs` is the chain's time. Problems in words. */
  finish(nowMs: number): readonly string[]
}

interface OwnedCharge extends Charge {
  readonly owner: string
  readonly seq: number
}

/** One limit and key. */
interface Place {
  readonly limit: string
  /** What each owner is charged now. */
  readonly owners: Map<string, OwnedCharge>
  /** All that was charged since a release of charges made the totals begin anew; in order of time. */
  events: OwnedCharge[]
}

interface AmountColumns {
  readonly units: string
  readonly scale: number
}

interface ChargeColumns extends AmountColumns {
  readonly name: string
  readonly key: string
  readonly owner: string
  readonly time: number
}

interface TotalColumns extends AmountColumns {
  readonly name: string
  readonly key: string
  readonly until_ms: number
  readonly count: number
}

interface WindowColumns {
  readonly name: string
  readonly key: string
  readonly window_ms: number
}

/** Begins without any charge. */
export function createLimitCheck(db: Database): LimitCheck {
  const places = new Map<string, Place>()
  const placeOf = (limit: string, key: string): Place => {
    const name = limitName({ limit, key })
    const known = places.get(name)
    if (known !== undefined) return known
    const place = { limit, owners: new Map<string, OwnedCharge>(), events: [] }
    places.set(name, place)
    return place
  }
  return {
    charged: ({ charged = [], variant = 1, ...content }, seq, timeMs) => {
      const owner = variantOwner(content.owner, variant)
      for (const { limit, key, amount } of charged) {
        const { owners, events } = placeOf(limit, key)
        const earlier = owners.get(owner)
        const charge = { owner, seq, timeMs, amount: parseDecimal(amount) ?? UNREADABLE }
        if (earlier !== undefined && compareDecimals(charge.amount, earlier.amount) <= 0) continue
        owners.set(owner, charge)
        events.push(charge)
      }
    },
    released: (transaction) => {
      for (const place of places.values()) {
        const before = place.owners.size
        for (const owner of place.owners.keys()) {
          if (isVariantOf(owner, transaction)) place.owners.delete(owner)
        }
        if (place.owners.size === before) continue
        place.events = [...place.owners.values()].toSorted((a, b) => a.timeMs - b.timeMs)
      }
    },
    finish: (nowMs) => [...checkCharges(db, places), ...checkTotals(db, places, nowMs)],
  }
}

/** No row has it, so that a record with an amount that is none is a problem. */
const UNREADABLE: Decimal = { units: -1n, scale: 0 }

function checkCharges(db: Database, places: ReadonlyMap<string, Place>): string[] {
  const problems: string[] = []
  const found = new Map<string, Set<string>>()
  let unexplained = 0
  const rows = db
    .prepare<[], ChargeColumns>('SELECT name, key, owner, time, units, scale FROM limit_charges')
    .iterate()
  for (const row of rows) {
    const name = limitName({ limit: row.name, key: row.key })
    const charge = places.get(name)?.owners.get(row.owner)
    if (charge === undefined) {
      unexplained += 1
      continue
    }
    found.set(name, (found.get(name) ?? new Set()).add(row.owner))
    if (row.time !== charge.timeMs) {
      problems.push(`record ${charge.seq}: a limit was charged at another time`)
    }
    if (compareDecimals(amountFrom(row), charge.amount) !== 0) {
      problems.push(`record ${charge.seq}: a limit was charged another amount`)
    }
  }
  for (const [name, { owners }] of places) {
    for (const { owner, seq } of owners.values()) {
      if (found.get(name)?.has(owner) !== true) {
        problems.push(`record ${seq}: a limit was not charged`)
      }
    }
  }
  return unexplained === 0 ? problems : [...problems, `${unexplained} charges are of no record`]
}

function checkTotals(db: Database, places: ReadonlyMap<string, Place>, nowMs: number): string[] {
  const totals = new Map<string, { readonly limit: string; readonly rows: LimitTotal[] }>()
  const rows = db
    .prepare<[], TotalColumns>(
      'SELECT name, key, until_ms, count, units, scale FROM limit_totals ORDER BY name, key, until_ms',
    )
    .iterate()
  for (const row of rows) {
    const name = limitName({ limit: row.name, key: row.key })
    const known = totals.get(name) ?? { limit: row.name, rows: [] }
    known.rows.push({ untilMs: row.until_ms, count: row.count, amount: amountFrom(row) })
    totals.set(name, known)
  }
  const windows = new Map(
    db
      .prepare<[], WindowColumns>('SELECT name, key, window_ms FROM limit_windows')
      .all()
      .map((row) => [limitName({ limit: row.name, key: row.key }), row.window_ms]),
  )
  const problems: string[] = []
  for (const name of new Set([...places.keys(), ...totals.keys()])) {
    const place = places.get(name)
    const total = totals.get(name)
    const explained = areExplained(total?.rows ?? [], place?.events ?? [], windows.get(name), nowMs)
    const limit = place?.limit ?? total?.limit
    if (!explained) problems.push(`the totals of the limit \`${limit}\` are not what was charged`)
  }
  return problems
}

/**
 * Whether the totals of one limit and key, oldest first, are what the charges make of them. What counts is
 * the difference between two totals, because the oldest are dropped. When an owner was charged more at a
 * second time, its whole charge may count at the later one (totals that were made anew), or each part at
 * its own: anything between is right.
 */
function areExplained(
  totals: readonly LimitTotal[],
  events: readonly OwnedCharge[],
  windowMs: number | undefined,
  nowMs: number,
): boolean {
  const [oldest] = totals
  const latest = totals.at(-1)
  const last = events.at(-1)
  // 0: they are to be made anew with the next charge.
  if (windowMs === 0) return latest === undefined
  if (oldest === undefined || latest === undefined) return last === undefined
  if (last === undefined || windowMs === undefined) return false
  if (latest.untilMs !== totalUntil(windowMs, last.timeMs)) return false
  if (totals.some(({ untilMs }) => totalUntil(windowMs, untilMs - 1) !== untilMs)) return false

  const since = createSums(events, windowMs)
  for (const total of totals.toReversed()) {
    const { least, most } = since.from(total.untilMs)
    if (!isBetween(least, minus(latest, total), most)) return false
  }
  const windowBegins = nowMs - windowMs + 1
  if (oldest.untilMs <= windowBegins) return true
  // While no total lies before the window, all that the latest one says counts.
  const { least } = since.from(windowBegins)
  return isBetween(least, latest, since.from(-Infinity).most)
}

/** Bounds of what was charged from a time on; asked for ever earlier times. */
function createSums(events: readonly OwnedCharge[], windowMs: number) {
  const increases: LimitSum[] = []
  const charged = new Map<string, OwnedCharge>()
  for (const event of events) {
    increases.push(increaseOf(charged.get(event.owner), event, windowMs))
    charged.set(event.owner, event)
  }
  const parts = new Map<string, LimitSum>()
  let rest = events.length
  let least = NOTHING
  let most = NOTHING

  const take = (event: OwnedCharge, increase: LimitSum) => {
    const whole = { count: 1, amount: (charged.get(event.owner) ?? event).amount }
    const before = parts.get(event.owner)
    const after = plus(before ?? NOTHING, increase)
    if (before !== undefined) {
      least = minus(least, lesser(before, whole))
      most = minus(most, greater(before, whole))
    }
    least = plus(least, lesser(after, whole))
    most = plus(most, greater(after, whole))
    parts.set(event.owner, after)
  }
  return {
    from: (timeMs: number) => {
      for (;;) {
        const event = events[rest - 1]
        const increase = increases[rest - 1]
        if (event === undefined || increase === undefined || event.timeMs < timeMs) break
        take(event, increase)
        rest -= 1
      }
      return { least, most }
    },
  }
}

const NOTHING: LimitSum = { count: 0, amount: { units: 0n, scale: 0 } }

function plus(a: LimitSum, b: LimitSum): LimitSum {
  return { count: a.count + b.count, amount: addDecimals(a.amount, b.amount) }
}

function minus(a: LimitSum, b: LimitSum): LimitSum {
  return { count: a.count - b.count, amount: subtract(a.amount, b.amount) }
}

function lesser(a: LimitSum, b: LimitSum): LimitSum {
  const amount = compareDecimals(a.amount, b.amount) < 0 ? a.amount : b.amount
  return { count: Math.min(a.count, b.count), amount }
}

function greater(a: LimitSum, b: LimitSum): LimitSum {
  const amount = compareDecimals(a.amount, b.amount) > 0 ? a.amount : b.amount
  return { count: Math.max(a.count, b.count), amount }
}

function isBetween(least: LimitSum, sum: LimitSum, most: LimitSum): boolean {
  return (
    least.count <= sum.count &&
    sum.count <= most.count &&
    compareDecimals(least.amount, sum.amount) <= 0 &&
    compareDecimals(sum.amount, most.amount) <= 0
  )
}

function amountFrom({ units, scale }: AmountColumns): Decimal {
  return { units: BigInt(units), scale }
}
