/**
 * Makes a decider of a team's own function: what it returns is checked like any other input, within
 * a time limit.
 */
import type { After } from '../../common/clock.ts'
import type { Decision } from '../policy/decision.ts'
import type { Decider, DeciderFacts } from './ports.ts'
import type { Action } from '../protocol/endpoints.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { within } from './faults.ts'

/** What a team's own function returns. */
export interface Verdict {
  readonly action: Action
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`: which of your own rules decided; goes into the record. */
  readonly rule: string
  /** At most 200 characters; goes into the workspace's audit log, so it names no secret. */
  readonly reason?: string
}

/**
 * A team's own function. Undefined leaves the request to the policy file; a throw is answered
 * RETRY.
 */
export type Decide = (
  request: CallbackRequest,
  facts: DeciderFacts,
) => Verdict | undefined | Promise<Verdict | undefined>

const NAME = /^[A-Za-z0-9._-]{1,64}$/

const ACTIONS: readonly Action[] = ['APPROVE', 'REJECT', 'RETRY', 'IGNORE']

const MAX_REASON = 200

/** Rule ids on record are `decide:<rule>@<version>`: no rule of a policy file can be called so. */
export function createDecider(
  decide: Decide,
  version: string,
  timeoutMs: number,
  after: After,
): Decider {
  if (!NAME.test(version)) throw new TypeError('`version` must be 1 to 64 of A-Z a-z 0-9 . _ -')
  return async (request, facts) => {
    const call = Promise.resolve(decide(request, facts)).then((verdict) => ({ verdict }))
    const answer = await within(timeoutMs, call, after)
    if (answer === undefined) throw new Error(`\`decide\` took longer than ${timeoutMs} ms`)
    return answer.verdict === undefined ? undefined : decisionOf(answer.verdict, version)
  }
}

/** JavaScript callers have no types to keep them from returning anything at all. */
function decisionOf(verdict: Partial<Verdict> | null, version: string): Decision {
  const { action, rule, reason = '' } = verdict ?? {}
  const known = ACTIONS.find((each) => each === action)
  if (known === undefined) throw new TypeError('`decide` returned no known action')
  if (typeof rule !== 'string' || !NAME.test(rule)) {
    throw new TypeError('`decide` returned no usable rule')
  }
  if (typeof reason !== 'string' || reason.length > MAX_REASON) {
    throw new TypeError('`decide` returned no usable reason')
  }
  return { action: known, rule: `decide:${rule}@${version}`, reason }
}
