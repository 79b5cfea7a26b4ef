/** Decides a request: the first rule that matches, what it requires, and the default when none does. */
import type { CallbackRequest } from '../protocol/request.ts'
import { contradictionIn } from './contradiction.ts'
import type { Decision, Evaluation, LimitCharge } from './decision.ts'
import type { Facts } from './facts.ts'
import { chargesFor } from './compile/limits.ts'
import type { Policy } from './compile/policy.ts'
import { reserved } from './reserved.ts'
import { firstMatch } from './compile/rule-index.ts'
import type { Rule } from './compile/rules.ts'
import { subjectOf } from './compile/subject.ts'
import type { Subject } from './compile/subject.ts'

/**
 * What the policy makes of a request. Anything that throws in here must be answered with RETRY by the caller.
 * INVARIANT: the action is APPROVE only if a rule that approves matched, nothing in the request contradicts itself,
 * the raw transaction does not contradict it, and every requirement that can be judged here holds.
 */
export function evaluate(policy: Policy, request: CallbackRequest, facts: Facts): Evaluation {
  const subject = subjectOf(request, facts)
  const rule = firstMatch(policy.index, subject)
  if (rule === undefined) {
    return plain(reserved(policy.defaultAction, 'default'))
  }
  if (rule.action !== 'APPROVE' && rule.hold === undefined) return plain(rule.decision)
  const refusal = refusalOf(rule, request, facts)
  return refusal === undefined ? withRequirements(rule, subject) : plain(refusal)
}

/** The refusal of content that nobody may approve: it contradicts itself, or its raw transaction does. */
export function contentRefusal(
  request: CallbackRequest,
  { rawTx }: Pick<Facts, 'rawTx'>,
): Decision | undefined {
  if (contradictionIn(request) !== undefined) {
    return reserved('REJECT', 'contradiction')
  }
  if (rawTx.status === 'mismatch') {
    return reserved('REJECT', 'raw-tx')
  }
  return undefined
}

/** The decision instead, when the request must not be approved: not by this rule, nor by a person. */
export function refusalOf(
  rule: Rule,
  request: CallbackRequest,
  facts: Facts,
): Decision | undefined {
  const refusal = contentRefusal(request, facts)
  if (refusal !== undefined) return refusal
  const { rawTx, statement } = facts
  const { requirements } = rule
  if (rawTx.status !== 'verified' && requirements.rawTx !== undefined) return requirements.rawTx
  const { keys, otherwise } = requirements.extraSignature ?? {}
  const signed = statement.status === 'valid' && keys?.has(statement.keyName)
  return signed ? undefined : otherwise
}

function withRequirements(rule: Rule, { tx, facts }: Subject): Evaluation {
  const { limits, hook, extraSignature } = rule.requirements
  const charges: LimitCharge[] = []
  for (const { limit, otherwise } of limits) {
    const more = tx === undefined ? undefined : chargesFor(limit, tx, otherwise)
    if (more === undefined) return plain(otherwise)
    charges.push(...more)
  }
  const { statement } = facts
  return {
    decision: rule.decision,
    charges,
    singleUses:
      extraSignature !== undefined && statement.status === 'valid'
        ? [{ name: `statement:${statement.digest}`, otherwise: extraSignature.otherwise }]
        : [],
    hooks: hook === undefined ? [] : [{ hook: hook.hook.name, otherwise: hook.otherwise }],
    hold: rule.hold,
  }
}

function plain(decision: Decision): Evaluation {
  return { decision, charges: [], singleUses: [], hooks: [], hold: undefined }
}
