/** The policy in force: one frozen snapshot, replaced as a whole when the file has changed and still parses. */
import { loadPolicy } from './policy-file.ts'
import { livePolicy } from './policy/judge.ts'
import type { Policy } from './policy/policy.ts'
import { formatProblem } from './policy/problems.ts'
import type { LivePolicy } from './ports.ts'
import { createSignatureVerifier } from './statement-signature.ts'

/** What a look at the file came to. */
export type PolicyChange =
  | { readonly kind: 'swapped'; readonly digest: string; readonly rules: number }
  | { readonly kind: 'kept'; readonly problems: readonly string[] }

export interface PolicySource {
  readonly current: () => LivePolicy
  /** Reads the file again; undefined when nothing is new. A policy that does not parse changes nothing. */
  readonly poll: () => Promise<PolicyChange | undefined>
}

/** Follows the file from a policy that was loaded before. Problems are told once, until they are other ones. */
export function followPolicy(path: string, first: Policy): PolicySource {
  let current = livePolicy(first, createSignatureVerifier())
  let told = ''
  return {
    current: () => current,
    async poll() {
      const loaded = await loadPolicy(path)
      if (!loaded.ok) {
        const problems = loaded.problems.map(formatProblem)
        if (problems.join('\n') === told) return undefined
        told = problems.join('\n')
        return { kind: 'kept', problems }
      }
      told = ''
      const { digest, rules } = loaded.policy
      if (digest === current.digest) return undefined
      current = livePolicy(loaded.policy, createSignatureVerifier())
      return { kind: 'swapped', digest, rules: rules.length }
    },
  }
}
