/** The policy in force: one frozen snapshot, replaced as a whole when the files have changed and still make a policy. */
import type { Clock } from '../../common/clock.ts'
import { createSerial } from '../../common/serial.ts'
import { stampsNow } from './policy-file.ts'
import { livePolicy } from '../policy/judge.ts'
import { emptiedLists } from '../policy/compile/lists.ts'
import type { Policy } from '../policy/compile/policy.ts'
import { formatProblem } from '../policy/file/problems.ts'
import type { LivePolicy } from '../policy/judge.ts'
import { createSignatureVerifier } from './statement-signature.ts'
import { loadInThread } from './threaded-load.ts'

/** Result of a look at the files that found something new. */
export type PolicyChange =
  | { readonly kind: 'swapped'; readonly digest: string; readonly rules: number }
  | {
      readonly kind: 'kept'
      readonly problems: readonly string[]
      /** It is good, and waits for people. */
      readonly waits?: true
    }

/** Result of a reload that was asked for. */
export type PolicyReload = PolicyChange | { readonly kind: 'unchanged'; readonly digest: string }

/** One policy that has been taken over. */
export interface Loaded {
  readonly policy: Policy
  readonly live: LivePolicy
  readonly at: Date
  /** In spite of what it is kept after an upgrade; empty unless a changed file would be refused for it. */
  readonly kept: readonly string[]
}

export interface PolicySource<T extends Loaded | undefined = Loaded> {
  readonly current: () => T | Loaded
  /** Why the files as they are now were refused; empty when what they say is in force. */
  readonly problems: () => readonly string[]
  /**
   * Looks whether the files have changed; undefined when nothing is new. A policy that cannot be used changes nothing,
   * and its problems are reported once. A file that is being written is left alone until it has stood still for one look.
   */
  readonly poll: () => Promise<PolicyChange | undefined>
  /** Reads the files now. */
  readonly reload: () => Promise<PolicyReload>
}

/** A policy that was loaded and tested. */
export function taken(policy: Policy, at: Date, kept: readonly string[] = []): Loaded {
  return { policy, live: livePolicy(policy, createSignatureVerifier()), at, kept }
}

const EMPTIED_HINT = 'write `empty: allowed` into the list if that is meant, and reload'

/** Whether a policy may decide from now on; why not yet. `path`: its file. */
export type Admit = (policy: Policy, path: string) => Promise<string | undefined>

/** Follows the files of a policy from what was loaded before, if anything was. */
export function followPolicy<T extends Loaded | undefined>(
  path: string,
  first: T,
  clock: Clock,
  admit: Admit = async () => undefined,
): PolicySource<T> {
  let current: T | Loaded = first
  let problems: readonly string[] = []
  let seen: ReadonlyMap<string, string> = new Map([[path, '']])
  /** Good, and not admitted yet. */
  let waiting: Policy | undefined
  let moving: ReadonlyMap<string, string> | undefined

  const take = async (policy: Policy): Promise<PolicyChange> => {
    const why = await admit(policy, path)
    waiting = why === undefined ? undefined : policy
    problems = why === undefined ? [] : [why]
    if (why !== undefined) return { kind: 'kept', problems, waits: true }
    current = taken(policy, clock.now())
    return { kind: 'swapped', digest: policy.digest, rules: policy.rules.length }
  }
  const look = async (): Promise<PolicyReload> => {
    const known = current?.policy.digest
    const loaded = await loadInThread(path, { known, clock })
    seen = loaded.stamps
    moving = undefined
    waiting = undefined
    if (loaded.kind === 'refused') {
      problems = loaded.problems.map(formatProblem)
      return { kind: 'kept', problems }
    }
    problems = []
    if (loaded.kind === 'unchanged') return { kind: 'unchanged', digest: known ?? '' }
    const { policy } = loaded
    const emptied = emptiedLists(current?.policy.lists ?? new Map(), policy.lists)
    if (emptied.length > 0) {
      problems = emptied.map((name) => `list \`${name}\` has lost all its entries: ${EMPTIED_HINT}`)
      return { kind: 'kept', problems }
    }
    return take(policy)
  }
  /** What a look found, unless it has been told. */
  const news = async (what: () => Promise<PolicyReload>): Promise<PolicyChange | undefined> => {
    const before = problems.join('\n')
    const change = await what()
    if (change.kind === 'unchanged') return undefined
    return change.kind === 'kept' && change.problems.join('\n') === before ? undefined : change
  }
  /** One look at a time, so that the newest reading is the one that stays. */
  const inTurn = createSerial()
  return {
    current: () => current,
    problems: () => problems,
    poll: () =>
      inTurn(async () => {
        const now = await stampsNow(seen.keys())
        if (areEqual(now, seen)) {
          const next = waiting
          return next === undefined ? undefined : await news(() => take(next))
        }
        const still = moving !== undefined && areEqual(now, moving)
        moving = now
        if (!still) return undefined
        return news(look)
      }),
    reload: () => inTurn(look),
  }
}

function areEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && Array.from(a).every(([path, stamp]) => b.get(path) === stamp)
}
