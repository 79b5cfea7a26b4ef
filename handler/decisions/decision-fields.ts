/**
 * Decision fields: the one table of what the record of a decision holds. Where each member comes from, how it is checked
 * when it is read back, what a redacted export keeps of it, and how the log line of a delivery names it.
 */
import type { AnsweredCheck, Decision } from '../policy/decision.ts'
import { IDENTITY_VERSION, sha256 } from '../protocol/digest.ts'
import type { Action, Endpoint, Stage } from '../protocol/endpoints.ts'
import type { Difference } from './cores.ts'
import { carriedName, heldName } from './hold-uses.ts'
import { describeCharge } from './limits.ts'
import type { ChargedLimit } from './limits.ts'
import type { NewDecision, ShadowNote, Spent } from './store.ts'

/** One answer that was decided, with everything that explains it. */
export interface DecisionContent {
  readonly kind: 'decision'
  /** Version of the identity that stage and digests are of; absent in records of version 1. */
  readonly identity?: number
  readonly endpoint: Endpoint
  readonly requestId: string
  readonly signerId: string
  readonly stage: Stage
  /** The stage is what the policy says of the signer (`signers:`), not what the request shows. */
  readonly stageBy?: 'policy' | undefined
  readonly digest: string
  readonly coreDigest: string
  readonly action: Action
  readonly rule: string
  readonly reason: string
  readonly policyDigest: string
  readonly cosigner: string
  readonly generation: number
  readonly owner: string
  readonly deliveryId: string
  /** Hex SHA-256 of the co-signer's token, which is stored in the same row. */
  readonly tokenSha256: string
  /** Of a repeated RETRY, whose token is not stored again: number of the first one's record, which has its token. */
  readonly evidenceIn?: number
  readonly rawTx?: string
  /** The hold that the request waited for, whatever came of it; or the one of its approval stage that served it. */
  readonly hold?: string
  /** The consistency checks that failed, and what the policy answers to each. */
  readonly consistency?: readonly AnsweredCheck[]
  /** How the request differs from the other stage of its transaction. */
  readonly differs?: readonly Difference[]
  /** What the policy said, when a limit, a single use, a hold, a freeze or an earlier decision changed it. */
  readonly proposed?: Decision
  /** What a shadow policy would have said. */
  readonly shadow?: ShadowNote
  /** The variant of the transaction that owns what was spent, from 1; absent in records of version 0.1.0. */
  readonly variant?: number
  /** Hex SHA-256 of the bytes to be signed, when something was spent or a release was carried. */
  readonly bytes?: string
  /** What this decision was checked against and spent of each limit. */
  readonly charged?: readonly ChargedLimit[]
  /** Names of what this decision used up. */
  readonly used?: readonly string[]
}

/** What a record is made from: `decision` is what stands, another object than the entry's when it was changed. */
export interface Outcome {
  readonly entry: NewDecision
  readonly decision: Decision
  /** What an approval that stands spends. */
  readonly spent: Spent | undefined
  readonly differs: readonly Difference[]
  /** Number of the record that has the evidence already. */
  readonly evidenceIn?: number | undefined
}

type FieldName = Exclude<keyof DecisionContent, 'kind'>

interface Field {
  /** The value in a new record; undefined leaves the member out. */
  readonly from: (outcome: Outcome) => unknown
  /** Whether a value that was read can be this member's; undefined stands for an absent one. */
  readonly fits: (value: unknown) => boolean
  /** What a redacted export has of it: the value, nothing, or other members. */
  readonly exported: 'kept' | 'hidden' | ((content: DecisionContent) => object | undefined)
  /** How the log line of a delivery names it, if it does: whole, or cut to a length. */
  readonly logged?: 'whole' | 'short'
}

const KEPT = { exported: 'kept' } as const
const LOGGED = { exported: 'kept', logged: 'whole' } as const

/** In the order of the record's body, all of which is hashed. */
const DECISION_FIELDS = {
  identity: {
    from: () => IDENTITY_VERSION,
    fits: (value) => value === undefined || typeof value === 'number',
    ...KEPT,
  },
  endpoint: { ...text(({ entry }) => entry.key.endpoint), ...LOGGED },
  requestId: { ...text(({ entry }) => entry.key.requestId), ...KEPT, logged: 'short' },
  signerId: { ...text(({ entry }) => entry.key.signerId), ...KEPT, logged: 'short' },
  stage: { ...text(({ entry }) => entry.key.stage), ...LOGGED },
  stageBy: {
    from: ({ entry }) => entry.key.stageBy,
    fits: (value) => value === undefined || value === 'policy',
    ...KEPT,
  },
  digest: { ...text(({ entry }) => entry.key.digest), ...KEPT },
  coreDigest: { ...text(({ entry }) => entry.key.coreDigest), ...KEPT },
  action: { ...text(({ decision }) => decision.action), ...LOGGED },
  rule: { ...text(({ decision }) => decision.rule), ...LOGGED },
  reason: {
    ...text(({ decision }) => decision.reason),
    exported: ({ reason }) => ({ reasonSha256: sha256(reason) }),
    logged: 'whole',
  },
  policyDigest: { ...text(({ entry }) => entry.evidence.policyDigest), ...KEPT },
  cosigner: { ...text(({ entry }) => entry.evidence.cosigner), ...LOGGED },
  generation: {
    from: ({ entry }) => entry.evidence.generation,
    fits: (value) => typeof value === 'number',
    ...LOGGED,
  },
  owner: { ...text(({ entry }) => entry.evidence.owner), ...KEPT },
  deliveryId: { ...text(({ entry }) => entry.evidence.deliveryId), ...LOGGED },
  tokenSha256: { ...text(({ entry }) => sha256(entry.evidence.token)), ...KEPT },
  evidenceIn: {
    from: ({ evidenceIn }) => evidenceIn,
    fits: isCountOrAbsent,
    ...KEPT,
  },
  rawTx: {
    from: ({ entry }) => entry.evidence.rawTx,
    fits: (value) => value === undefined || typeof value === 'string',
    exported: ({ rawTx }) => ({ rawTx: rawTx?.split(/\W/, 1)[0] }),
  },
  hold: {
    from: ({ entry }) => entry.heldBy,
    fits: (value) => value === undefined || typeof value === 'string',
    ...LOGGED,
  },
  consistency: {
    from: ({ entry }) => entry.evidence.consistency?.map(withoutPeople),
    fits: (value) => isListOf(value, (item) => hasTexts(item, ['check', 'answer'])),
    ...KEPT,
  },
  differs: {
    from: ({ differs }) => (differs.length === 0 ? undefined : differs),
    fits: (value) => isListOf(value, (item) => typeof item === 'string'),
    ...KEPT,
  },
  proposed: {
    from: ({ entry, decision }) => (decision === entry.decision ? undefined : entry.decision),
    fits: (value) => value === undefined || isObject(value),
    exported: ({ proposed }) =>
      proposed && { proposedAction: proposed.action, proposedRule: proposed.rule },
  },
  shadow: {
    from: ({ entry }) => entry.evidence.shadow,
    fits: (value) =>
      value === undefined ||
      hasTexts(value, ['digest', 'action', 'rule', 'liveAction', 'liveRule']),
    ...KEPT,
  },
  variant: {
    from: ({ spent }) => spent?.variant,
    fits: isCountOrAbsent,
    ...KEPT,
  },
  bytes: {
    from: ({ entry, spent }) =>
      spent?.variant !== undefined || (spent !== undefined && entry.carried !== undefined)
        ? entry.bytes
        : undefined,
    fits: (value) => value === undefined || typeof value === 'string',
    ...KEPT,
  },
  charged: {
    from: (outcome) => (hasSpent(outcome) ? outcome.spent?.charges.map(describeCharge) : undefined),
    fits: (value) => isListOf(value, (item) => hasTexts(item, ['limit', 'key', 'amount'])),
    exported: ({ charged }) => ({
      charged: charged?.map(({ limit, key }) => ({ limit, keySha256: sha256(key) })),
    }),
  },
  used: {
    from: (outcome) => (hasSpent(outcome) ? usedBy(outcome.entry) : undefined),
    fits: (value) => isListOf(value, (item) => typeof item === 'string'),
    exported: 'hidden',
  },
} as const satisfies { readonly [N in FieldName]: Field }

const FIELDS = Object.entries<Field>(DECISION_FIELDS)

/** The body of a decision's record. */
export interface DecisionBody extends DecisionContent {
  readonly v: 1
  /** ISO 8601. */
  readonly time: string
}

/** The record of an outcome; throws when it could not be read back. */
export function bodyOf(outcome: Outcome, time: string): DecisionBody {
  // One object from the beginning: copies of objects that grew name by name are slow to write out.
  const body: Record<string, unknown> = { v: 1, time, kind: 'decision' }
  for (const [name, { from }] of FIELDS) {
    const value = from(outcome)
    if (value !== undefined) body[name] = value
  }
  if (isDecisionBody(body)) return body
  throw new TypeError('a decision does not fit the form of its record')
}

/** Whether a record's body that was read has the members of a decision. */
export function isDecisionBody(value: object): value is DecisionBody {
  return isObject(value) && FIELDS.every(([name, { fits }]) => fits(value[name]))
}

/**
 * What is left of a decision without evidence: nothing that people or the policy's author wrote, no address, no token.
 * Digests stand for the token, the reason and the keys of limits, so that equal values can be seen to be equal.
 */
export function redactDecision(content: DecisionContent): object {
  const left: Record<string, unknown> = {}
  for (const [name, { exported }] of FIELDS) {
    if (exported === 'kept') left[name] = memberOf(content, name)
    else if (exported !== 'hidden') Object.assign(left, exported(content))
  }
  return left
}

/** The fields that the log line of a delivery names. */
export type LoggedField = {
  [N in keyof typeof DECISION_FIELDS]: (typeof DECISION_FIELDS)[N] extends {
    readonly logged: string
  }
    ? N
    : never
}[keyof typeof DECISION_FIELDS]

const LOGGED_FIELDS = FIELDS.filter(([, { logged }]) => logged !== undefined)

/** The members of a log line; `shorten` is applied to what others chose the length of. */
export function loggedFields(
  event: Readonly<Record<LoggedField, unknown>>,
  shorten: (value: unknown) => unknown,
): Record<string, unknown> {
  const line: Record<string, unknown> = {}
  for (const [name, { logged }] of LOGGED_FIELDS) {
    const value = memberOf(event, name)
    line[name] = logged === 'short' ? shorten(value) : value
  }
  return line
}

/** Who is asked is for the policy in force to say, not for that of the first delivery. */
function withoutPeople(check: AnsweredCheck): AnsweredCheck {
  if (check.answer !== 'hold') return check
  const { people: _, ...hold } = check.hold
  return { ...check, hold }
}

function text(from: (outcome: Outcome) => string): Pick<Field, 'from' | 'fits'> {
  return { from, fits: (value) => typeof value === 'string' }
}

/** Whether an approval stands that spends something, or stands on a release. */
function hasSpent({ entry: { hold, carried }, spent }: Outcome): boolean {
  if (spent === undefined) return false
  return spent.variant !== undefined || hold !== undefined || carried !== undefined
}

function usedBy({ singleUses, hold, carried }: NewDecision): readonly string[] {
  return [
    ...singleUses.map(({ name }) => name),
    ...(hold === undefined ? [] : [heldName(hold.id)]),
    ...(carried === undefined ? [] : [carriedName(carried.id)]),
  ]
}

function isCountOrAbsent(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) > 0)
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && names.every((name) => typeof value[name] === 'string')
}

/** Absent, or a list of which every item passes. */
function isListOf(value: unknown, passes: (item: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(passes))
}

function memberOf(value: object, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}

/** Whether a value that was parsed has members. */
export function isObject(value: unknown): value is Readonly<Partial<Record<string, unknown>>> {
  return typeof value === 'object' && value !== null
}
