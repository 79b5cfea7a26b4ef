/** What somebody should know although callbacks are answered: shown in `/readyz`, in the status and in the log. */
import type { Freeze } from '../../common/admin-api.ts'
import type { Loaded, PolicySource } from '../policy-files/policy-source.ts'

export interface NoticeParts {
  readonly frozen: Freeze | undefined
  readonly policies: PolicySource
  readonly shadow: PolicySource<Loaded | undefined> | undefined
  /** Hooks that are left alone for a while. */
  readonly openHooks: readonly string[]
}

/** One line each; empty when all is as it should be. */
export function noticesOf({ frozen, policies, shadow, openHooks }: NoticeParts): readonly string[] {
  const notices: string[] = []
  if (frozen !== undefined) {
    const { action, by, since, reason, also } = frozen
    notices.push(
      `frozen: every new request gets ${action} since ${since}, by ${by}: ${reason}`,
      ...also.map(
        (each) => `frozen again: ${each.action} at ${each.since}, by ${each.by}: ${each.reason}`,
      ),
    )
  }
  const { at, kept } = policies.current()
  const since = at.toISOString()
  notices.push(
    ...keptOf(kept),
    ...refusedOf('policy', `the policy taken over at ${since} decides`, policies.problems()),
    ...refusedOf('shadow policy', 'it is not followed', shadow?.problems() ?? []),
    ...openHooks.map((hook) => `hook: \`${hook}\` keeps failing and is asked every 10 s only`),
  )
  return notices
}

function keptOf([first, ...more]: readonly string[]): string[] {
  if (first === undefined) return []
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`
  return [
    `policy: the file was in force before the upgrade and still decides; once changed it is refused: ${first}${rest}`,
  ]
}

function refusedOf(what: string, consequence: string, problems: readonly string[]): string[] {
  const [first] = problems
  if (first === undefined) return []
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`
  return [`${what}: the file is refused and ${consequence}: ${first}${more}`]
}
