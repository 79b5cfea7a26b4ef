/** Policies for tests, from lines of YAML. */
import { parsePolicy } from '../../../handler/policy/parse.ts'
import type { ListFiles } from '../../../handler/policy/parse.ts'
import type { Policy } from '../../../handler/policy/compile/policy.ts'
import { formatProblem } from '../../../handler/policy/file/problems.ts'

/** The policy, which must be valid; `version: 1` is added. */
export function policyOf(yaml: string, lists?: ListFiles): Policy {
  const result = parsePolicy(`version: 1\n${yaml}`, 'policy.yaml', lists)
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.policy
}

/** The problems of a policy, one line each; empty when it is valid. `version: 1` is the first line. */
export function problemsIn(yaml: string, lists?: ListFiles): string[] {
  const result = parsePolicy(`version: 1\n${yaml}`, 'policy.yaml', lists)
  return result.ok ? [] : result.problems.map(formatProblem)
}
