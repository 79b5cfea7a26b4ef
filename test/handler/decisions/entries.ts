/** Decisions to record, each part of them replaceable. */
import type { Decision, LimitCharge } from '../../../handler/policy/decision.ts'
import type { CarriedUse, Evidence, NewDecision } from '../../../handler/decisions/store.ts'
import { parseDecimal } from '../../../handler/protocol/decimal.ts'
import type { Decimal } from '../../../handler/protocol/decimal.ts'
import { fingerprintOf } from '../../../handler/protocol/digest.ts'
import type { RequestKey } from '../../../handler/protocol/digest.ts'

export const APPROVE: Decision = { action: 'APPROVE', rule: 'small', reason: 'small amount' }
export const REJECT: Decision = { action: 'REJECT', rule: 'large', reason: 'too large' }
export const RETRY: Decision = { action: 'RETRY', rule: 'held', reason: 'needs a person' }

/** 2026-11-21T08:00:00Z. */
export const START = Date.UTC(2026, 10, 21, 8)

/** What an approval spends of an hourly limit of 10, unless told otherwise. */
export function charge(amount: string, parts: Partial<LimitCharge> = {}): LimitCharge {
  return {
    limit: 'hourly',
    key: 'asset=ETH',
    windowMs: 3_600_000,
    maxCount: undefined,
    amount: decimal(amount),
    maxAmount: decimal('10'),
    otherwise: { action: 'REJECT', rule: 'limit', reason: 'limit reached' },
    ...parts,
  }
}

/** The exact decimal of a text. */
export function decimal(text: string): Decimal {
  const value = parseDecimal(text)
  if (value === undefined) throw new Error(`\`${text}\` is not a decimal`)
  return value
}

/** A 64-digit hex text of one digit. */
export function hex(digit: string): string {
  return digit.repeat(64)
}

export function requestKey(parts: Partial<RequestKey> = {}): RequestKey {
  const key = {
    endpoint: 'tx_sign_request',
    requestId: 'request-1',
    signerId: 'signer-1',
    stage: 'signing',
    digest: hex('d'),
    coreDigest: hex('c'),
    ...parts,
  } as const
  return { ...key, fingerprint: fingerprintOf(key) }
}

export interface EntryParts {
  readonly key?: Partial<RequestKey>
  readonly decision?: Decision
  readonly charges?: readonly LimitCharge[]
  readonly uses?: readonly string[]
  readonly hold?: string
  readonly carried?: Pick<CarriedUse, 'id' | 'terms'>
  readonly bytes?: string
  readonly evidence?: Partial<Evidence>
}

/** An approval of `request-1` unless told otherwise; the owner is the request id. */
export function entry(parts: EntryParts = {}): NewDecision {
  const key = requestKey(parts.key)
  const decision = parts.decision ?? APPROVE
  const base: NewDecision = {
    key,
    decision,
    charges: parts.charges ?? [],
    singleUses: (parts.uses ?? []).map((name) => ({ name, otherwise: REJECT })),
    evidence: {
      token: `token.of.${key.requestId}`,
      cosigner: 'cosigner-a',
      generation: 1,
      policyDigest: hex('e'),
      owner: key.requestId,
      rawTx: undefined,
      deliveryId: 'delivery-1',
      ...parts.evidence,
    },
  }
  return {
    ...base,
    ...(parts.bytes === undefined ? {} : { bytes: parts.bytes }),
    ...(parts.hold === undefined ? {} : { hold: { id: parts.hold, otherwise: RETRY } }),
    ...(parts.carried === undefined ? {} : { carried: { ...parts.carried, otherwise: RETRY } }),
  }
}

/** Approval of the n-th request. */
export function nth(n: number): NewDecision {
  return entry({ key: { requestId: `request-${n}` } })
}
