/** The side of the handler that meets requests: verifier, keys, policy, store and log joined to one application. */
import type { Clock } from '../common/clock.ts'
import type { Metrics } from './admin/metrics.ts'
import type { Admission } from './admission.ts'
import { createApp } from './app.ts'
import type { App } from './app.ts'
import type { ByteBudget } from './byte-budget.ts'
import { answerCallback } from './callback.ts'
import type { Material } from './check.ts'
import type { SqliteStore } from './decisions/sqlite.ts'
import { CallbackError } from './errors.ts'
import type { Registry } from './generations.ts'
import { createHoldBook, frozenDecision } from './hold-book.ts'
import type { Keyring } from './keyring.ts'
import type { LameDuck } from './lame-duck.ts'
import { callbackLog } from './logging.ts'
import type { Logger } from './logging.ts'
import type { PolicySource } from './policy-source.ts'
import type { CallbackDeps, CallbackLog } from './ports.ts'
import type { Routes } from './protocol/endpoints.ts'
import { createPlainVerifier, createTokenVerifier, signToken } from './protocol/token.ts'
import { createSharedWork } from './shared-work.ts'

export interface ServingParts {
  readonly material: Material
  readonly keyring: Keyring
  readonly registry: Registry
  readonly store: SqliteStore
  readonly policies: PolicySource
  readonly admission: Admission
  readonly budget: ByteBudget
  readonly duck: LameDuck
  readonly metrics: Metrics
  readonly routes: () => Routes
  readonly clock: Clock
  readonly logger: Logger
}

/** The application, ready to be given to the listeners. */
export function createServing(parts: ServingParts): App {
  const { admission, clock, duck, logger, material, registry, store } = parts
  const { config, cosigners } = material
  const plain = config.auth === 'certificate'
  const log = observedLog(parts)
  const deps: CallbackDeps = {
    mode: plain ? 'plain' : 'token',
    verify: plain ? createPlainVerifier() : createTokenVerifier(cosigners),
    sign: (generation, claims) =>
      admission.sign(() => signToken(keyOf(parts.keyring, generation), claims)),
    policy: parts.policies.current,
    store,
    clock,
    sleep: duck.sleep,
    override: () => frozenDecision(store),
    shared: createSharedWork(),
    log,
    holds: createHoldBook(store),
  }
  return createApp({
    answer: (delivery) => answerCallback(delivery, deps),
    routes: parts.routes,
    stateOf: registry.stateOf,
    admission,
    budget: parts.budget,
    maxBodyBytes: config.maxBodyBytes,
    clock,
    timeLeftMs: () => duck.timeLeftMs(config.deadlineMs),
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
function keyOf(keyring: Keyring, generation: number) {
  const key = keyring.get(generation)?.privateKey
  if (key !== undefined) return key
  throw new CallbackError('ERR_SIGNING_UNAVAILABLE', `generation ${generation} has no private key`)
}

/** Everything that is logged is counted, and every served request keeps its generation from being retired. */
function observedLog({ logger, metrics, registry }: ServingParts): CallbackLog {
  const log = callbackLog(logger)
  return {
    decided(event) {
      log.decided(event)
      metrics.decided(event)
      registry.hits.hit(event.generation, event.signerId)
    },
    refused(event) {
      log.refused(event)
      metrics.refused(event)
      const { error, generation } = event
      const shed = error instanceof CallbackError && error.status === 503
      if (shed && generation !== undefined) registry.hits.touch(generation)
    },
    alarm(event) {
      log.alarm(event)
      metrics.alarm(event)
    },
  }
}
