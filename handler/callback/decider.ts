/**
 * Deciders: a team's own function may refuse what the policy approves, and approve what no rule
 * matches.
 */
import type { Decision } from '../policy/decision.ts'
import type { LivePolicy, PolicyFacts } from '../policy/judge.ts'
import { MARGIN_MS, Undecided, within } from './faults.ts'
import type { CallbackDeps } from './ports.ts'
import type { Proposal } from './proposal.ts'
import type { CallbackRequest } from '../protocol/request.ts'
import { type AskedRequest, wholeOf } from './read.ts'

/**
 * The proposal as the function leaves it. INVARIANT: a rule that refuses or holds is final, content
 * that forbids an approval forbids this one too, and a function that fails or is late is answered
 * RETRY.
 */
export async function settleDecider(
  proposal: Proposal,
  asked: AskedRequest,
  judged: { readonly policy: LivePolicy; readonly facts: PolicyFacts },
  deps: CallbackDeps,
): Promise<Proposal> {
  const { decision } = proposal
  if (deps.advisers.decider === undefined) return proposal
  if (decision.action !== 'APPROVE' && decision.rule !== 'default') return proposal
  const { policy, facts } = judged
  const known = { ...facts, now: deps.time.clock.now() }
  const verdict = await ask(proposal, known, asked, deps)
  if (verdict === undefined || isNothingNew(verdict, decision)) return proposal
  if (verdict.action !== 'APPROVE') return { ...proposal, decision: verdict }
  const forbids = forbidden(known, await wholeOf(asked), policy)
  return { ...proposal, decision: forbids ?? verdict }
}

/** Where a rule approves, its own id stays on the record. */
function isNothingNew(verdict: Decision, decision: Decision): boolean {
  return verdict.action === 'APPROVE' && decision.action === 'APPROVE'
}

async function ask(
  { decision, rawTx }: Proposal,
  known: PolicyFacts,
  asked: AskedRequest,
  { advisers, time: { clock, after } }: CallbackDeps,
): Promise<Decision | undefined> {
  const request = await wholeOf(asked)
  const givenUp = new AbortController()
  const leftMs = asked.delivery.deadlineAtMs - 2 * MARGIN_MS - clock.monotonicMs()
  const { now, cosigner } = known
  const facts = { now, cosigner, policy: decision, rawTx, signal: givenUp.signal }
  try {
    const call = advisers.decider?.(request, facts).then((verdict) => ({ verdict }))
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
function forbidden(known: PolicyFacts, request: CallbackRequest, policy: LivePolicy) {
  if (policy.refusal === undefined) {
    throw new Undecided('policy-error', new Error('the policy cannot judge content alone'))
  }
  try {
    return policy.refusal(request, known)
  } catch (cause) {
    throw new Undecided('policy-error', cause)
  }
}
