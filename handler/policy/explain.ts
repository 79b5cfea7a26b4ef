/** Says why a request is decided as it is: the answer of every rule, how it reads the request, and what keeps it from more. */
import type { Action } from '../protocol/endpoints.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { familyFor, shownKey } from './chains/address.ts'
import { answersTo, disagreementsIn } from './consistency.ts'
import type { AnsweredCheck, Evaluation } from './decision.ts'
import { evaluate, lockOf, staged } from './evaluate.ts'
import type { Facts } from './facts.ts'
import { describeVerdict } from './judge.ts'
import type { Unmet } from './compile/check.ts'
import type { Policy } from './compile/policy.ts'
import type { Rule } from './compile/rules.ts'
import { answerOf, firstUnmet, unknownIn } from './compile/when.ts'
import { ANSWER_WORDS, CERTAINLY, NO, POSSIBLY } from './readings/answer.ts'
import type { Reading } from './readings/answer.ts'
import { subjectOf } from './readings/subject.ts'
import type { Subject } from './readings/subject.ts'

export interface Explanation {
  readonly evaluation: Evaluation
  /** The consistency checks that fail, with what disagrees in words and what the policy answers where a rule approves. */
  readonly consistency: readonly (AnsweredCheck & { readonly found: string })[]
  /** One word and, unless `verified` or `absent`, why. */
  readonly rawTx: string
  readonly statement: string
  /** The signer of whom the policy says that it only signs. */
  readonly signingOnly: string | undefined
  /** The addresses of the destinations, as they are compared. */
  readonly addresses: readonly AddressExplanation[]
  /** Every rule, in the order of the file. */
  readonly rules: readonly RuleExplanation[]
}

export interface AddressExplanation {
  /** Keys of what is stated of one destination, with their tags. */
  readonly keys: readonly string[]
  /** Something is stated that is no address of the family. */
  readonly unreadable: boolean
  /** By which addresses of the asset are read; undefined for an asset of which nothing is known. */
  readonly family: string | undefined
}

export interface RuleExplanation {
  readonly id: string
  readonly action: Action
  /** Whether the rule matches. */
  readonly answer: (typeof ANSWER_WORDS)[number]
  /** Which destinations, elements and stated values must fit. */
  readonly reading: Reading
  /**
   * `deciding`: it gave the answer. `passed`: it matches possibly, which alone decides nothing. `shadowed`: it matches, after
   * the deciding one.
   */
  readonly outcome: 'deciding' | 'passed' | 'shadowed' | 'unmatched'
  /** The condition that keeps the answer from being better. */
  readonly unmet: Unmet | undefined
  /** Fields that are unknown, and on which the answer depends. */
  readonly unknown: readonly string[]
  /** Why people cannot release what it holds. */
  readonly unreleasable: string | undefined
}

/** Explains what `evaluate` says of the same three. */
export function explain(policy: Policy, request: CallbackRequest, facts: Facts): Explanation {
  const subject = subjectOf(staged(policy, request), facts, policy.addresses)
  const evaluation = evaluate(policy, request, facts)
  const deciding = decidingRule(policy.rules, evaluation, subject)
  return {
    evaluation,
    consistency: checksOf(policy, request, facts),
    rawTx: describeVerdict(facts.rawTx),
    statement: describeStatement(facts),
    signingOnly: signingOnlyOf(policy, request),
    addresses: explainAddresses(subject),
    rules: policy.rules.map((rule, position) => explainRule(rule, position, deciding, subject)),
  }
}

function signingOnlyOf({ signingOnly }: Policy, request: CallbackRequest): string | undefined {
  const { endpoint, signerId } = request
  if (endpoint !== 'tx_sign_request' || typeof signerId !== 'string') return undefined
  return signingOnly?.has(signerId) === true ? signerId : undefined
}

function checksOf(
  { consistency }: Policy,
  request: CallbackRequest,
  { rawTx, before }: Facts,
): Explanation['consistency'] {
  const disagreements = disagreementsIn(request, rawTx)
  return answersTo(disagreements, consistency, before).map((each, index) => ({
    ...each,
    found: disagreements[index]?.found ?? '',
  }))
}

/** Position of the rule that gave the answer; that of no rule when the default did. */
function decidingRule(rules: readonly Rule[], { decision }: Evaluation, subject: Subject): number {
  const answers = rules.map(({ checks, reading }) => answerOf(checks, subject, reading))
  const last = rules.findIndex(({ action }, position) => {
    const answer = answers[position]
    return (
      answer === CERTAINLY || (answer === POSSIBLY && action !== 'APPROVE' && action !== 'REJECT')
    )
  })
  if (decision.rule !== 'uncertain') return last
  return rules.findIndex(
    ({ action }, position) => action === 'REJECT' && answers[position] === POSSIBLY,
  )
}

function explainAddresses({ tx, addresses, ...subject }: Subject): AddressExplanation[] {
  if (tx === undefined) return []
  const family = familyFor(addresses, tx.asset)?.name
  return subject.destinations().map((destination) => {
    const { texts, unreadable } = destination.address()
    return { keys: texts.map(shownKey), unreadable, family }
  })
}

function explainRule(
  rule: Rule,
  position: number,
  deciding: number,
  subject: Subject,
): RuleExplanation {
  const { id, action, checks, reading, hold } = rule
  const answer = answerOf(checks, subject, reading)
  const isPassed = answer === POSSIBLY && (action === 'APPROVE' || action === 'REJECT')
  return {
    id,
    action,
    answer: ANSWER_WORDS[answer],
    reading,
    outcome:
      position === deciding
        ? 'deciding'
        : answer === NO
          ? 'unmatched'
          : isPassed
            ? 'passed'
            : 'shadowed',
    unmet: firstUnmet(checks, subject, reading),
    unknown: unknownIn(checks, subject, reading),
    unreleasable: hold === undefined || answer === NO ? undefined : lockOf(rule, answer, subject),
  }
}

function describeStatement({ statement }: Facts): string {
  if (statement.status === 'valid') return `valid, signed by ${statement.keyName}`
  return statement.status === 'invalid' ? `invalid: ${statement.reason}` : 'absent'
}
