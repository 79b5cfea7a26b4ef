/** Looks up what the pages show. */
import type { GenerationInfo, HandlerStatus } from '../../common/admin-api.ts'
import type { Clock } from '../../common/clock.ts'
import { OPERATOR_ACTIONS, type OperatorDeps } from '../control/operator.ts'
import type { ChainEnd } from '../decisions/calls.ts'
import type { Loaded } from '../policy-files/policy-source.ts'
import type { History, Span } from '../telemetry/history.ts'
import type { Overview } from './overview.ts'
import type { PolicyView } from './policy-panels.ts'
import type { PublicView } from './public-page.ts'

export interface ViewDeps {
  readonly clock: Clock
  readonly history: History
  readonly status: () => Promise<HandlerStatus>
  readonly operator: OperatorDeps
  readonly chainEnd: () => Promise<ChainEnd>
  /** When a generation was retired, ISO 8601. */
  readonly retiredAt: (generation: GenerationInfo) => string | undefined
  readonly policy: () => Loaded
  /** Undefined when none is watched; its policy, while its file cannot be used. */
  readonly shadow: (() => Loaded | undefined) | undefined
}

/** So long what everybody sees is not looked up again: anybody may ask for it, and decisions share the store's thread. */
const PUBLIC_MS = 1_000

/** What everybody sees, looked up once a second at most. */
export function publicViews(deps: ViewDeps): () => Promise<PublicView> {
  const { clock } = deps
  let seen: Promise<PublicView> | undefined
  let seenMs = 0
  return () => {
    if (seen === undefined || clock.monotonicMs() - seenMs >= PUBLIC_MS) {
      seenMs = clock.monotonicMs()
      seen = publicView(deps)
    }
    return seen
  }
}

async function publicView(deps: ViewDeps): Promise<PublicView> {
  const { status, operator } = deps
  const [found, holds] = await Promise.all([
    status(),
    operator.acts.listHolds().catch(() => undefined),
  ])
  return counted(deps, found, holds)
}

/** What people see who have signed in. */
export async function overview(deps: ViewDeps, span: Span): Promise<Overview> {
  const { history, status, operator, chainEnd, retiredAt, policy, shadow } = deps
  const [found, { holds }, { limits }, chain] = await Promise.all([
    status(),
    OPERATOR_ACTIONS.listHolds({}, undefined, { operator }),
    OPERATOR_ACTIONS.listLimits({}, undefined, { operator }),
    chainEnd(),
  ])
  const loaded = shadow?.()
  return {
    ...counted(deps, found, holds),
    span,
    stretches: history.stretches(span),
    holds,
    limits,
    generations: found.generations.map((each) => ({ ...each, retiredAt: retiredAt(each) })),
    policy: policyView(policy()),
    shadow: shadow && { policy: loaded && policyView(loaded), ...history.shadow() },
    chain,
  }
}

function counted(
  { clock, history }: ViewDeps,
  { problems, notices = [] }: HandlerStatus,
  holds: readonly { readonly state: string }[] | undefined,
): PublicView {
  return {
    now: clock.now(),
    problems,
    notices,
    sinceMs: history.sinceMs,
    decided: history.decided(),
    refused: history.refused(),
    alarms: history.alarms(),
    waiting: holds?.filter(({ state }) => state === 'waiting').length,
  }
}

function policyView({ policy, at }: Loaded): PolicyView {
  return {
    digest: policy.digest,
    at,
    defaultAction: policy.defaultAction,
    rules: policy.rules.map(({ id, action, hold }) => ({ id, action, people: hold?.approvals })),
  }
}
