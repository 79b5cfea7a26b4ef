/**
 * Rolling limits: within any window of its length, a limit's bounds are never exceeded, however often a request is
 * asked, however many ask at once, across restarts.
 *
 * Every owner's charge is kept, once. Besides, running totals are kept, one per 1/1000 of the window that was charged
 * in, so that a check needs two of them whatever the history: total now, less the last total that lies wholly before
 * the window. A total that straddles the window's beginning counts fully: the window is up to 1/1000 longer than asked,
 * never shorter.
 */
import type { LimitCharge } from '../policy/decision.ts'
import { addDecimals, compareDecimals, formatDecimal } from '../protocol/decimal.ts'
import type { Decimal } from '../protocol/decimal.ts'

const STEPS = 1_000
const ZERO: Decimal = { units: 0n, scale: 0 }

/** Part of a limit, as a record names it. */
export interface ChargedLimit {
  readonly limit: string
  readonly key: string
  /** Plain decimal; `0` when only the number of transactions is limited. */
  readonly amount: string
}

/** What counts of one limit at this moment. */
export interface LimitUsage {
  readonly limit: string
  /** See `LimitCharge.key`. */
  readonly key: string
  readonly count: number
  /** Plain decimal. */
  readonly amount: string
}

/** What one owner was charged of a limit, and when in milliseconds since 1970. */
export interface Charge {
  readonly timeMs: number
  readonly amount: Decimal
}

/** Transactions and what they move. */
export interface LimitSum {
  readonly count: number
  readonly amount: Decimal
}

/** All charges before a time, that excluded. */
export interface LimitTotal extends LimitSum {
  readonly untilMs: number
}

/** What is known of one limit and key, for one window. */
export interface LimitState {
  /** The window that is asked about. */
  readonly askedMs: number
  /** The window that the totals were made for; 0 when they must be made anew, undefined before the first charge. */
  readonly windowMs: number | undefined
  /** The last total that lies wholly before the window. */
  readonly base: LimitTotal | undefined
  /** The last total. */
  readonly latest: LimitTotal | undefined
  /** When the totals are of another window: the charges since `chargesSince`, oldest first. */
  readonly charges: readonly Charge[]
  /** The totals, when they were made anew and replace all that are stored. */
  readonly remade?: readonly LimitTotal[]
}

/** The limit and its owner's charge as they are after a charge. */
export interface Charged {
  readonly state: LimitState
  readonly charge: Charge
}

/** Totals until this time or earlier lie wholly before the window. */
export function baseUntil(windowMs: number, nowMs: number): number {
  return nowMs - windowMs + 1
}

/** Charges after this time may count in the window. */
export function chargesSince(windowMs: number, nowMs: number): number {
  return nowMs - windowMs - stepOf(windowMs)
}

/**
 * Charges an owner that was charged `earlier`. `'covered'` when nothing more is to be charged, `'full'` when it would
 * exceed the limit. `nowMs` may never go backwards: the caller passes the chain's time.
 */
export function charge(
  known: LimitState,
  earlier: Charge | undefined,
  { amount: asked = ZERO, windowMs, maxCount, maxAmount }: LimitCharge,
  nowMs: number,
): Charged | 'covered' | 'full' {
  if (windowMs !== known.askedMs) throw new Error('a limit was looked up for another window')
  if (earlier !== undefined && compareDecimals(asked, earlier.amount) <= 0) return 'covered'
  const state = known.windowMs === windowMs ? known : remake(known, nowMs)
  const more = increaseOf(earlier, { timeMs: nowMs, amount: asked }, windowMs)
  const spent = spentOf(state)
  if (maxCount !== undefined && spent.count + more.count > maxCount) return 'full'
  const total = addDecimals(spent.amount, more.amount)
  if (maxAmount !== undefined && compareDecimals(total, maxAmount) > 0) return 'full'
  const latest = add(state.latest, windowMs, nowMs, more)
  return { state: { ...state, latest }, charge: { timeMs: nowMs, amount: asked } }
}

/** What a charge adds when its owner was charged `earlier`: what still counts of that is not counted again. */
export function increaseOf(
  earlier: Charge | undefined,
  { timeMs, amount }: Charge,
  windowMs: number,
): LimitSum {
  return earlier === undefined || earlier.timeMs <= timeMs - windowMs
    ? { count: 1, amount }
    : { count: 0, amount: subtract(amount, earlier.amount) }
}

/** `untilMs` of the total that a charge at this time is part of. */
export function totalUntil(windowMs: number, timeMs: number): number {
  const step = stepOf(windowMs)
  return (Math.floor(timeMs / step) + 1) * step
}

/** What counts of a limit; undefined when nothing does. */
export function usageOf(
  state: LimitState,
  nowMs: number,
): Pick<LimitUsage, 'count' | 'amount'> | undefined {
  const { askedMs, windowMs, charges } = state
  const { count, amount } =
    windowMs === askedMs
      ? spentOf(state)
      : sumOf(charges.filter(({ timeMs }) => timeMs > nowMs - askedMs))
  return count === 0 ? undefined : { count, amount: formatDecimal(amount) }
}

/** A charge as a record of the chain names it. */
export function describeCharge({
  limit,
  key,
  amount = ZERO,
}: Pick<LimitCharge, 'limit' | 'key' | 'amount'>): ChargedLimit {
  return { limit, key, amount: formatDecimal(amount) }
}

/** Makes the totals anew from the charges: after a release, or when the policy changed the window. */
function remake({ askedMs, charges }: LimitState, nowMs: number): LimitState {
  const windowMs = askedMs
  const totals = new Map<number, LimitTotal>()
  let latest: LimitTotal | undefined
  for (const { timeMs, amount } of charges) {
    latest = add(latest, windowMs, timeMs, { count: 1, amount })
    totals.set(latest.untilMs, latest)
  }
  const remade = [...totals.values()]
  const base = remade.findLast(({ untilMs }) => untilMs <= baseUntil(windowMs, nowMs))
  return { askedMs, windowMs, base, latest, charges: [], remade }
}

/** The running total with more in it, at a time no earlier than any before. */
function add(
  before: LimitTotal | undefined,
  windowMs: number,
  timeMs: number,
  more: LimitSum,
): LimitTotal {
  return {
    untilMs: totalUntil(windowMs, timeMs),
    count: (before?.count ?? 0) + more.count,
    amount: addDecimals(before?.amount ?? ZERO, more.amount),
  }
}

function spentOf({ base, latest }: LimitState): LimitSum {
  return {
    count: (latest?.count ?? 0) - (base?.count ?? 0),
    amount: subtract(latest?.amount ?? ZERO, base?.amount ?? ZERO),
  }
}

function sumOf(charges: readonly Charge[]): LimitSum {
  return {
    count: charges.length,
    amount: charges.reduce((sum, { amount }) => addDecimals(sum, amount), ZERO),
  }
}

function stepOf(windowMs: number): number {
  return Math.max(1, Math.floor(windowMs / STEPS))
}

/** `a - b`. */
export function subtract(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { units: -b.units, scale: b.scale })
}
