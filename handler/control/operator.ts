/** The operator's requests on the admin socket: holds, freeze, limits and the policy; see operator-api.ts. */
import { z } from 'zod'
import type { AdminErrorCode } from '../../common/admin-api.ts'
import type { Clock } from '../../common/clock.ts'
import type { Hold, OperatorActs } from '../decisions/operations.ts'
import { StoreError } from '../decisions/store-error.ts'
import type { StoreErrorCode } from '../decisions/store-error.ts'
import type { Limit } from '../policy/compile/limits.ts'
import { formatDecimal } from '../protocol/decimal.ts'
import { AdminError } from '../../common/admin-error.ts'
import type { FreezeAnswer, HoldInfo, LimitList } from './operator-api.ts'
import type { ReloadAnswer } from '../policy-files/policy-keeper.ts'
import { parseBody } from './requests.ts'

export interface OperatorDeps {
  readonly acts: OperatorActs
  readonly clock: Clock
  /** How long the co-signer asks again after a first RETRY. */
  readonly retryBudgetMs: number
  /** The limits of the policy in force. */
  readonly limits: () => ReadonlyMap<string, Limit>
  readonly reload: () => Promise<ReloadAnswer>
  /** Something was done that should be seen. */
  readonly told: (what: string, details: Readonly<Record<string, unknown>>) => void
}

type Action = (body: unknown, deps: OperatorDeps) => Promise<unknown>

/** A person's name, and words for the record: one line each, without control characters. */
const line = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u)
const by = line(100).min(1)
const actSchema = z.strictObject({ by, note: line(500).default('') })
const freezeSchema = z.strictObject({ action: z.enum(['RETRY', 'REJECT']), by, reason: line(500) })
const releaseSchema = z.strictObject({
  txId: z.string().regex(/^[\x20-\x7e]{1,128}$/),
  by,
  note: line(500).default(''),
})

const ACTIONS: Readonly<Record<string, Action>> = {
  'GET /v1/holds': async (_, { acts, clock, retryBudgetMs }) => ({
    holds: (await acts.listHolds()).map((hold) => infoOf(hold, retryBudgetMs)),
    now: clock.now().toISOString(),
  }),
  'GET /v1/freeze': async (_, deps) => frozen(deps),
  'POST /v1/freeze': async (body, deps) => {
    const { action, by: person, reason } = parseBody(freezeSchema, body)
    await deps.acts.freeze(action, { by: person, note: reason })
    deps.told('frozen', { action, by: person, reason })
    return frozen(deps)
  },
  'POST /v1/unfreeze': async (body, deps) => {
    const act = parseBody(actSchema, body)
    if (deps.acts.frozen() !== undefined) {
      await deps.acts.unfreeze(act)
      deps.told('unfrozen', act)
    }
    return frozen(deps)
  },
  'GET /v1/limits': async (_, deps) => usage(deps),
  'POST /v1/limits/release': async (body, { acts, told }) => {
    const { txId, ...act } = parseBody(releaseSchema, body)
    const released = await acts.releaseCharges(txId, act)
    told('limits released', { txId, ...act })
    return { released }
  },
  'POST /v1/policy/reload': async (_, { reload }) => reload(),
}

/** What a request asks for; undefined when it is none of the operator's. The action rejects with `AdminError`. */
export function operatorAction(method: string, target: string): Action | undefined {
  const plain = Object.hasOwn(ACTIONS, `${method} ${target}`)
    ? ACTIONS[`${method} ${target}`]
    : undefined
  const [, id = '', verb] = /^\/v1\/holds\/([0-9a-f]{16})\/(approve|reject)$/.exec(target) ?? []
  const settle: Action = async (body, deps) => {
    const act = parseBody(actSchema, body)
    const { acts, told, retryBudgetMs } = deps
    const hold = await (verb === 'approve' ? acts.approveHold(id, act) : acts.rejectHold(id, act))
    told(`hold ${verb === 'approve' ? 'approved' : 'rejected'}`, { id, state: hold.state, ...act })
    return infoOf(hold, retryBudgetMs)
  }
  const action = plain ?? (method === 'POST' && verb !== undefined ? settle : undefined)
  return action && ((body, deps) => action(body, deps).catch(rethrow))
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
  const { id, state, summary, approvals, terms, rejectedBy = null, openedAt, expiresAt } = hold
  const retryUntil = new Date(Date.parse(openedAt) + retryBudgetMs).toISOString()
  const approvalsWanted = terms.approvals
  return {
    id,
    state,
    summary,
    approvals,
    approvalsWanted,
    rejectedBy,
    openedAt,
    expiresAt,
    retryUntil,
  }
}

const CODES: Partial<Record<StoreErrorCode, AdminErrorCode>> = {
  ERR_HOLD_UNKNOWN: 'ERR_HOLD_UNKNOWN',
  ERR_HOLD_CLOSED: 'ERR_HOLD_CLOSED',
  ERR_HOLD_SAME_PERSON: 'ERR_HOLD_SAME_PERSON',
  ERR_NOTHING_TO_RELEASE: 'ERR_NOTHING_TO_RELEASE',
}

function rethrow(error: unknown): never {
  if (!(error instanceof StoreError)) throw error
  throw new AdminError(CODES[error.code] ?? 'ERR_STORE', error.message)
}
