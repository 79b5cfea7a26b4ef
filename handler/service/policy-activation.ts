/** Activation of policies: each is a record, and waits for people where the policy in force asks them for it (`acts.policy`). */
import { join } from 'node:path'
import { messageOf } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Config } from '../config/config.ts'
import { askPeople, waitingText, type ActDeps } from '../control/acts.ts'
import { policyOnRecord } from '../decisions/sqlite/policy-on-record.ts'
import type { SqliteStore } from '../decisions/sqlite/sqlite-store.ts'
import {
  activatedIn,
  copyPolicy,
  forgetActivated,
  noteActivated,
} from '../policy-files/activated-policy.ts'
import type { Admit } from '../policy-files/policy-source.ts'
import type { Policy } from '../policy/compile/policy.ts'

export interface Activation {
  /** Puts the policy of a start on record, if it is another than the last one there. */
  readonly started: (policy: Policy) => Promise<void>
  /** Lets a changed policy decide from now on, or says why not yet. */
  readonly admit: Admit
}

interface ActivationParts {
  readonly config: Pick<Config, 'stateDir' | 'storePath' | 'policyFile'>
  readonly store: Pick<SqliteStore, 'askAct' | 'policyLoaded'>
  readonly logger: Log
  readonly inForce: () => Policy
  readonly askedFor: ActDeps['askedFor']
}

/** Where activated policies are kept. */
export function activatedDirectory(stateDir: string): string {
  return join(stateDir, 'policies')
}

interface Change {
  readonly path: string
  readonly before: string | undefined
  readonly by: string
  readonly release?: string
}

export function createActivation(parts: ActivationParts): Activation {
  const { config, store, logger, inForce, askedFor } = parts
  const directory = activatedDirectory(config.stateDir)

  /** What keeps it from deciding, in words. */
  const activate = async (
    policy: Policy,
    { path, before, by, release }: Change,
  ): Promise<string | undefined> => {
    const { digest, acts } = policy
    const isGuarded = acts.has('policy')
    const copy = isGuarded ? await copyPolicy(path, digest, directory) : undefined
    if (isGuarded && copy === undefined) return 'the policy file is being changed'
    const { seq } = await store.policyLoaded({ digest, before, by }, release)
    if (copy === undefined) await forgetActivated(directory)
    else await noteActivated({ digest, path: copy, seq }, directory)
    return undefined
  }

  return {
    started: async (policy) => {
      try {
        const activated = await activatedIn(directory)
        const { digest } = policy
        if (activated !== undefined && activated !== 'damaged' && activated.digest === digest)
          return
        const before = policyOnRecord(config.storePath)
        const isOther = before !== undefined && before !== digest
        if (!isOther && activated === undefined && !policy.acts.has('policy')) return
        await activate(policy, { path: config.policyFile, before, by: 'the file at the start' })
      } catch (err) {
        logger.error({ err }, 'the policy of this start could not be put on record')
      }
    },
    admit: async (policy, path) => {
      const current = inForce()
      const before = current.digest
      const change = { path, before, by: 'the policy file' }
      const isGuarded = current.acts.has('policy') || policy.acts.has('policy')
      try {
        const what = `policy ${policy.digest} in place of ${before}`
        const subject = `${before} ${policy.digest}`
        const hold = await askPeople({ act: 'policy', subject, what }, { acts: store, askedFor })
        if (hold === undefined) return await activate(policy, change)
        if (hold.state !== 'released') return waitingText('policy', hold)
        return await activate(policy, {
          ...change,
          by: hold.approvals.join(', '),
          release: hold.id,
        })
      } catch (err) {
        logger.error({ err }, 'the change of the policy could not be put on record')
        // A stricter policy must not wait for a disk that is full, unless people are to be asked.
        return isGuarded ? `it cannot be put on record: ${messageOf(err)}` : undefined
      }
    },
  }
}
