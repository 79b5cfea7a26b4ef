/** Decides a request: the first rule that matches, what it requires, and the default when none does. */
import { sha256 } from '../protocol/digest.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { answersTo, disagreementsIn, strictestOf, stricterTerms } from './consistency.ts'
import type {
  AnsweredCheck,
  Decision,
  CheckName,
  Evaluation,
  HoldTerms,
  LimitCharge,
  Uncertainty,
} from './decision.ts'
import type { Facts } from './facts.ts'
import { chargesFor, hidesFromLimits } from './compile/limits.ts'
import type { Policy } from './compile/policy.ts'
import type { RawTxRequirement } from './compile/requirements.ts'
import type { RawTxVerdict } from './rawtx/verdict.ts'
import { reserved } from './reserved.ts'
import { candidates } from './compile/rule-index.ts'
import type { Rule } from './compile/rules.ts'
import { answerOf, unknownIn } from './compile/when.ts'
import { CERTAINLY, NO, POSSIBLY } from './readings/answer.ts'
import type { Answer } from './readings/answer.ts'
import { subjectOf } from './readings/subject.ts'
import type { Subject } from './readings/subject.ts'
import { unknownFields } from './readings/unknown.ts'

/**
 * Version of what conditions mean. 1: a condition held or not, for every destination. 2: three answers, and refusing rules
 * are satisfied by any destination. Notes of shadow policies carry it.
 */
export const SEMANTICS = 2

/**
 * What the policy makes of a request. Anything that throws in here must be answered with RETRY by the caller.
 * INVARIANT: the action is APPROVE only if a rule that approves matched certainly, no rule that refuses stands above it and
 * matches even possibly, the raw transaction does not contradict the request, every consistency check passes or is answered
 * with `note`, and every requirement that can be judged here holds.
 */
export function evaluate(policy: Policy, request: CallbackRequest, facts: Facts): Evaluation {
  const subject = subjectOf(staged(policy, request), facts, policy.addresses)
  const { evaluation, isRefusal } = search(policy, subject)
  const { decision } = evaluation
  // Bytes that contradict the request decide whatever a rule says; one that refuses keeps its id.
  if (facts.rawTx.status === 'mismatch' && !isRefusal) return plain(reserved('REJECT', 'raw-tx'))
  if (decision.action !== 'RETRY' || evaluation.consistency !== undefined) return evaluation
  // What waits for another reason may be approved later: what was answered now stands for it then.
  return withChecks(evaluation, checksOf(policy, subject))
}

/** The request as the policy sees it: of the signing stage when it says so of the signer, whatever the members. */
export function staged(
  { signingOnly }: Pick<Policy, 'signingOnly'>,
  request: CallbackRequest,
): CallbackRequest {
  const { endpoint, signerId, stage } = request
  if (signingOnly === undefined || endpoint !== 'tx_sign_request') return request
  if (stage === 'signing' || typeof signerId !== 'string') return request
  return signingOnly.has(signerId) ? { ...request, stage: 'signing' } : request
}

interface Found {
  readonly evaluation: Evaluation
  /** A rule that refuses gave it. */
  readonly isRefusal: boolean
}

function search(policy: Policy, subject: Subject): Found {
  const next = candidates(policy.index, subject)
  let doubt: Rule | undefined
  let missed: Rule | undefined
  for (let filed = next(); filed !== undefined; filed = next()) {
    const { rule, checks } = filed
    const answer = answerOf(checks, subject, rule.reading)
    if (answer === NO) continue
    if (answer === POSSIBLY && rule.action === 'APPROVE') missed ??= rule
    else if (answer === POSSIBLY && rule.action === 'REJECT') doubt ??= rule
    else {
      const evaluation = afterDoubt(doubt, outcomeOf(policy, rule, answer, subject), subject)
      return { evaluation, isRefusal: rule.action === 'REJECT' }
    }
  }
  const evaluation = afterDoubt(doubt, defaultOf(policy, missed, subject), subject)
  return { evaluation, isRefusal: false }
}

/** A rule that may refuse puts off whatever the search came to after it, but a refusal. */
function afterDoubt(doubt: Rule | undefined, evaluation: Evaluation, subject: Subject): Evaluation {
  if (doubt === undefined || evaluation.decision.action === 'REJECT') return evaluation
  const uncertainty = uncertaintyOf(doubt, subject)
  const reason = `${doubt.id} depends on what is unknown: ${uncertainty.unknown.join(', ')}`
  return { ...plain(reserved('RETRY', 'uncertain', reason)), uncertainty }
}

/** The default; a refusal waits when a rule would have approved but for unknown values. */
function defaultOf(
  { defaultAction }: Policy,
  missed: Rule | undefined,
  subject: Subject,
): Evaluation {
  if (missed === undefined || defaultAction !== 'REJECT') {
    return plain(reserved(defaultAction, 'default'))
  }
  const uncertainty = uncertaintyOf(missed, subject)
  const reason = `no rule matched; unknown: ${uncertainty.unknown.join(', ')}`
  return { ...plain(reserved('RETRY', 'default', reason)), uncertainty }
}

function uncertaintyOf({ id, checks, reading }: Rule, subject: Subject): Uncertainty {
  return { rule: id, unknown: unknownIn(checks, subject, reading) }
}

/** What a rule that decides answers. */
function outcomeOf(policy: Policy, rule: Rule, answer: Answer, subject: Subject): Evaluation {
  if (rule.action !== 'APPROVE' && rule.hold === undefined) return plain(rule.decision)
  const answered = unsettled(rule, checksOf(policy, subject))
  return withChecks(checkedOutcome(rule, answer, subject, answered), answered)
}

/** What a rule answers that approves, or holds for people to approve, when these checks failed. */
function checkedOutcome(
  rule: Rule,
  answer: Answer,
  subject: Subject,
  answered: readonly AnsweredCheck[],
): Evaluation {
  const strictest = strictestOf(answered)
  const inconsistent = inconsistencyOf(strictest)
  if (inconsistent !== undefined) return plain(inconsistent)
  const refusal = refusalOf(rule, subject.facts)
  if (refusal !== undefined) return plain(refusal)
  const unreleasable = rule.hold === undefined ? undefined : lockOf(rule, answer, subject)
  if (unreleasable !== undefined) {
    const reason = `${rule.decision.reason} (not releasable)`
    return { ...plain({ ...rule.decision, reason }), unreleasable }
  }
  const evaluation = withRequirements(rule, subject)
  if (strictest?.answer.answer !== 'hold' || evaluation.decision !== rule.decision) {
    return evaluation
  }
  return heldFor(rule, strictest.checks, strictest.answer.hold, evaluation)
}

/** People decide, as the rule or the check asks, whichever asks for more. */
function heldFor(
  rule: Rule,
  checks: readonly CheckName[],
  terms: HoldTerms,
  evaluation: Evaluation,
): Evaluation {
  const { decision, hold } = evaluation
  const reason = `${INCONSISTENT}: ${checks.join(', ')}`
  return {
    ...evaluation,
    decision: hold === undefined ? { action: 'RETRY', rule: decision.rule, reason } : decision,
    hold: {
      ...(hold === undefined ? terms : stricterTerms(hold, terms)),
      boundTo: sha256(JSON.stringify([rule.binding(), checks])),
    },
  }
}

function checksOf({ consistency }: Policy, { request, facts }: Subject): readonly AnsweredCheck[] {
  const disagreements = disagreementsIn(request, facts.rawTx)
  return disagreements.length === 0 ? [] : answersTo(disagreements, consistency, facts.before)
}

/** Without the checks that the rule answers itself, by naming the chain or by tolerating that the fee is not proved. */
function unsettled(
  { settles, requirements }: Rule,
  answered: readonly AnsweredCheck[],
): readonly AnsweredCheck[] {
  return answered.filter(({ check }) => {
    if (check === 'typed-data-chain') return !settles.has('chain')
    return check !== 'gas-bound' || requirements.rawTx?.tolerated.has('fee') !== true
  })
}

function withChecks(evaluation: Evaluation, answered: readonly AnsweredCheck[]): Evaluation {
  return answered.length === 0 ? evaluation : { ...evaluation, consistency: answered }
}

const INCONSISTENT = 'the request contradicts itself'

/** The decision instead of an approval, when a check is answered with REJECT or RETRY. */
function inconsistencyOf(strictest: ReturnType<typeof strictestOf>): Decision | undefined {
  if (strictest === undefined) return undefined
  const { answer } = strictest.answer
  if (answer !== 'REJECT' && answer !== 'RETRY') return undefined
  return reserved(answer, 'contradiction', `${INCONSISTENT}: ${strictest.checks.join(', ')}`)
}

/**
 * Why people cannot release what the rule holds, in words. They can when the rule matches certainly for all that it speaks
 * of, or says that less is enough.
 */
export function lockOf(
  { checks, release }: Pick<Rule, 'checks' | 'release'>,
  answer: Answer,
  subject: Subject,
): string | undefined {
  const forAll = answerOf(checks, subject, 'release')
  if (forAll === CERTAINLY) return undefined
  if (forAll === NO && !release.mixed) {
    return 'its rule does not match every destination and element (see `release: any`)'
  }
  const isCertain = forAll === NO || release.mixed ? answer === CERTAINLY : false
  if (isCertain || release.uncertain) return undefined
  const fields = unknownIn(checks, subject, forAll === POSSIBLY ? 'release' : 'any')
  return `its rule asks for what is unknown: ${fields.join(', ')} (see \`uncertain: release\`)`
}

/**
 * The decision instead of an approval that no rule of the file gives: its raw transaction contradicts the request, or a
 * check fails that is not just noted.
 */
export function contentRefusal(
  policy: Policy,
  request: CallbackRequest,
  facts: Facts,
): Decision | undefined {
  if (facts.rawTx.status === 'mismatch') return reserved('REJECT', 'raw-tx')
  const strictest = strictestOf(
    checksOf(policy, subjectOf(staged(policy, request), facts, policy.addresses)),
  )
  if (strictest?.answer.answer !== 'hold') return inconsistencyOf(strictest)
  return reserved('RETRY', 'contradiction', `${INCONSISTENT}: ${strictest.checks.join(', ')}`)
}

/** The decision instead, when a requirement does not hold that no limit and no hook is about. */
function refusalOf(rule: Rule, { rawTx, statement }: Facts): Decision | undefined {
  const { requirements } = rule
  if (requirements.rawTx !== undefined && !isProven(rule, requirements.rawTx, rawTx)) {
    return requirements.rawTx.otherwise
  }
  const { keys, otherwise } = requirements.extraSignature ?? {}
  const signed = statement.status === 'valid' && keys?.has(statement.keyName)
  return signed ? undefined : otherwise
}

/** Everything is proved but what the rule tolerates, or says itself. */
function isProven(
  { settles }: Rule,
  { tolerated }: RawTxRequirement,
  rawTx: RawTxVerdict,
): boolean {
  if (rawTx.status === 'verified') return true
  return (
    rawTx.status === 'unproven' &&
    rawTx.unproven.every((part) => tolerated.has(part) || settles.has(part))
  )
}

function withRequirements(rule: Rule, subject: Subject): Evaluation {
  const { tx, facts } = subject
  const { limits, hook, extraSignature } = rule.requirements
  const charges: LimitCharge[] = []
  for (const { limit, otherwise } of limits) {
    const more = tx === undefined ? undefined : chargesFor(limit, tx, subject.addresses, otherwise)
    if (more === undefined) {
      const isHidden = tx !== undefined && hidesFromLimits(tx, subject.addresses)
      return plain(isHidden ? { ...otherwise, action: 'RETRY' } : otherwise)
    }
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
    hooks:
      hook === undefined
        ? []
        : [{ hook: hook.hook.name, unknown: unknownFields(subject), otherwise: hook.otherwise }],
    hold: rule.hold,
  }
}

function plain(decision: Decision): Evaluation {
  return { decision, charges: [], singleUses: [], hooks: [], hold: undefined }
}
