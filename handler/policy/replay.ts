/** Replays recorded requests against a policy and says which of them it would have decided differently. */
import type { PolicyFacts } from './judge.ts'
import type { Action, Endpoint } from '../protocol/endpoints.ts'
import { isIdentifier } from '../protocol/members.ts'
import { parseRequest } from '../protocol/parse-request.ts'
import type { JsonObject } from '../protocol/json-value.ts'
import type { Decision } from './decision.ts'
import { evaluate } from './evaluate.ts'
import { factsOf } from './judge.ts'
import type { Policy } from './compile/policy.ts'
import { reserved } from './reserved.ts'
import type { VerifySignature } from './statement.ts'

/** One decision of the past with the content that it was about. */
export interface RecordedRequest {
  /** Number of the record. */
  readonly seq: number
  readonly endpoint: Endpoint
  /** The claims of the recorded token; undefined when they cannot be read. */
  readonly claims: JsonObject | undefined
  /** When and from whom, as the policy saw it then. */
  readonly known: PolicyFacts
  readonly action: Action
  readonly rule: string
}

export interface Replayed {
  readonly action: Action
  readonly rule: string
}

/** A decision that would come out differently. */
export interface Difference {
  readonly seq: number
  readonly requestId: string
  readonly was: Replayed
  readonly now: Replayed
}

export interface ReplayResult {
  readonly total: number
  /** Same action by the same rule. */
  readonly same: number
  /** Same action by another rule. */
  readonly otherRule: readonly Difference[]
  /** Another action. */
  readonly otherAction: readonly Difference[]
  /** Numbers of records whose content could not be read. */
  readonly unreadable: readonly number[]
}

/**
 * Limits, hooks, holds and extra signatures that were used up since are not replayed: where the rule alone approves, the
 * replay says APPROVE.
 */
export async function replay(
  policy: Policy,
  recorded: AsyncIterable<RecordedRequest> | Iterable<RecordedRequest>,
  verifySignature: VerifySignature,
): Promise<ReplayResult> {
  let total = 0
  let same = 0
  const otherRule: Difference[] = []
  const otherAction: Difference[] = []
  const unreadable: number[] = []
  for await (const { seq, endpoint, claims, known, action, rule } of recorded) {
    total += 1
    const requestId = claims?.['requestId']
    if (claims === undefined || !isIdentifier(requestId)) {
      unreadable.push(seq)
      continue
    }
    const now = decide(policy, endpoint, claims, known, verifySignature)
    const difference = { seq, requestId, was: { action, rule }, now }
    if (now.action !== action) otherAction.push(difference)
    else if (now.rule !== rule) otherRule.push(difference)
    else same += 1
  }
  return { total, same, otherRule, otherAction, unreadable }
}

function decide(
  policy: Policy,
  endpoint: Endpoint,
  claims: JsonObject,
  known: PolicyFacts,
  verifySignature: VerifySignature,
): Replayed {
  const parsed = parseRequest(endpoint, claims)
  if (parsed.kind === 'malformed') return replayed(reserved('REJECT', 'malformed'))
  if (parsed.kind === 'unreadable') return replayed(reserved('RETRY', 'unreadable'))
  const facts = factsOf(policy, parsed.request, known, verifySignature)
  return replayed(evaluate(policy, parsed.request, facts).decision)
}

function replayed({ action, rule }: Decision): Replayed {
  return { action, rule }
}
