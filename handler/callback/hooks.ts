/**
 * Hooks: a team's own services may veto an approval, within the deadline; silence puts it off, and
 * then is a veto too.
 */
import type { Decision, HookRequirement } from '../policy/decision.ts'
import type { Hook } from '../policy/compile/hooks.ts'
import type { LivePolicy } from '../policy/judge.ts'
import { MARGIN_MS, Undecided, within } from './faults.ts'
import type { CallbackDeps } from './ports.ts'
import type { Proposal } from './proposal.ts'
import { type AskedRequest, wholeOf } from './read.ts'

/** What else decides about a missing answer. */
export interface HookTimes {
  readonly policy: LivePolicy
  /** When the request was first put off, ISO 8601; undefined at its first delivery. */
  readonly firstAt: string | undefined
}

/**
 * The proposal, or what the first hook that does not allow it leaves. Hooks are asked together, and
 * only about an approval.
 */
export async function settleHooks(
  proposal: Proposal,
  asked: AskedRequest,
  times: HookTimes,
  deps: CallbackDeps,
): Promise<Proposal> {
  const { decision, hooks } = proposal
  if (decision.action !== 'APPROVE' || hooks.length === 0) return proposal
  const answers = await askAll(hooks, decision.rule, asked, times, deps)
  const vetoes = hooks.flatMap((hook, index) => {
    const answer = answers[index] ?? 'no-answer'
    return answer === 'allow'
      ? []
      : [answer === 'deny' ? hook.otherwise : unanswered(hook, times, deps)]
  })
  if (vetoes.some(({ action }) => action === 'APPROVE')) {
    throw new Undecided('policy-error', new Error('a veto would approve'))
  }
  // A refusal that is certain need not wait for an answer that is missing.
  const veto = vetoes.find(({ action }) => action !== 'RETRY') ?? vetoes[0]
  return veto === undefined ? proposal : { ...proposal, decision: veto }
}

/** RETRY until the hook's budget has passed since the first delivery, then its fallback. */
function unanswered(
  { hook, otherwise }: HookRequirement,
  { policy, firstAt }: HookTimes,
  { time: { clock } }: CallbackDeps,
): Decision {
  const terms = policy.hooks?.get(hook)
  if (terms === undefined) return otherwise
  const { rule } = otherwise
  const nowMs = clock.now().getTime()
  const waitedMs = firstAt === undefined ? 0 : nowMs - Date.parse(firstAt)
  if (waitedMs < terms.budgetMs) return { action: 'RETRY', rule, reason: 'HOOK_NO_ANSWER' }
  return { action: fallbackOf(terms), rule, reason: 'HOOK_BUDGET_SPENT' }
}

/** INVARIANT: never APPROVE, whatever a policy made elsewhere says. */
function fallbackOf({ fallback }: Hook): 'REJECT' | 'RETRY' {
  return fallback === 'RETRY' ? 'RETRY' : 'REJECT'
}

/** Leaves time to record and to sign what follows from silence. */
async function askAll(
  hooks: readonly HookRequirement[],
  rule: string,
  asked: AskedRequest,
  { policy }: HookTimes,
  { advisers, time: { clock, after } }: CallbackDeps,
): Promise<readonly ('allow' | 'deny' | 'no-answer')[]> {
  const { delivery, verified } = asked
  const { deliveryId, generation } = delivery
  const request = await wholeOf(asked)
  const givenUp = new AbortController()
  const leftMs = delivery.deadlineAtMs - 2 * MARGIN_MS - clock.monotonicMs()
  const context = { deliveryId, generation, cosigner: verified.cosigner, rule }
  const ask = async ({ hook, unknown = [] }: HookRequirement) => {
    const terms = policy.hooks?.get(hook)
    const call = advisers.hooks?.call(hook, request, givenUp.signal, {
      ...context,
      terms,
      unknown,
    })
    const answer = await within(leftMs, call, after)
    return answer === 'allow' || answer === 'deny' ? answer : 'no-answer'
  }
  const answers = await Promise.all(
    hooks.map((hook) => ask(hook).catch(() => 'no-answer' as const)),
  )
  givenUp.abort()
  return answers
}
