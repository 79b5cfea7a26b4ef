/** A team's own function: it may refuse what the policy approves, and approve what no rule of the policy speaks about. */
import type { Decision, Evaluation } from '../policy/decision.ts'
import type { CallbackDeps } from './ports.ts'
import type { PolicyFacts } from '../policy/judge.ts'
import type { LivePolicy } from '../policy/judge.ts'
import type { AskedRequest } from './read.ts'
import { MARGIN_MS, Undecided } from './undecided.ts'
import { within } from './within.ts'

/**
 * The evaluation as the function leaves it. INVARIANT: a rule that refuses or holds is final, content that forbids an
 * approval forbids this one too, and a function that fails or is late is answered RETRY.
 */
export async function settleDecider(
  evaluation: Evaluation,
  asked: AskedRequest,
  policy: LivePolicy,
  deps: CallbackDeps,
): Promise<Evaluation> {
  const { decider } = deps
  const { decision } = evaluation
  if (decider === undefined) return evaluation
  if (decision.action !== 'APPROVE' && decision.rule !== 'default') return evaluation
  const known = { now: deps.clock.now(), cosigner: asked.verified.cosigner }
  const verdict = await ask(evaluation, known, asked, deps)
  if (verdict === undefined || isNothingNew(verdict, decision)) return evaluation
  if (verdict.action !== 'APPROVE') return { ...evaluation, decision: verdict }
  return { ...evaluation, decision: forbidden(known, asked, policy) ?? verdict }
}

/** Where a rule approves, its own id stays on the record. */
function isNothingNew(verdict: Decision, decision: Decision): boolean {
  return verdict.action === 'APPROVE' && decision.action === 'APPROVE'
}

async function ask(
  { decision, rawTx }: Evaluation,
  known: PolicyFacts,
  { request, delivery }: AskedRequest,
  { decider, clock, after }: CallbackDeps,
): Promise<Decision | undefined> {
  const givenUp = new AbortController()
  const leftMs = delivery.deadlineAtMs - 2 * MARGIN_MS - clock.monotonicMs()
  const facts = { ...known, policy: decision, rawTx, signal: givenUp.signal }
  try {
    const call = decider?.(request, facts).then((verdict) => ({ verdict }))
    const answer = await within(leftMs, call, after)
    if (answer === undefined) throw new Error('the function takes too long')
    return answer.verdict
  } catch (cause) {
    throw new Undecided('policy-error', cause)
  } finally {
    givenUp.abort()
  }
}

/** A policy that cannot say what content forbids must not be stood in for. */
function forbidden(known: PolicyFacts, { request }: AskedRequest, policy: LivePolicy) {
  if (policy.refusal === undefined) {
    throw new Undecided('policy-error', new Error('the policy cannot judge content alone'))
  }
  try {
    return policy.refusal(request, known)
  } catch (cause) {
    throw new Undecided('policy-error', cause)
  }
}
