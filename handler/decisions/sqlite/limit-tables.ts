/** Limits in their tables: charges, running totals, and the window that the totals were made for. */
import { baseUntil, chargesSince, usageOf } from '../limits.ts'
import type { LimitState, LimitTotal, LimitUsage } from '../limits.ts'
import type { Changes, ChargeRow, LimitPlace, LimitRow } from '../snapshot.ts'
import { furtherOwners } from '../variants.ts'
import type { Database } from './database.ts'

/** An amount as it is stored: units in decimal text. */
interface AmountColumns {
  readonly units: string
  readonly scale: number
}

interface TotalColumns extends AmountColumns {
  readonly until_ms: number
  readonly count: number
}

interface ChargeColumns extends AmountColumns {
  readonly time: number
}

/** Limits and keys that one look at the usage visits at most: a look must not hold up decisions. */
const MAX_USAGE = 1_000
const ALL = Number.MAX_SAFE_INTEGER

export interface LimitTables {
  /** One limit and key for its window. `nowMs` is the chain's time. */
  limit(place: LimitPlace, nowMs: number): LimitRow
  /** What an owner was charged of one limit and key. */
  charge(place: Pick<ChargeRow, 'limit' | 'key' | 'owner'>): ChargeRow | undefined
  /** All that the variants of a transaction were charged. */
  owned(owner: string): readonly ChargeRow[]
  /** What counts now of the limits with these windows in milliseconds; of the first thousand limits and keys. */
  usage(windows: Readonly<Record<string, number>>, nowMs: number): readonly LimitUsage[]
  /** Must run inside a transaction. */
  write(changes: Pick<Changes, 'charges' | 'limits' | 'released'>): void
}

/** The limits of an open database. */
export function createLimitTables(db: Database): LimitTables {
  const chargeOf = db.prepare<[string, string, string], ChargeColumns>(
    'SELECT time, units, scale FROM limit_charges WHERE name = ? AND key = ? AND owner = ?',
  )
  const putCharge = db.prepare<[string, string, string, number, string, number]>(
    'INSERT OR REPLACE INTO limit_charges (name, key, owner, time, units, scale) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const dropCharge = db.prepare<[string, string, string]>(
    'DELETE FROM limit_charges WHERE name = ? AND key = ? AND owner = ?',
  )
  const chargesAfter = db.prepare<[string, string, number], ChargeColumns>(
    'SELECT time, units, scale FROM limit_charges WHERE name = ? AND key = ? AND time > ? ORDER BY time',
  )
  const chargesOfOwner = db.prepare<
    [string, string, string],
    ChargeColumns & { name: string; key: string; owner: string }
  >(
    `SELECT name, key, owner, time, units, scale FROM limit_charges
     WHERE owner = ? OR (owner > ? AND owner < ?)`,
  )
  const totalUntil = db.prepare<[string, string, number], TotalColumns>(
    `SELECT until_ms, count, units, scale FROM limit_totals
     WHERE name = ? AND key = ? AND until_ms <= ? ORDER BY until_ms DESC LIMIT 1`,
  )
  const putTotal = db.prepare<[string, string, number, number, string, number]>(
    'INSERT OR REPLACE INTO limit_totals (name, key, until_ms, count, units, scale) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const dropTotals = db.prepare<[string, string, number]>(
    'DELETE FROM limit_totals WHERE name = ? AND key = ? AND until_ms < ?',
  )
  const windowOf = db
    .prepare<[string, string], number>(
      'SELECT window_ms FROM limit_windows WHERE name = ? AND key = ?',
    )
    .pluck()
  const putWindow = db.prepare<[string, string, number]>(
    'INSERT OR REPLACE INTO limit_windows (name, key, window_ms) VALUES (?, ?, ?)',
  )
  const keysOf = db
    .prepare<[string, number], string>(
      'SELECT key FROM limit_windows WHERE name = ? ORDER BY key LIMIT ?',
    )
    .pluck()

  const stateOf = (limit: string, key: string, askedMs: number, nowMs: number): LimitState => {
    const windowMs = windowOf.get(limit, key)
    if (windowMs !== askedMs) {
      const charges = chargesAfter.all(limit, key, chargesSince(askedMs, nowMs)).map(chargeFrom)
      return { askedMs, windowMs, base: undefined, latest: undefined, charges }
    }
    const base = totalFrom(totalUntil.get(limit, key, baseUntil(askedMs, nowMs)))
    const latest = totalFrom(totalUntil.get(limit, key, ALL))
    return { askedMs, windowMs, base, latest, charges: [] }
  }
  const put = (limit: string, key: string, { untilMs, count, amount }: LimitTotal) => {
    putTotal.run(limit, key, untilMs, count, amount.units.toString(), amount.scale)
  }
  const writeLimit = ({ limit, key, state }: LimitRow) => {
    const { windowMs, base, latest, remade } = state
    if (remade !== undefined) {
      dropTotals.run(limit, key, ALL)
      putWindow.run(limit, key, windowMs ?? 0)
      for (const total of remade) put(limit, key, total)
    }
    if (latest !== undefined) put(limit, key, latest)
    if (base !== undefined) dropTotals.run(limit, key, base.untilMs)
  }

  return {
    limit: ({ limit, key, windowMs }, nowMs) => ({
      limit,
      key,
      state: stateOf(limit, key, windowMs, nowMs),
    }),
    charge: ({ limit, key, owner }) => {
      const row = chargeOf.get(limit, key, owner)
      return row && { limit, key, owner, ...chargeFrom(row) }
    },
    owned: (owner) =>
      chargesOfOwner
        .all(owner, ...furtherOwners(owner))
        .map((row) => ({ limit: row.name, key: row.key, owner: row.owner, ...chargeFrom(row) })),
    usage: (windows, nowMs) => {
      let room = MAX_USAGE
      return Object.entries(windows).flatMap(([limit, windowMs]) => {
        const keys = keysOf.all(limit, room)
        room -= keys.length
        return keys.flatMap((key) => {
          const usage = usageOf(stateOf(limit, key, windowMs, nowMs), nowMs)
          return usage === undefined ? [] : [{ limit, key, ...usage }]
        })
      })
    },
    write: ({ charges, limits, released }) => {
      for (const { limit, key, owner } of released) {
        dropCharge.run(limit, key, owner)
        dropTotals.run(limit, key, ALL)
        putWindow.run(limit, key, 0)
      }
      for (const row of limits) writeLimit(row)
      for (const { limit, key, owner, timeMs, amount } of charges) {
        putCharge.run(limit, key, owner, timeMs, amount.units.toString(), amount.scale)
      }
    },
  }
}

function totalFrom(row: TotalColumns | undefined): LimitTotal | undefined {
  return row && { untilMs: row.until_ms, count: row.count, amount: amountFrom(row) }
}

function chargeFrom(row: ChargeColumns) {
  return { timeMs: row.time, amount: amountFrom(row) }
}

function amountFrom({ units, scale }: AmountColumns) {
  return { units: BigInt(units), scale }
}
