/** Looks up what the pages show. */
import type { HandlerStatus } from '../../common/admin-api.ts'
import type { Clock } from '../../common/clock.ts'
import type { OperatorDeps } from '../control/operator.ts'
import type { History } from '../telemetry/history.ts'
import type { PublicView } from './public-page.ts'

export interface ViewDeps {
  readonly clock: Clock
  readonly history: History
  readonly status: () => Promise<HandlerStatus>
  readonly operator: OperatorDeps
}

/** What everybody sees. */
export async function publicView(deps: ViewDeps): Promise<PublicView> {
  const { clock, history, status, operator } = deps
  const [{ problems, notices = [] }, holds] = await Promise.all([
    status(),
    operator.acts.listHolds().catch(() => undefined),
  ])
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
