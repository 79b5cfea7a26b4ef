/** Decides a request: the first rule that matches, what it requires, and the default when none does. */
import type { CallbackRequest } from '../protocol/request.ts'
import { contradictionIn } from './contradiction.ts'
import type { Decision, Evaluation, LimitCharge, Uncertainty } from './decision.ts'
import type { Facts } from './facts.ts'
import { chargesFor } from './compile/limits.ts'
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
 * matches even possibly, nothing in the request contradicts itself, the raw transaction does not contradict it, and every
 * requirement that can be judged here holds.
 */
export function evaluate(policy: Policy, request: CallbackRequest, facts: Facts): Evaluation {
  const subject = subjectOf(request, facts, policy.addresses)
  const next = candidates(policy.index, subject)
  let doubt: Rule | undefined
  let missed: Rule | undefined
  for (let filed = next(); filed !== undefined; filed = next()) {
    const { rule, checks } = filed
    const answer = answerOf(checks, subject, rule.reading)
    if (answer === NO) continue
    if (answer === POSSIBLY && rule.action === 'APPROVE') missed ??= rule
    else if (answer === POSSIBLY && rule.action === 'REJECT') doubt ??= rule
    else return afterDoubt(doubt, outcomeOf(rule, answer, subject), subject)
  }
  return afterDoubt(doubt, defaultOf(policy, missed, subject), subject)
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
function outcomeOf(rule: Rule, answer: Answer, subject: Subject): Evaluation {
  if (rule.action !== 'APPROVE' && rule.hold === undefined) return plain(rule.decision)
  const { request, facts } = subject
  const refusal = refusalOf(rule, request, facts)
  if (refusal !== undefined) return plain(refusal)
  const unreleasable = rule.hold === undefined ? undefined : lockOf(rule, answer, subject)
  return unreleasable === undefined
    ? withRequirements(rule, subject)
    : {
        ...plain({ ...rule.decision, reason: `${rule.decision.reason} (not releasable)` }),
        unreleasable,
      }
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
  if (isForOtherChain(rawTx) && !rule.settles.has('chain')) {
    return { action: 'RETRY', rule: rule.id, reason: 'typed data for another chain' }
  }
  if (requirements.rawTx !== undefined && !isProven(rule, requirements.rawTx, rawTx)) {
    return requirements.rawTx.otherwise
  }
  const { keys, otherwise } = requirements.extraSignature ?? {}
  const signed = statement.status === 'valid' && keys?.has(statement.keyName)
  return signed ? undefined : otherwise
}

/** A message that names another chain than the asset's: only a rule that names it as well may let it pass. */
function isForOtherChain(rawTx: RawTxVerdict): boolean {
  return rawTx.status !== 'absent' && rawTx.facts.otherChain !== undefined
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
