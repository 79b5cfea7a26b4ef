/** What people and files do to a handler that runs: policy and shadow, hooks, holds, the freeze and the limits, joined. */
import type { KeyObject } from 'node:crypto'
import type { After, Clock } from '../../common/clock.ts'
import { createLiveMetrics } from '../telemetry/live-metrics.ts'
import type { Prometheus } from '../telemetry/prometheus.ts'
import type { OperatorDeps } from '../control/operator.ts'
import type { Material } from './inspect.ts'
import type { SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import { createHoldBook } from '../callback/hold-book.ts'
import { createHttpHooks } from '../hooks/http.ts'
import type { Logger } from '../telemetry/log.ts'
import { noticesOf } from '../telemetry/notices.ts'
import { createPolicyKeeper } from '../policy-files/policy-keeper.ts'
import type { PolicyKeeper } from '../policy-files/policy-keeper.ts'
import { followPolicy, taken } from '../policy-files/policy-source.ts'
import type { PolicySource } from '../policy-files/policy-source.ts'
import type { HoldBook, HookCaller, ShadowPolicy } from '../callback/ports.ts'
import { signToken } from '../protocol/token.ts'
import { createShadow } from '../policy-files/shadow.ts'
import { createSignatureVerifier } from '../policy-files/statement-signature.ts'

export interface OperatingParts {
  readonly material: Material
  readonly store: SqliteStore
  readonly clock: Clock
  readonly after: After
  readonly logger: Logger
  readonly prometheus: Prometheus
  readonly fetch: typeof fetch
  /** Makes one signature when its turn has come. */
  readonly sign: (work: () => Promise<string>) => Promise<string>
  /** Throws when that generation cannot sign. */
  readonly keyOf: (generation: number) => KeyObject
}

export interface Operating {
  readonly policies: PolicySource
  readonly keeper: PolicyKeeper
  readonly hooks: HookCaller
  readonly holds: HoldBook
  readonly shadow: ShadowPolicy | undefined
  readonly notices: () => readonly string[]
  /** What the admin socket needs for the operator. */
  readonly operator: OperatorDeps
}

/** Reads the shadow policy, if there is one; nothing of that keeps the handler from starting. */
export async function createOperating(parts: OperatingParts): Promise<Operating> {
  const { material, store, clock, after, logger, prometheus } = parts
  const { config } = material
  const policies = followPolicy(config.policyFile, taken(material.policy, clock.now()), clock)
  const beside =
    config.shadowPolicyFile === undefined
      ? undefined
      : followPolicy(config.shadowPolicyFile, undefined, clock)
  const hooks = createHttpHooks({
    fetch: parts.fetch,
    sign: (generation, claims, typ) =>
      parts.sign(() => signToken(parts.keyOf(generation), claims, typ)),
    verifySignature: createSignatureVerifier(),
    clock,
    after,
    called(hook, outcome, detail) {
      metrics.hookCalled(hook, outcome)
      if (detail !== undefined) logger.warn({ hook, detail }, 'a hook gave no answer')
    },
  })
  const metrics = createLiveMetrics(prometheus, {
    policies,
    frozen: () => store.frozen(),
    waiting: async () => {
      const holds = await store.listHolds().catch(() => [])
      return holds.filter(({ state }) => state === 'waiting').length
    },
    openHooks: hooks.open,
  })
  const refused = metrics.policyRefused
  const keeper = createPolicyKeeper({ policies, shadow: beside, logger, refused })
  await keeper.openShadow()
  return {
    policies,
    keeper,
    hooks,
    holds: createHoldBook(store),
    shadow: beside && createShadow(beside, logger, metrics.shadowed),
    notices: () =>
      noticesOf({ frozen: store.frozen(), policies, shadow: beside, openHooks: hooks.open() }),
    operator: {
      acts: store,
      clock,
      retryBudgetMs: config.cosignerRetryMs,
      limits: () => policies.current().policy.limits,
      reload: keeper.reload,
      told: (what, details) => logger.warn(details, what),
    },
  }
}
