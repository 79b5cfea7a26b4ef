/** Stage 6: the policy in force, the shadow policy, and the services and people that a policy asks. */
import { createHoldBook } from '../callback/hold-book.ts'
import type { HoldBook, ShadowPolicy } from '../callback/ports.ts'
import type { SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import type { Admission } from '../edge/admission.ts'
import { createHttpHooks, type HttpHooks } from '../hooks/http.ts'
import { createPolicyKeeper, type PolicyKeeper } from '../policy-files/policy-keeper.ts'
import {
  followPolicy,
  taken,
  type Loaded,
  type PolicySource,
} from '../policy-files/policy-source.ts'
import { createShadow } from '../policy-files/shadow.ts'
import { createSignatureVerifier } from '../policy-files/statement-signature.ts'
import type { ActName } from '../policy/approvals/act.ts'
import type { PeopleTerms } from '../policy/approvals/people.ts'
import type { Policy } from '../policy/compile/policy.ts'
import { signToken } from '../protocol/token.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { noticesOf } from '../telemetry/notices.ts'
import type { Material } from './inspect.ts'
import type { Generations } from './open-generations.ts'
import { createActivation } from './policy-activation.ts'
import type { Process } from './process.ts'

export interface Policies {
  readonly policies: PolicySource
  readonly keeper: PolicyKeeper
  readonly hooks: HttpHooks
  readonly holds: HoldBook
  readonly shadow: ShadowPolicy | undefined
  /** The shadow policy's files; undefined when there are none. */
  readonly watched: PolicySource<Loaded | undefined> | undefined
  /** Whom the policy in force asks for an act of an operator. */
  readonly askedFor: (act: ActName) => PeopleTerms | undefined
  readonly notices: () => readonly string[]
}

export interface PoliciesParts {
  readonly material: Material
  readonly generations: Generations
  readonly store: SqliteStore
  readonly metrics: Metrics
  readonly admission: Admission
  /** The timer of the straight line: ends early while the handler shuts down. */
  readonly after: Process['after']
  readonly fetch: typeof fetch
}

/** Reads the shadow policy, if there is one; nothing of that keeps the handler from starting. */
export async function openPolicies(
  { config, clock, logger }: Process,
  { material, generations, store, metrics, admission, after, fetch }: PoliciesParts,
): Promise<Policies> {
  const { policy, keptPolicy } = material
  const first = taken(policy, clock.now(), keptPolicy)
  const inForce = (): Policy => policies.current().policy
  const askedFor: Policies['askedFor'] = (act) => inForce().acts.get(act)
  const activation = createActivation({ config, store, logger, inForce, askedFor })
  const policies = followPolicy(config.policyFile, first, clock, activation.admit)
  await activation.started(policy)
  if (keptPolicy.length > 0) {
    metrics.policyRefused()
    logger.error(
      { problems: keptPolicy, policyDigest: policy.digest },
      'the policy file would be refused now; it still decides because it was in force before the upgrade',
    )
  }
  const shadowSource =
    config.shadowPolicyFile === undefined
      ? undefined
      : followPolicy(config.shadowPolicyFile, undefined, clock)
  const hooks = createHttpHooks({
    fetch,
    sign: async (generation, claims, typ) => {
      const signer = generations.signerOf(generation)
      return admission.of(signer).sign(() => signToken(signer, claims, typ))
    },
    verifySignature: createSignatureVerifier(),
    clock,
    after,
    called(hook, outcome, detail) {
      metrics.hookCalled(hook, outcome)
      if (detail !== undefined) logger.warn({ hook, detail }, 'a hook gave no answer')
    },
  })
  const keeper = createPolicyKeeper({
    policies,
    shadow: shadowSource,
    logger,
    refused: metrics.policyRefused,
  })
  await keeper.openShadow()
  return {
    policies,
    keeper,
    hooks,
    holds: createHoldBook(store),
    shadow: shadowSource && createShadow(shadowSource, logger, metrics.shadowed),
    watched: shadowSource,
    askedFor,
    notices: () =>
      noticesOf({
        frozen: store.frozen(),
        policies,
        shadow: shadowSource,
        openHooks: hooks.open(),
      }),
  }
}
