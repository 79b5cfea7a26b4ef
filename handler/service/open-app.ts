/** Stage 7: the straight line with everything that it depends on, behind the web application. */
import { answerCallback } from '../callback/answer-callback.ts'
import { createAnswerMemory } from '../callback/answer-memory.ts'
import { frozenDecision } from '../callback/hold-book.ts'
import type { AlarmEvent, CallbackDeps, CallbackLog, Decider } from '../callback/ports.ts'
import { createSharedWork } from '../callback/shared-work.ts'
import type { SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import { createApp, type App } from '../edge/app.ts'
import { CallbackError } from '../protocol/errors.ts'
import { createLargeBodies } from '../large/large-bodies.ts'
import { plainVerifier, signToken, tokenVerifier } from '../protocol/token.ts'
import { callbackLog } from '../telemetry/log.ts'
import { refusals } from '../telemetry/refusals.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { RetryBudget } from '../telemetry/retry-budget.ts'
import type { Silence } from '../telemetry/silence.ts'
import type { Material } from './inspect.ts'
import type { Events } from './open-events.ts'
import type { Capacity } from './open-capacity.ts'
import type { Generations } from './open-generations.ts'
import type { Policies } from './open-policies.ts'
import type { Process } from './process.ts'

export interface AppParts {
  readonly material: Material
  readonly generations: Generations
  readonly store: SqliteStore
  readonly capacity: Capacity
  readonly policies: Policies
  readonly metrics: Metrics
  readonly retries: RetryBudget
  readonly events: Pick<Events, 'alarm' | 'refused'>
  readonly silence: Silence
  /** A team's own function, asked besides the policy. */
  readonly decider: Decider | undefined
}

/** The application, ready to be given to the listeners. */
export function openApp({ config, clock, after, logger, closers }: Process, parts: AppParts): App {
  const { material, generations, store, capacity, policies, metrics } = parts
  const { admission, budget, shutdown } = capacity
  const plain = config.auth === 'certificate'
  const log = observedLog({ clock, logger, after: shutdown.after }, parts)
  const verifier = plain ? plainVerifier() : tokenVerifier(material.cosigners)
  const large = createLargeBodies({
    vouch: verifier.vouch,
    clock,
    after,
    died: (err) => logger.error({ err }, 'the thread for large bodies has ended'),
  })
  closers.add(large.close)
  const deps: CallbackDeps = {
    mode: plain ? 'plain' : 'token',
    verify: verifier.verify,
    sign: async (generation, claims, begins) => {
      const signer = generations.signerOf(generation)
      return admission.of(signer).sign(() => {
        begins?.()
        return signToken(signer, claims)
      })
    },
    policy: () => policies.policies.current().live,
    store,
    time: { clock, after: shutdown.after },
    frozen: () => frozenDecision(store),
    shared: createSharedWork(),
    answers: createAnswerMemory(),
    log,
    advisers: {
      hooks: policies.hooks,
      holds: policies.holds,
      shadow: policies.shadow,
      decider: parts.decider,
    },
    large,
  }
  return createApp({
    answer: (delivery) => answerCallback(delivery, deps),
    routes: generations.routes,
    stateOf: generations.registry.stateOf,
    gateOf: (generation) => admission.of(generations.keyring.get(generation)?.signer ?? {}),
    budget,
    maxBodyBytes: config.maxBodyBytes,
    clock,
    timeLeftMs: capacity.timeLeftMs,
    draining: shutdown.ending,
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
    answered: metrics.answered,
  })
}

/** Everything that is logged is counted, and every served request keeps its generation from being retired. */
function observedLog(
  { clock, logger, after }: Pick<Process, 'clock' | 'logger' | 'after'>,
  { generations, metrics, retries, events, silence }: AppParts,
): CallbackLog {
  const { hits } = generations.registry
  const log = callbackLog(logger)
  const alsoRefused = (count: number) =>
    logger.warn({ code: 'ERR_OVERLOADED', count }, 'also refused')
  const logRefused = refusals((event) => log.refused(event), alsoRefused, after)
  const alarm = (event: AlarmEvent) => {
    log.alarm(event)
    metrics.alarm(event)
    events.alarm(event)
  }
  return {
    alarm,
    inconsistent(event) {
      log.inconsistent(event)
      metrics.inconsistent(event)
    },
    decided(event) {
      log.decided(event)
      metrics.decided(event)
      hits.hit(event.generation, event.signerId)
      silence.heard()
      if (!retries.answered(event, clock.now())) return
      const { deliveryId, requestId } = event
      alarm({ kind: 'retry-budget', deliveryId, requestId })
    },
    refused(event) {
      logRefused(event)
      metrics.refused(event)
      events.refused(event)
      const { error, generation } = event
      const shed = error instanceof CallbackError && error.status === 503
      if (shed && generation !== undefined) hits.touch(generation)
    },
  }
}
