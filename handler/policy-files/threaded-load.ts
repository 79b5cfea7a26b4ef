/** Loads a policy while callbacks are answered: a thread parses and checks, the loop compiles and tests in slices. */
import { basename } from 'node:path'
import { systemClock } from '../../common/clock.ts'
import type { Clock } from '../../common/clock.ts'
import { messageOf } from '../../common/errors.ts'
import type { BootedThread } from '../../common/thread.ts'
import type { PolicyProblem } from '../policy/file/problems.ts'
import type { Policy } from '../policy/compile/policy.ts'
import { buildPolicy } from '../policy/parse.ts'
import type { PolicyForm } from '../policy/parse.ts'
import { bootPolicyThread } from './boot.ts'
import { createAssembly } from './form-parts.ts'
import { stampsNow } from './policy-file.ts'
import type { Stamps } from './policy-file.ts'
import { inSlices } from './slices.ts'
import type { FromThread, ToThread } from './worker-messages.ts'

/** What became of a load, and how the files stood when they were read. */
export type LoadedPolicy = { readonly stamps: Stamps } & (
  | { readonly kind: 'loaded'; readonly policy: Policy }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly problems: readonly PolicyProblem[] }
)

export interface LoadOptions {
  /** The digest of the policy in force, which need not be loaded again. */
  readonly known?: string | undefined
  /** A thread that was started ahead; one is started otherwise. It ends with the load. */
  readonly booted?: BootedThread | undefined
  /** Measures the slices. */
  readonly clock?: Clock
}

/** Loads a policy. A thread that dies (of lack of memory, say) is a problem of the file like any other. */
export async function loadInThread(path: string, options: LoadOptions = {}): Promise<LoadedPolicy> {
  const { known, booted = bootPolicyThread(), clock = systemClock } = options
  const ask = asker(booted)
  try {
    const read = await ask({ kind: 'read', path, known })
    if (read.kind === 'unchanged' || read.kind === 'refused') return read
    if (read.kind !== 'read') throw new TypeError(`unexpected message \`${read.kind}\``)
    const { stamps } = read
    const built = await inSlices(buildPolicy(await receive(read.head, ask)), clock)
    if (built.ok) return { kind: 'loaded', policy: built.policy, stamps }
    const located = await ask({ kind: 'locate', found: built.found })
    return { kind: 'refused', problems: located.kind === 'located' ? located.problems : [], stamps }
  } catch (error) {
    const message = `the thread that reads it failed: ${messageOf(error)}`
    const problem = { file: basename(path), line: 1, column: 1, path: '', message }
    return { kind: 'refused', problems: [problem], stamps: await stampsNow([path]) }
  } finally {
    await booted.worker.terminate()
  }
}

type Ask = (message: ToThread) => Promise<FromThread>

/** One question at a time. */
function asker({ worker, died }: BootedThread): Ask {
  return (message) => {
    const answered = new Promise<FromThread>((resolve) => {
      worker.once('message', resolve)
    })
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(message)
    return Promise.race([answered, died])
  }
}

/** Puts the form together from its parts. Each is asked for when the one before has been read: the loop turns between. */
async function receive(
  head: Extract<FromThread, { readonly kind: 'read' }>['head'],
  ask: Ask,
): Promise<PolicyForm> {
  const assembly = createAssembly(head)
  for (
    let part = await ask({ kind: 'next' });
    part.kind !== 'end';
    part = await ask({ kind: 'next' })
  ) {
    if (part.kind === 'rules' || part.kind === 'tests' || part.kind === 'keys') assembly.add(part)
    else throw new TypeError(`unexpected message \`${part.kind}\``)
  }
  return { ...assembly.form(), found: head.found }
}
