/** Says why a request is decided as it is: the deciding rule, and for every other rule the first condition unmet. */
import type { Action } from '../protocol/endpoints.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { contradictionIn } from './contradiction.ts'
import type { Evaluation } from './decision.ts'
import { evaluate } from './evaluate.ts'
import type { Facts } from './facts.ts'
import { describeVerdict } from './judge.ts'
import type { Policy } from './compile/policy.ts'
import type { Rule } from './compile/rules.ts'
import { subjectOf } from './compile/subject.ts'
import type { Subject } from './compile/subject.ts'

export interface Explanation {
  readonly evaluation: Evaluation
  /** What in the request contradicts what; no rule approves such a request. */
  readonly contradiction: string | undefined
  /** One word and, unless `verified` or `absent`, why. */
  readonly rawTx: string
  readonly statement: string
  /** Every rule, in the order of the file. */
  readonly rules: readonly RuleExplanation[]
}

export interface RuleExplanation {
  readonly id: string
  readonly action: Action
  /** `deciding`: the first that matches. `shadowed`: matches too, after the deciding one. */
  readonly outcome: 'deciding' | 'shadowed' | 'unmatched'
  /** The first condition that does not hold. */
  readonly unmet: Unmet | undefined
}

export interface Unmet {
  readonly field: string
  readonly wants: string
  readonly found: string
}

/** Explains what `evaluate` says of the same three. */
export function explain(policy: Policy, request: CallbackRequest, facts: Facts): Explanation {
  const subject = subjectOf(request, facts)
  let decided = false
  const rules = policy.rules.map((rule): RuleExplanation => {
    const unmet = firstUnmet(rule, subject)
    const { id, action } = rule
    if (unmet !== undefined) return { id, action, outcome: 'unmatched', unmet }
    const outcome = decided ? 'shadowed' : 'deciding'
    decided = true
    return { id, action, outcome, unmet: undefined }
  })
  return {
    evaluation: evaluate(policy, request, facts),
    contradiction: contradictionIn(request),
    rawTx: describeVerdict(facts.rawTx),
    statement: describeStatement(facts),
    rules,
  }
}

function firstUnmet({ checks }: Rule, subject: Subject): Unmet | undefined {
  const check = checks.find((each) => !each.test(subject))
  return check && { field: check.field, wants: check.wants, found: check.found(subject) }
}

function describeStatement({ statement }: Facts): string {
  if (statement.status === 'valid') return `valid, signed by ${statement.keyName}`
  return statement.status === 'invalid' ? `invalid: ${statement.reason}` : 'absent'
}
