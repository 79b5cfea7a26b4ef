/**
 * Rolling limits: within any window of its length, a limit's bounds are never exceeded, however often a request is
 * asked, however many ask at once, across restarts.
 *
 * Every owner's charge is kept, once. Beside them lie running totals, one row per 1/1000 of the window that was charged in,
 * so that a check reads two rows whatever the history: total now, less total of the last row that lies wholly before
 * the window. A row that straddles the window's beginning counts fully: the window is up to 1/1000 longer than asked,
 * never shorter.
 */
import type { Database } from './database.ts'
import { addDecimals, compareDecimals, formatDecimal } from '../protocol/decimal.ts'
import type { Decimal } from '../protocol/decimal.ts'
import type { ChargedLimit } from './record.ts'
import type { LimitCharge } from '../policy/decision.ts'

const STEPS = 1_000
const ZERO: Decimal = { units: 0n, scale: 0 }

interface Total {
  readonly count: number
  readonly amount: Decimal
}

interface TotalRow {
  readonly until_ms: number
  readonly count: number
  readonly units: string
  readonly scale: number
}

interface ChargeRow {
  readonly time: number
  readonly units: string
  readonly scale: number
}

type ChargeParts = Pick<LimitCharge, 'limit' | 'key' | 'amount'>

/** What counts of one limit at this moment. */
export interface LimitUsage {
  readonly limit: string
  /** See `LimitCharge.key`. */
  readonly key: string
  readonly count: number
  /** Plain decimal. */
  readonly amount: string
}

/** Limits and keys that one look at the usage visits at most: a look must not hold up decisions. */
const MAX_USAGE = 1_000

export interface LimitTable {
  /** Charges the owner unless that would exceed the limit: then false, and nothing is changed. */
  charge(charge: LimitCharge, owner: string, nowMs: number): boolean
  /** Gives back everything that the owner was charged. */
  release(owner: string): readonly ChargedLimit[]
  /** What counts now of the limits with these windows in milliseconds; of the first thousand limits and keys. */
  usage(windows: Readonly<Record<string, number>>, nowMs: number): readonly LimitUsage[]
}

/** The limits of an open database. `nowMs` may never go backwards: the caller passes the chain's time. */
export function createLimitTable(db: Database): LimitTable {
  const chargeOf = db.prepare<[string, string, string], ChargeRow>(
    'SELECT time, units, scale FROM limit_charges WHERE name = ? AND key = ? AND owner = ?',
  )
  const putCharge = db.prepare<[string, string, string, number, string, number]>(
    'INSERT OR REPLACE INTO limit_charges (name, key, owner, time, units, scale) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const chargesSince = db.prepare<[string, string, number], ChargeRow>(
    'SELECT time, units, scale FROM limit_charges WHERE name = ? AND key = ? AND time > ? ORDER BY time',
  )
  const chargesOfOwner = db.prepare<[string], ChargeRow & { name: string; key: string }>(
    'SELECT name, key, time, units, scale FROM limit_charges WHERE owner = ?',
  )
  const dropCharges = db.prepare<[string]>('DELETE FROM limit_charges WHERE owner = ?')
  const totalUntil = db.prepare<[string, string, number], TotalRow>(
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

  const windowsOf = db.prepare<[string, number], { key: string; window_ms: number }>(
    'SELECT key, window_ms FROM limit_windows WHERE name = ? ORDER BY key LIMIT ?',
  )

  /** Adds to the running total at a time no earlier than any before. */
  const add = (name: string, key: string, windowMs: number, timeMs: number, more: Total) => {
    const step = Math.max(1, Math.floor(windowMs / STEPS))
    const until = (Math.floor(timeMs / step) + 1) * step
    const before = totalOf(totalUntil.get(name, key, Number.MAX_SAFE_INTEGER))
    const amount = addDecimals(before.amount, more.amount)
    const count = before.count + more.count
    putTotal.run(name, key, until, count, amount.units.toString(), amount.scale)
  }

  /** Makes the running totals anew from the charges: after a release, or when the policy changed the window. */
  const rebuild = (name: string, key: string, windowMs: number, nowMs: number) => {
    dropTotals.run(name, key, Number.MAX_SAFE_INTEGER)
    putWindow.run(name, key, windowMs)
    const step = Math.max(1, Math.floor(windowMs / STEPS))
    for (const row of chargesSince.all(name, key, nowMs - windowMs - step)) {
      add(name, key, windowMs, row.time, { count: 1, amount: amountOf(row) })
    }
  }

  const spentSince = (name: string, key: string, windowMs: number, nowMs: number): Total => {
    const base = totalOf(totalUntil.get(name, key, nowMs - windowMs + 1))
    const total = totalOf(totalUntil.get(name, key, Number.MAX_SAFE_INTEGER))
    return { count: total.count - base.count, amount: subtract(total.amount, base.amount) }
  }

  return {
    usage: (windows, nowMs) => {
      let room = MAX_USAGE
      return Object.entries(windows).flatMap(([limit, windowMs]) => {
        const rows = windowsOf.all(limit, room)
        room -= rows.length
        return rows.flatMap(({ key, window_ms: known }) => {
          // The totals are made anew at the next charge; until then the charges themselves are asked.
          const spent =
            known === windowMs
              ? spentSince(limit, key, windowMs, nowMs)
              : sumOf(chargesSince.all(limit, key, nowMs - windowMs))
          if (spent.count === 0) return []
          return [{ limit, key, count: spent.count, amount: formatDecimal(spent.amount) }]
        })
      })
    },
    charge: (charge, owner, nowMs) => {
      const { limit: name, key, windowMs } = charge
      const earlier = chargeOf.get(name, key, owner)
      const wanted = charge.amount ?? ZERO
      if (earlier !== undefined && compareDecimals(wanted, amountOf(earlier)) <= 0) return true
      // The owner asks for more than it was charged: what still counts of its charge is not counted again.
      const counted = earlier !== undefined && earlier.time > nowMs - windowMs ? earlier : undefined
      if (windowOf.get(name, key) !== windowMs) rebuild(name, key, windowMs, nowMs)

      const start = totalUntil.get(name, key, nowMs - windowMs + 1)
      const base = totalOf(start)
      const total = totalOf(totalUntil.get(name, key, Number.MAX_SAFE_INTEGER))
      const count = counted === undefined ? 1 : 0
      const amount = counted === undefined ? wanted : subtract(wanted, amountOf(counted))
      const spentCount = total.count - base.count + count
      const spent = addDecimals(subtract(total.amount, base.amount), amount)
      if (charge.maxCount !== undefined && spentCount > charge.maxCount) return false
      if (charge.maxAmount !== undefined && compareDecimals(spent, charge.maxAmount) > 0)
        return false

      add(name, key, windowMs, nowMs, { count, amount })
      putCharge.run(name, key, owner, nowMs, wanted.units.toString(), wanted.scale)
      if (start !== undefined) dropTotals.run(name, key, start.until_ms)
      return true
    },
    release: (owner) => {
      const charges = chargesOfOwner.all(owner)
      dropCharges.run(owner)
      for (const { name, key } of charges) {
        dropTotals.run(name, key, Number.MAX_SAFE_INTEGER)
        putWindow.run(name, key, 0)
      }
      return charges.map((row) =>
        describeCharge({ limit: row.name, key: row.key, amount: amountOf(row) }),
      )
    },
  }
}

/** A charge as a record of the chain names it. */
export function describeCharge({ limit, key, amount }: ChargeParts): ChargedLimit {
  return { limit, key, amount: formatDecimal(amount ?? ZERO) }
}

function totalOf(row: TotalRow | undefined): Total {
  return row === undefined
    ? { count: 0, amount: ZERO }
    : { count: row.count, amount: amountOf(row) }
}

function sumOf(rows: readonly ChargeRow[]): Total {
  const amount = rows.map(amountOf).reduce(addDecimals, ZERO)
  return { count: rows.length, amount }
}

function amountOf(row: { readonly units: string; readonly scale: number }): Decimal {
  return { units: BigInt(row.units), scale: row.scale }
}

/** `a - b`; `a` is never the smaller one. */
function subtract(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { units: -b.units, scale: b.scale })
}
