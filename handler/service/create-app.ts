/** The side of the handler that meets requests: verifier, keys, policy, store and log joined to one application. */
import type { Clock } from '../../common/clock.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Admission } from '../edge/admission.ts'
import { createApp } from '../edge/app.ts'
import type { App } from '../edge/app.ts'
import type { ByteBudget } from '../edge/byte-budget.ts'
import { answerCallback } from '../callback/answer-callback.ts'
import type { Material } from './inspect.ts'
import type { SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import { CallbackError } from '../protocol/errors.ts'
import type { Registry } from '../generations/registry.ts'
import { frozenDecision } from '../callback/hold-book.ts'
import type { Keyring } from '../generations/keyring.ts'
import type { Pauses } from '../edge/pauses.ts'
import type { LameDuck } from '../edge/shutdown.ts'
import { callbackLog } from '../telemetry/log.ts'
import type { Logger } from '../telemetry/log.ts'
import { refusals } from '../telemetry/refusals.ts'
import type { Operating } from './operating.ts'
import type { AlarmEvent, CallbackDeps, CallbackLog, Decider } from '../callback/ports.ts'
import type { Routes } from '../protocol/endpoints.ts'
import { createPlainVerifier, createTokenVerifier, signToken } from '../protocol/token.ts'
import type { RetryBudget } from '../telemetry/retry-budget.ts'
import { createAnswerMemory } from '../callback/answer-memory.ts'
import { createSharedWork } from '../callback/shared-work.ts'

/** The co-signer waits 30 s for an answer; the last one belongs to the network. */
const COSIGNER_PATIENCE_MS = 29_000

export interface ServingParts {
  readonly material: Material
  readonly keyring: Keyring
  readonly registry: Registry
  readonly store: SqliteStore
  readonly operating: Pick<Operating, 'policies' | 'hooks' | 'holds' | 'shadow'>
  /** A team's own function beside the policy. */
  readonly decider: Decider | undefined
  readonly admission: Admission
  readonly budget: ByteBudget
  readonly duck: LameDuck
  readonly pauses: Pauses
  readonly metrics: Metrics
  readonly retries: RetryBudget
  readonly routes: () => Routes
  readonly clock: Clock
  readonly logger: Logger
}

/** The application, ready to be given to the listeners. */
export function createServing(parts: ServingParts): App {
  const { admission, clock, duck, logger, material, operating, registry, store } = parts
  const { policies, hooks, holds, shadow } = operating
  const { config, cosigners } = material
  const plain = config.auth === 'certificate'
  const log = observedLog(parts)
  const deps: CallbackDeps = {
    mode: plain ? 'plain' : 'token',
    verify: plain ? createPlainVerifier() : createTokenVerifier(cosigners),
    sign: (generation, claims, begins) =>
      admission.sign(() => {
        begins?.()
        return signToken(keyOf(parts.keyring, generation), claims)
      }),
    policy: () => policies.current().live,
    store,
    time: { clock, after: duck.after },
    frozen: () => frozenDecision(store),
    shared: createSharedWork(),
    answers: createAnswerMemory(),
    log,
    advisers: { hooks, holds, shadow, decider: parts.decider },
  }
  return createApp({
    answer: (delivery) => answerCallback(delivery, deps),
    routes: parts.routes,
    stateOf: registry.stateOf,
    admission,
    budget: parts.budget,
    maxBodyBytes: config.maxBodyBytes,
    clock,
    timeLeftMs: () => {
      const patienceMs = COSIGNER_PATIENCE_MS - parts.pauses.ageMs()
      return duck.timeLeftMs(Math.max(0, Math.min(config.deadlineMs, patienceMs)))
    },
    draining: duck.ending,
    log,
    otherMode: (target) => {
      const speaks = plain
        ? 'signed tokens (`hybrid` or `public-key`)'
        : 'plain JSON (`certificate`)'
      logger.warn(
        { target },
        `a caller speaks ${speaks}, this handler is set to \`${config.auth}\``,
      )
    },
    answered: parts.metrics.answered,
  })
}

/** INVARIANT: a generation that is routed has its key; one whose key has gone cannot sign, which is 503. */
export function keyOf(keyring: Keyring, generation: number) {
  const key = keyring.get(generation)?.privateKey
  if (key !== undefined) return key
  throw new CallbackError('ERR_SIGNING_UNAVAILABLE', `generation ${generation} has no private key`)
}

/** Everything that is logged is counted, and every served request keeps its generation from being retired. */
function observedLog(parts: ServingParts): CallbackLog {
  const { clock, duck, logger, metrics, registry, retries } = parts
  const log = callbackLog(logger)
  const alsoRefused = (count: number) =>
    logger.warn({ code: 'ERR_OVERLOADED', count }, 'also refused')
  const tellRefused = refusals((event) => log.refused(event), alsoRefused, duck.after)
  const alarm = (event: AlarmEvent) => {
    log.alarm(event)
    metrics.alarm(event)
  }
  return {
    alarm,
    decided(event) {
      log.decided(event)
      metrics.decided(event)
      registry.hits.hit(event.generation, event.signerId)
      if (!retries.answered(event, clock.now())) return
      const { deliveryId, requestId } = event
      alarm({ kind: 'retry-budget', deliveryId, requestId })
    },
    refused(event) {
      tellRefused(event)
      metrics.refused(event)
      const { error, generation } = event
      const shed = error instanceof CallbackError && error.status === 503
      if (shed && generation !== undefined) registry.hits.touch(generation)
    },
  }
}
