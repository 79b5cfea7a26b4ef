/** Stage 9: the operator's doors: the admin socket, and the listener for their tools with the page. */
import { createConsole } from '../console/console.ts'
import type { DriftBook } from '../control/drift.ts'
import { openAdminSocket } from '../control/socket.ts'
import { selfTest, statusOf } from '../control/status.ts'
import { recordOf } from '../generations/generation-states.ts'
import type { SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import { openHealth } from '../telemetry/health.ts'
import type { History } from '../telemetry/history.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { serverCloser } from './closers.ts'
import type { Generations } from './open-generations.ts'
import type { Policies } from './open-policies.ts'
import type { Process } from './process.ts'

export interface DoorParts {
  readonly generations: Generations
  readonly store: SqliteStore
  readonly policies: Policies
  readonly metrics: Metrics
  /** What the page plots; undefined when there is no page. */
  readonly history: History | undefined
  readonly problems: () => Promise<readonly string[]>
  readonly drift: DriftBook
  readonly notices: () => readonly string[]
}

/** Both ask the handler in the same words: what one may, the other may. */
export async function openDoors(
  { config, clock, logger, closers, failed }: Process,
  { generations, store, policies, metrics, history, problems, drift, notices }: DoorParts,
): Promise<void> {
  const { registry, keyring } = generations
  const inForce = () => policies.policies.current().policy
  const status = async () => ({
    ...statusOf(config, registry, inForce().digest, await problems(), clock.now()),
    notices: notices(),
  })
  const operator = {
    acts: store,
    storeId: store.opening.storeId,
    askedFor: policies.askedFor,
    clock,
    retryBudgetMs: config.cosignerRetryMs,
    policy: () => policies.policies.current().live,
    limits: () => inForce().limits,
    reload: policies.keeper.reload,
    told: (what: string, details: object) => logger.warn(details, what),
  }
  const socket = await openAdminSocket(config.adminSocket, {
    registry,
    status,
    selfTest: (generation, nonce) => selfTest(registry, keyring, generation, nonce),
    operator,
    drift,
    failed,
  })
  closers.add(serverCloser(socket))
  const { consoleUrl: url } = config
  const page =
    url === undefined || history === undefined
      ? undefined
      : createConsole({
          url,
          clock,
          history,
          status,
          operator,
          chainEnd: store.chainEnd,
          retiredAt: ({ generation }) => recordOf(registry.state(), generation)?.retiredAt,
          policy: policies.policies.current,
          shadow: policies.watched?.current,
          approvers: () => [...inForce().people.approvers.values()],
          failed,
        })
  const ops = await openHealth(config.opsListen, { problems, notices, metrics, page })
  closers.add(serverCloser(ops))
}
