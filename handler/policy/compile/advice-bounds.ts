/** What the conditions of a rule let through, as far as it can be read from them. */
import type { Check } from './check.ts'
import { acceptsOnly } from './rules.ts'

/** True when a request of any form must pass a condition on a field that begins so. */
export function isBound(checks: readonly Check[], prefixes: readonly string[]): boolean {
  return checks.some(
    ({ parts, alternatives }) =>
      parts.some(({ field }) => prefixes.some((prefix) => field.startsWith(prefix))) ||
      alternatives?.every((block) => isBound(block, prefixes)) === true,
  )
}

export function isAboutTransactions(checks: readonly Check[]): boolean {
  return !acceptsOnly(checks, 'endpoint', 'config_change_sign_request')
}

/** The texts that the rule accepts for a field, as far as they are listed. */
export function listedFor(checks: readonly Check[], field: string): readonly string[] {
  return checks.flatMap(({ parts, alternatives }) => [
    ...parts.flatMap((part) =>
      part.field === field && part.shape.kind === 'set'
        ? part.shape.sets.flatMap((set) => [...set])
        : [],
    ),
    ...(alternatives ?? []).flatMap((block) => listedFor(block, field)),
  ])
}

export function mayAccept(
  checks: readonly Check[],
  field: string,
  texts: readonly string[],
): boolean {
  return listedFor(checks, field).some((text) => texts.includes(text))
}

/** True when the rule accepts an operation that moves something. */
export function mayAcceptOthers(checks: readonly Check[]): boolean {
  return listedFor(checks, 'operation').some((text) => text !== 'RAW' && text !== 'TYPED_MESSAGE')
}

/** True when every request to sign must pass an upper bound on the fee. */
export function boundsFee(checks: readonly Check[]): boolean {
  return (
    acceptsOnly(checks, 'stage', 'approval') ||
    checks.some(
      ({ parts, alternatives }) =>
        parts.some(
          ({ field, shape }) =>
            field === 'fee' && shape.kind === 'range' && shape.max !== undefined,
        ) || alternatives?.every(boundsFee) === true,
    )
  )
}

/** True when it asks for a least fee, in one way at least. */
export function hasLeastFee(checks: readonly Check[]): boolean {
  return checks.some(
    ({ parts, alternatives }) =>
      parts.some(
        ({ field, shape }) => field === 'fee' && shape.kind === 'range' && shape.min !== undefined,
      ) || alternatives?.some(hasLeastFee) === true,
  )
}
