/** Hooks: a team's own services may veto an approval, within the deadline; silence is a veto too. */
import type { Evaluation, HookRequirement } from '../policy/decision.ts'
import type { CallbackDeps } from '../ports.ts'
import type { AskedRequest } from './read.ts'
import { MARGIN_MS, Undecided } from './undecided.ts'
import { within } from './within.ts'

/** The evaluation, or the first veto's `otherwise`. Hooks are asked together, and only about an approval. */
export async function settleHooks(
  evaluation: Evaluation,
  asked: AskedRequest,
  deps: CallbackDeps,
): Promise<Evaluation> {
  const { decision, hooks } = evaluation
  if (decision.action !== 'APPROVE' || hooks.length === 0) return evaluation
  const allowed = await askAll(hooks, asked, deps)
  const veto = hooks.find((_, index) => allowed[index] !== true)
  if (veto === undefined) return evaluation
  if (veto.otherwise.action === 'APPROVE') {
    throw new Undecided('policy-error', new Error('a veto would approve'))
  }
  return { ...evaluation, decision: veto.otherwise }
}

/** Leaves time to record and to sign what follows from silence. */
async function askAll(
  hooks: readonly HookRequirement[],
  { delivery, request }: AskedRequest,
  deps: CallbackDeps,
): Promise<readonly boolean[]> {
  const givenUp = new AbortController()
  const leftMs = delivery.deadlineAtMs - 2 * MARGIN_MS - deps.clock.monotonicMs()
  const ask = async ({ hook }: HookRequirement): Promise<boolean> => {
    const call = deps.hooks?.call(hook, request, givenUp.signal)
    return (await within(leftMs, call, deps.sleep)) === 'allow'
  }
  const verdicts = await Promise.all(hooks.map((hook) => ask(hook).catch(() => false)))
  givenUp.abort()
  return verdicts
}
