/** The operator's requests on the admin socket: holds, freeze, limits and the policy. */
import { z } from 'zod'
import type {
  AdminCalls,
  FreezeAnswer,
  HoldInfo,
  LimitList,
  ReloadAnswer,
} from '../../common/admin-api.ts'
import type { AdminMatch, AdminRoute } from '../../common/admin-routes.ts'
import type { Clock } from '../../common/clock.ts'
import type { Hold, OperatorActs } from '../decisions/operations.ts'
import { isOperatorAct } from '../decisions/proofs.ts'
import type { AdminErrorCode } from '../../common/refusal-codes.ts'
import { StoreError, type StoreErrorCode } from '../decisions/store-error.ts'
import type { PeopleTerms } from '../policy/approvals/people.ts'
import type { LivePolicy } from '../policy/judge.ts'
import type { Limit } from '../policy/compile/limits.ts'
import { formatDecimal } from '../protocol/decimal.ts'
import { AdminError } from '../../common/admin-error.ts'
import { releaseFor, type ActDeps } from './acts.ts'
import { fullLimitsOf } from './full-limits.ts'
import { assertionSchema } from './assertion-schema.ts'
import { actsOf, findHold, holdDetails } from './hold-details.ts'
import { line, parseBody } from './requests.ts'

export interface OperatorDeps extends Pick<ActDeps, 'askedFor'> {
  readonly acts: OperatorActs
  /** UUID of the decision store. */
  readonly storeId: string
  readonly clock: Clock
  /** How long the co-signer asks again after a first RETRY. */
  readonly retryBudgetMs: number
  /** The policy in force. */
  readonly policy: () => LivePolicy
  /** Its limits. */
  readonly limits: () => ReadonlyMap<string, Limit>
  readonly reload: () => Promise<ReloadAnswer>
  /** Something was done that should be seen. */
  readonly told: (what: string, details: Readonly<Record<string, unknown>>) => void
}

/** Answers one request: the variable parts of its path, and its body, not looked at yet. */
export type AdminAction<R extends AdminRoute, Deps> = (
  params: AdminMatch['params'],
  body: unknown,
  deps: Deps,
) => Promise<AdminCalls[R]['answer']>

/** The requests that operators make; the others are the bootstrapper's. */
type OperatorRoute = Exclude<
  AdminRoute,
  'status' | 'stage' | 'retire' | 'selfTest' | 'declare' | 'forget' | 'tellDrift'
>

/** A person's name. */
const by = line(100).min(1)
const personSchema = z.strictObject({ by, note: line(500).default('') })
const actSchema = personSchema.extend({ assertion: assertionSchema.exactOptional() })
/** Groups of hex digits; white space between them does not count. */
const approvalSchema = actSchema.extend({
  digest: z
    .string()
    .regex(/^[0-9a-fA-F\s]{20,40}$/)
    .exactOptional(),
})
const freezeSchema = z.strictObject({
  action: z.enum(['RETRY', 'REJECT']),
  by,
  reason: line(500),
  replace: z.literal(true).exactOptional(),
})
const releaseSchema = z.strictObject({
  txId: z.string().regex(/^[\x20-\x7e]{1,128}$/),
  by,
  note: line(500).default(''),
})

/** Whoever has what the operator's requests need. */
interface OperatorHost {
  readonly operator: OperatorDeps
}

/** The operator's requests. Each action may reject with `StoreError`. */
export const OPERATOR_ACTIONS: {
  readonly [R in OperatorRoute]: AdminAction<R, OperatorHost>
} = {
  listHolds: async (_params, _body, { operator: deps }) => ({
    holds: await listed(deps),
    now: deps.clock.now().toISOString(),
  }),
  showHold: async ({ holdId = '' }, _body, { operator: deps }) => {
    const found = await findHold(deps.acts, holdId)
    const full = await fullLimitsOf(found.evidence, deps)
    const info = withLimits(infoOf(found.hold, deps.retryBudgetMs), full)
    return holdDetails(found, info, deps.policy().form?.abi)
  },
  requestHold: async ({ holdId = '' }, _body, { operator: deps }) => {
    const found = await findHold(deps.acts, holdId)
    return { ...actsOf(found, deps.storeId), hold: infoOf(found.hold, deps.retryBudgetMs) }
  },
  approveHold: async ({ holdId = '' }, body, { operator: deps }) => {
    const { digest, ...act } = parseBody(approvalSchema, body)
    if (digest !== undefined) await assertSeen(deps.acts, holdId, digest)
    const hold = await deps.acts.approveHold(holdId, act)
    deps.told('hold approved', { id: holdId, state: hold.state, by: act.by, note: act.note })
    return infoOf(hold, deps.retryBudgetMs)
  },
  rejectHold: async ({ holdId = '' }, body, { operator: deps }) => {
    const act = parseBody(actSchema, body)
    const hold = await deps.acts.rejectHold(holdId, act)
    deps.told('hold rejected', { id: holdId, state: hold.state, by: act.by, note: act.note })
    return infoOf(hold, deps.retryBudgetMs)
  },
  showFreeze: async (_params, _body, { operator: deps }) => frozen(deps),
  freeze: async (_params, body, { operator: deps }) => {
    const { action, by: person, reason, replace } = parseBody(freezeSchema, body)
    const before = deps.acts.frozen()
    const { action: inForce } = await deps.acts.freeze(
      action,
      { by: person, note: reason },
      replace,
    )
    deps.told('frozen', { action: inForce, asked: action, by: person, reason, replace, before })
    return frozen(deps)
  },
  unfreeze: async (_params, body, { operator: deps }) => {
    const act = parseBody(personSchema, body)
    const freeze = deps.acts.frozen()
    if (freeze !== undefined) {
      const { action, by: first, reason, since } = freeze
      const subject = JSON.stringify([action, first, since])
      const what = `end the freeze by ${first} of ${since}: ${reason}`
      const release = await releaseFor({ act: 'unfreeze', subject, what }, deps)
      await deps.acts.unfreeze(act, release)
      deps.told('unfrozen', act)
    }
    return frozen(deps)
  },
  listLimits: async (_params, _body, { operator: deps }) => usage(deps),
  releaseLimits: async (_params, body, { operator: deps }) => {
    const { acts, told } = deps
    const { txId, ...act } = parseBody(releaseSchema, body)
    const what = `give back what transaction ${txId} was charged`
    const release = await releaseFor({ act: 'limits-release', subject: txId, what }, deps)
    const released = await acts.releaseCharges(txId, act, release)
    told('limits released', { txId, ...act })
    return { released }
  },
  reloadPolicy: async (_params, _body, { operator: { reload } }) => reload(),
}

/** Of so many holds in front `hold list` says which limits are full: each is a request to read and to evaluate. */
const MAX_LOOKED_AT = 100

async function listed(deps: OperatorDeps): Promise<readonly HoldInfo[]> {
  const holds: HoldInfo[] = []
  for (const hold of await deps.acts.listHolds()) {
    const found = holds.length < MAX_LOOKED_AT ? await deps.acts.findHold(hold.id) : undefined
    const full = await fullLimitsOf(found?.evidence, deps)
    holds.push(withLimits(infoOf(hold, deps.retryBudgetMs), full))
  }
  return holds
}

function withLimits(info: HoldInfo, fullLimits: readonly string[] | undefined): HoldInfo {
  return fullLimits === undefined ? info : { ...info, fullLimits }
}

/** @throws AdminError ERR_HOLD_CHANGED, and as `findHold` */
export async function assertSeen(
  acts: OperatorActs,
  holdId: string,
  digest: string,
): Promise<void> {
  const found = await findHold(acts, holdId)
  if (plainDigest(digest) === plainDigest(found.digest)) return
  throw new AdminError('ERR_HOLD_CHANGED', `\`${holdId}\` is not what that digest was shown for`)
}

function plainDigest(digest: string): string {
  return digest.replaceAll(/\s/g, '').toLowerCase()
}

function frozen({ acts }: OperatorDeps): FreezeAnswer {
  return { freeze: acts.frozen() ?? null }
}

async function usage({ acts, limits }: OperatorDeps): Promise<LimitList> {
  const declared = limits()
  const windows = Array.from(declared, ([name, { windowMs }]) => [name, windowMs] as const)
  const found = await acts.limitUsage(Object.fromEntries(windows))
  return {
    limits: found.flatMap((each) => {
      const limit = declared.get(each.limit)
      if (limit === undefined) return []
      const { windowMs, maxCount = null, maxAmount } = limit
      const most = maxAmount === undefined ? null : formatDecimal(maxAmount)
      return [{ ...each, windowMs, maxCount, maxAmount: most }]
    }),
  }
}

function infoOf(hold: Hold, retryBudgetMs: number): HoldInfo {
  const { id, state, summary, approvals, approved, keys, terms } = hold
  const { rejectedBy = null, openedAt, expiresAt } = hold
  const { people } = terms
  const retryUntil = isOperatorAct(hold.asked)
    ? expiresAt
    : new Date(Date.parse(openedAt) + retryBudgetMs).toISOString()
  const approvalsWanted = terms.approvals
  return {
    id,
    state,
    summary,
    approvals,
    approvalsWanted,
    approved,
    ...(people === undefined ? {} : { groups: groupCounts(people), keys }),
    rejectedBy,
    openedAt,
    expiresAt,
    retryUntil,
  }
}

function groupCounts({ groups }: PeopleTerms): Readonly<Record<string, number>> {
  return Object.fromEntries(groups.map(({ name, approvals }) => [name, approvals]))
}

const CODES: Partial<Record<StoreErrorCode, AdminErrorCode>> = {
  ERR_HOLD_UNKNOWN: 'ERR_HOLD_UNKNOWN',
  ERR_HOLD_CLOSED: 'ERR_HOLD_CLOSED',
  ERR_HOLD_UNPROVEN: 'ERR_HOLD_UNPROVEN',
  ERR_HOLD_SAME_PERSON: 'ERR_HOLD_SAME_PERSON',
  ERR_NOTHING_TO_RELEASE: 'ERR_NOTHING_TO_RELEASE',
}

/** The refusal that a failure of the store means for the operator; any other error as it is. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error
  return new AdminError(CODES[error.code] ?? 'ERR_STORE', error.message)
}
