/** Finds rules that no request can reach, because an earlier rule accepts all that they accept. */
import { compareDecimals } from '../../protocol/decimal.ts'
import type { Decimal } from '../../protocol/decimal.ts'
import type { Check, Shape } from './check.ts'
import type { Filed, RuleIndex } from './rule-index.ts'
import type { Rule } from './rules.ts'

export interface Unreachable {
  readonly rule: Rule
  /** The earlier rule that always decides first. */
  readonly by: Rule
}

/**
 * Sound and simple: a rule is reported only if one single earlier rule provably covers it, condition by condition.
 * Rules that several others cover together are not found.
 */
export function unreachableRules(rules: readonly Rule[], index: RuleIndex): Unreachable[] {
  return rules.flatMap((rule, position) => {
    const by = candidates(rule, index)
      .filter((earlier) => earlier.position < position)
      .toSorted((a, b) => a.position - b.position)
      .find((earlier) => covers(earlier.rule, rule))
    return by === undefined ? [] : { rule, by: by.rule }
  })
}

/** Rules that could cover this one: filed under one of its own values, or not filed at all. */
function candidates({ checks }: Rule, index: RuleIndex): Filed[] {
  const found = [...index.unfiled]
  for (const { dimension, rules } of index.files) {
    for (const { field, shape } of checks.flatMap(({ parts }) => parts)) {
      if (!dimension.endsWith(field) || shape.kind !== 'set') continue
      const [first] = shape.sets.flatMap((set) => [...set].slice(0, 1))
      found.push(...[first].flatMap((value) => rules.get(String(value)) ?? []))
    }
  }
  return found
}

/**
 * True when every request that `narrow` matches certainly, `wide` matches certainly too. A rule that refuses is satisfied by
 * one destination of several, so one that reads every destination covers it only where there is nothing to read twice.
 */
function covers(wide: Rule, narrow: Rule): boolean {
  if (wide.reading === 'every' && narrow.reading === 'any') {
    if (wide.checks.some(({ isPlural }) => isPlural)) return false
  }
  return wide.checks.every((check) => narrow.checks.some((other) => implies(other, check)))
}

/** True when whatever passes `narrow` passes `wide`: each part of `wide` follows from a part of the same block. */
function implies(narrow: Check, wide: Check): boolean {
  if (narrow.isEvery !== wide.isEvery) return false
  return wide.parts.every((part) =>
    narrow.parts.some(({ field, shape }) => field === part.field && within(shape, part.shape)),
  )
}

function within(narrow: Shape, wide: Shape): boolean {
  if (narrow.kind === 'set' && wide.kind === 'set') return setsWithin(narrow.sets, wide.sets)
  if (narrow.kind === 'range' && wide.kind === 'range') {
    return rangeWithin(narrow, wide)
  }
  return narrow.kind === 'other' && wide.kind === 'other' && narrow.text === wide.text
}

function setsWithin(
  narrow: readonly ReadonlySet<string>[],
  wide: readonly ReadonlySet<string>[],
): boolean {
  return narrow.every((set) => {
    if (wide.includes(set)) return true
    for (const value of set) {
      if (!wide.some((other) => other.has(value))) return false
    }
    return true
  })
}

type Range = Extract<Shape, { readonly kind: 'range' }>

function rangeWithin(narrow: Range, wide: Range): boolean {
  return (
    (wide.min === undefined || (narrow.min !== undefined && notLess(narrow.min, wide.min))) &&
    (wide.max === undefined || (narrow.max !== undefined && notLess(wide.max, narrow.max)))
  )
}

function notLess(left: Decimal, right: Decimal): boolean {
  return compareDecimals(left, right) >= 0
}
