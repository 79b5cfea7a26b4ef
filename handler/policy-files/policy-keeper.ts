/** Reloads of the live and the shadow policy, and what the log and the metrics hear of them. */
import type { ReloadAnswer, ReloadedPolicy } from '../../common/admin-api.ts'
import type { Log } from '../../common/log.ts'
import type { Loaded, PolicyReload, PolicySource } from './policy-source.ts'

export interface PolicyKeeper {
  /** Reads the shadow policy for the first time. */
  readonly openShadow: () => Promise<void>
  /**
   * Begins to take over what has changed, unless it is at that already. A large policy takes seconds to read: neither the
   * certificates nor a stop wait for it.
   */
  readonly look: () => void
  /** Reads everything now: on a signal or at the operator's request. */
  readonly reload: () => Promise<ReloadAnswer>
}

export interface KeeperParts {
  readonly policies: PolicySource
  readonly shadow: PolicySource<Loaded | undefined> | undefined
  readonly logger: Log
  /** A policy file was refused. */
  readonly refused: () => void
}

export function createPolicyKeeper({
  policies,
  shadow,
  logger,
  refused,
}: KeeperParts): PolicyKeeper {
  const report = (what: 'policy' | 'shadow policy', change: PolicyReload | undefined) => {
    if (change?.kind === 'swapped') {
      logger.info({ policyDigest: change.digest, rules: change.rules }, `${what} taken over`)
    }
    if (change?.kind === 'kept' && change.waits === true) {
      logger.warn({ problems: change.problems }, `the changed ${what} waits for people`)
    } else if (change?.kind === 'kept') {
      refused()
      logger.error({ problems: change.problems }, `the ${what} file is wrong: the old one stays`)
    }
  }
  let isLooking = false
  const poll = async () => {
    report('policy', await policies.poll())
    report('shadow policy', await shadow?.poll())
  }
  return {
    async openShadow() {
      report('shadow policy', await shadow?.reload())
    },
    look() {
      if (isLooking) return
      isLooking = true
      poll()
        .catch((err: unknown) => logger.error({ err }, 'the policy files could not be looked at'))
        .finally(() => {
          isLooking = false
        })
    },
    async reload() {
      const live = await policies.reload()
      report('policy', live)
      const shadowed = await shadow?.reload()
      report('shadow policy', shadowed)
      const policy = answerOf(live, policies.current())
      return {
        policy,
        shadow: shadowed === undefined ? null : answerOf(shadowed, shadow?.current()),
      }
    },
  }
}

function answerOf(change: PolicyReload, inForce: Loaded | undefined): ReloadedPolicy {
  return {
    outcome: change.kind,
    digest: inForce?.policy.digest ?? null,
    rules: inForce?.policy.rules.length ?? 0,
    problems: change.kind === 'kept' ? change.problems : [],
  }
}
